"""The service as real processes that are killed and started again, with the servers they lean on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from db.cluster import Cluster
from tests.acceptance.conftest import CONSILIUM

LOG_TAIL = 8000
"""Characters of each log that a failure shows."""


@dataclass
class Process:
    """One process, by whatever number it runs now."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None
    kills: int = 0
    started_at: float = 0.0

    def start(self) -> None:
        """Start it anew; what it says goes on in the same log."""
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def kill(self) -> None:
        """SIGKILL to all of it."""
        assert self.running is not None
        self.kills += 1
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait()

    def end(self, within: float = 40) -> int | None:
        """Tell it to end; the exit code, or None when it had to be killed."""
        if self.running is None:
            return None
        if self.running.poll() is None:
            self.running.terminate()
        try:
            return self.running.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    @property
    def tail(self) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.name} ---\n{text[-LOG_TAIL:]}"


@dataclass
class Fleet:
    """All of them."""

    folder: Path
    environment: Mapping[str, str]
    cluster: Cluster
    processes: dict[str, Process] = field(default_factory=dict)
    restarts: int = 0

    def serve(self, name: str, role: str) -> Process:
        """A process of the service, not started."""
        return self._add(name, [str(CONSILIUM), "serve", "--role", role])

    def engine(self, port: int, base: str, pause: float) -> Process:
        """The server that only looks like SGLang, not started."""
        module = ["-m", "tests.fakes.sglang_process", "--port", str(port), "--base", base, "--pause", str(pause)]
        return self._add("engine", [sys.executable, *module])

    async def restart_postgres(self, how: str) -> None:
        """Restart the database: `fast`, which ends every connection, or `immediate`, which is a crash to it."""
        self.restarts += 1
        if how == "immediate":
            pid = int((self.cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, signal.SIGQUIT)
            await asyncio.sleep(0.5)
        else:
            await asyncio.to_thread(self.cluster.stop, 30)
        await asyncio.to_thread(self.cluster.start, 60)

    def end(self) -> None:
        """End what still runs."""
        for process in self.processes.values():
            process.end()

    def tails(self) -> str:
        """The ends of all logs."""
        return "\n".join(process.tail for process in self.processes.values())

    def _add(self, name: str, command: list[str]) -> Process:
        process = Process(name, command, self.environment, self.folder / f"{name}.log")
        self.processes[name] = process
        return process
