"""The whole service over a real SGLang server: a conversation that outlives it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import CONSILIUM, Home
from tests.fixtures.sglang import START_TIMEOUT

if TYPE_CHECKING:
    from tests.fixtures.sglang import RunningSGLang, SGLangServers

pytestmark = [pytest.mark.sglang, pytest.mark.kills_servers, pytest.mark.timeout(3 * START_TIMEOUT)]


def settings(server: RunningSGLang) -> dict[str, str]:
    return {
        "CONSILIUM_ENGINE": "sglang",
        "CONSILIUM_SGLANG_URL": server.url,
        "CONSILIUM_SGLANG_ADMIN_KEY": server.admin_key,
        "CONSILIUM_ENGINE_PATIENCE": str(START_TIMEOUT),
        "CONSILIUM_GENERATION_SECONDS": str(START_TIMEOUT),
    }


def test_answer_survives_a_killed_server(home: Home, brief_mind: Path, sglang_servers: SGLangServers) -> None:
    [server] = sglang_servers.take()
    chat = subprocess.Popen(
        [CONSILIUM, "chat", "--user", "anna"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**home.environment, **settings(server), "CONSILIUM_MIND": str(brief_mind)},
    )
    assert chat.stdin
    assert chat.stdout
    chat.stdin.write("/mode physics+core\nWhat keeps a bicycle from falling over?\nА теперь по-русски?\n".encode())
    chat.stdin.flush()
    seen = b""
    while len(seen.partition(b"[core+physics]")[2]) < 30:
        piece = chat.stdout.read1(64)
        assert piece, f"the chat ended before it answered: {seen!r}"
        seen += piece
    server.kill()
    sglang_servers.start(*server.flags, port=server.port)
    out, err = chat.communicate(b"", timeout=START_TIMEOUT)
    told = (seen + out).decode()
    assert chat.returncode == 0, told + err.decode()
    assert told.count("[core+physics]") == 2
    assert "not available" not in told
    assert "Traceback" not in told + err.decode()

    [log] = Path(home.environment["CONSILIUM_STATE_DIR"]).rglob("*.log")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    failures = [event for event in events if event["event"] == "engine.retried"]
    assert server.url in failures[0]["error"]
    assert [event["finish"] for event in events if event["event"] == "turn.answered"] in (
        ["stop", "stop"], ["stop", "length"], ["length", "stop"], ["length", "length"],
    )  # fmt: skip
    assert "adapter.lost" in {event["event"] for event in events}
