"""The real SGLang server started from the profile `cpu`: that it serves adapters, guards them, and goes away whole."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.fixtures.sglang import START_TIMEOUT, SGLangServer, StartSGLang, free_port, running_sglang

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(2 * START_TIMEOUT)

PARENT = """
import sys, time
from pathlib import Path
import psutil
from tests.fixtures.sglang import running_sglang
with running_sglang(Path(sys.argv[1]), port=int(sys.argv[2])) as server:
    children = psutil.Process(server.process.pid).children()
    print(server.process.pid, *(child.pid for child in children), flush=True)
    time.sleep(600)
"""


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 60
    while not all(map(gone, pids)):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if not gone(pid)]}"
        time.sleep(0.1)


def test_it_answers_and_says_its_limits(sglang: SGLangServer) -> None:
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


def test_adapters_are_loaded_only_with_the_key(sglang: SGLangServer) -> None:
    body = {"lora_name": "x", "lora_path": "/no/such/folder"}
    refused = httpx.post(f"{sglang.url}/load_lora_adapter", json=body, timeout=30)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    key = {"Authorization": f"Bearer {sglang.admin_key}"}
    reached = httpx.post(f"{sglang.url}/load_lora_adapter", json=body, headers=key, timeout=30)
    assert reached.status_code == httpx.codes.BAD_REQUEST
    assert reached.json()["success"] is False


def test_a_server_without_one_of_its_processes_ends_whole(start_sglang: StartSGLang) -> None:
    server = start_sglang()
    family = psutil.Process(server.process.pid).children()
    (scheduler,) = [child for child in family if "scheduler" in child.name()]
    scheduler.kill()
    wait_until_gone([server.process.pid, *(child.pid for child in family)])


def test_it_ends_with_a_test_run_that_was_killed(base_model_dir: Path, sglang_environment: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(base_model_dir), str(free_port())], stdout=subprocess.PIPE, text=True
    )
    try:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) > 2
        parent.kill()
        wait_until_gone(pids)
    finally:
        parent.kill()
        parent.wait()


def test_a_port_in_use_is_named(sglang: SGLangServer, base_model_dir: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=f"cannot listen on .*:{sglang.port}"),
        running_sglang(base_model_dir, port=sglang.port),
    ):
        pass
