"""Several processes of one command that train together, as torchrun would start them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import IO, Final

from bot.cli.app import EXIT_UNEXPECTED

_LAST_WORDS_SECONDS: Final = 5.0
"""How long the other processes may take to end by themselves once one has failed."""


def is_child() -> bool:
    """Whether this process was started beside others, here or by torchrun or accelerate."""
    return "WORLD_SIZE" in os.environ


def is_main_process() -> bool:
    """Whether this process is the one that speaks."""
    return os.environ.get("RANK", "0") == "0"


def run_in_processes(arguments: Sequence[str], count: int) -> int:
    """Run `consilium` with these arguments in `count` processes; the exit code of the first that fails, or 0.

    Only the first process speaks. Another one is heard if it fails, and the first does not know why.
    """
    shared = os.environ | {
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    shared.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    processes: list[subprocess.Popen[bytes]] = []
    complaints: list[IO[bytes]] = []
    try:
        for rank in range(count):
            complaints.append(tempfile.TemporaryFile())  # noqa: SIM115 - closed below with the others
            quiet = {} if rank == 0 else {"stdout": subprocess.DEVNULL, "stderr": complaints[rank]}
            own = shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            command = [sys.executable, "-m", "bot.cli", *arguments]
            processes.append(subprocess.Popen(command, env=own, **quiet))  # type: ignore[call-overload]  # noqa: S603
        failed = _wait_for_failure(processes)
        if failed is None:
            return 0
        first = processes[0].returncode
        if first not in (None, 0, EXIT_UNEXPECTED) and first > 0:
            return int(first)  # It has said why, and the others would only say it again.
        complaints[failed].seek(0)
        sys.stderr.write(complaints[failed].read().decode(errors="replace"))
        return abs(int(processes[failed].returncode))
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for complaint in complaints:
            complaint.close()


def _wait_for_failure(processes: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """The number of the process that failed first, once all have ended or had time to; None if all did well."""
    failed: int | None = None
    deadline = float("inf")
    while time.monotonic() < deadline:
        codes = [process.poll() for process in processes]
        if failed is None and any(codes):
            failed = next(rank for rank, code in enumerate(codes) if code)
            deadline = time.monotonic() + _LAST_WORDS_SECONDS
        if None not in codes:
            break
        time.sleep(0.05)
    return failed


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
