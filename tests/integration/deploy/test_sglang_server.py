"""The real SGLang server started from the profile `cpu`: that it serves adapters, guards them, and goes away whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from tests.fixtures.sglang import START_TIMEOUT, RunningSGLang, SGLangServers, running_sglang

pytestmark = [pytest.mark.sglang, pytest.mark.timeout(2 * START_TIMEOUT)]

PARENT = """
import sys, time
from pathlib import Path
from tests.fixtures.sglang import running_sglang
with running_sglang(Path(sys.argv[1])) as server:
    print(server.process.pid, flush=True)
    time.sleep(600)
"""
"""A test run that starts a server and is never asked to end it."""


def children(pid: int) -> dict[int, str]:
    """Process id and name of each child; the kernel keeps 15 characters of a name."""
    ids = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return {child: Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() for child in ids}


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 60
    while not all(map(gone, pids)):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if not gone(pid)]}"
        time.sleep(0.1)


def test_it_answers_and_says_its_limits(sglang: RunningSGLang) -> None:
    answer = httpx.post(
        f"{sglang.url}/v1/chat/completions",
        json={
            "model": sglang.model,
            "messages": [{"role": "user", "content": "What is the capital of France?"}],
            "max_tokens": 12,
            "temperature": 0,
        },
        timeout=120,
    )
    assert "Paris" in answer.json()["choices"][0]["message"]["content"]
    info = httpx.get(f"{sglang.url}/server_info", timeout=30).json()
    assert info["max_lora_rank"] == 32
    assert {"q_proj", "up_proj"} <= set(info["lora_target_modules"])
    assert (info["max_loras_per_batch"], info["max_loaded_loras"]) == (8, 16)


def test_adapters_are_loaded_only_with_the_key(sglang: RunningSGLang) -> None:
    body = {"lora_name": "x", "lora_path": "/no/such/folder"}
    refused = httpx.post(f"{sglang.url}/load_lora_adapter", json=body, timeout=30)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    key = {"Authorization": f"Bearer {sglang.admin_key}"}
    reached = httpx.post(f"{sglang.url}/load_lora_adapter", json=body, headers=key, timeout=30)
    assert reached.status_code == httpx.codes.BAD_REQUEST
    assert reached.json()["success"] is False


@pytest.mark.kills_servers(leaves_none=True)
def test_a_server_without_one_of_its_processes_ends_whole(sglang_servers: SGLangServers) -> None:
    [server] = sglang_servers.take()
    family = children(server.process.pid)
    (scheduler,) = [pid for pid, name in family.items() if name.startswith("sglang::schedul")]
    os.kill(scheduler, signal.SIGKILL)
    wait_until_gone([server.process.pid, *family])


def test_it_ends_with_a_test_run_that_was_killed(base_model_dir: Path, sglang_environment: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="consilium-") as scratch,
        subprocess.Popen(
            [sys.executable, "-c", PARENT, str(base_model_dir)],
            env=os.environ | {"TMPDIR": scratch},
            stdout=subprocess.PIPE,
            text=True,
        ) as parent,
    ):
        assert parent.stdout is not None
        try:
            server = int(parent.stdout.readline())
            family = children(server)
        finally:
            parent.kill()
        assert len(family) >= 2
        wait_until_gone([server, *family])


def test_a_port_in_use_is_named(sglang: RunningSGLang, base_model_dir: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=f"cannot listen on .*:{sglang.port}"),
        running_sglang(base_model_dir, port=sglang.port),
    ):
        pass
