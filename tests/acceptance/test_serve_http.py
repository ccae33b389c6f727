"""`consilium serve --role api` with the real local engine, asked by OpenAI's own client."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

from tests.acceptance.conftest import CONSILIUM, DEADLINE, Home

KEY = "key-of-the-acceptance-tests"
QUESTION: list[Any] = [{"role": "user", "content": "How should I rest after a long run?"}]


@contextmanager
def serving(home: Home, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address, once it is ready."""
    own = {"CONSILIUM_HTTP_PORT": "0", "CONSILIUM_API_KEYS": f"site:{KEY}", **more}
    process = subprocess.Popen(
        [CONSILIUM, "serve", "--role", "api"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**home.environment, **own},
    )
    late = threading.Timer(DEADLINE, process.kill)
    late.start()
    assert process.stderr
    try:
        printed = ""
        while not (found := re.search(r"(http://\S+)/readyz", printed)):
            line = process.stderr.readline()
            assert line, f"it ended before it was ready: {printed}"
            printed += line
        yield process, found[1]
    finally:
        late.cancel()
        process.kill()
        process.wait()


def test_openai_client_talks_to_a_mind(home: Home, brief_mind: Path) -> None:
    with serving(home, CONSILIUM_MIND=str(brief_mind)) as (process, address):
        client = OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0, timeout=DEADLINE)
        assert {"sport", "auto", "base"} <= {model.id for model in client.models.list()}
        stream = client.chat.completions.create(
            model="спорт", messages=QUESTION, user="anna", stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        answer = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
        assert len(answer.split()) > 3
        assert chunks[-1].usage
        assert 1 < chunks[-1].usage.completion_tokens <= 160
        assert {chunk.model for chunk in chunks} == {"core+sport"}
        form: Any = {
            "type": "json_schema",
            "json_schema": {
                "name": "rest",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {"hours": {"type": "integer", "minimum": 0, "maximum": 24}},
                    "required": ["hours"],
                    "additionalProperties": False,
                },
            },
        }
        whole = client.chat.completions.create(model="base", messages=QUESTION, response_format=form, temperature=0)
        assert 0 <= json.loads(whole.choices[0].message.content or "")["hours"] <= 24
        turn = httpx.get(
            f"{address}/v1/turns/{chunks[0].id}",
            params={"user": "anna"},
            headers={"Authorization": f"Bearer {KEY}"},
        ).json()
        assert (turn["state"], turn["answer"]) == ("delivered", answer.strip())
        assert httpx.get(f"{address}/v1/models").status_code == 401
        assert "consilium_http_requests_total" in httpx.get(f"{address}/metrics").text

        stream = client.chat.completions.create(model="base", messages=QUESTION, stream=True)
        pieces = [next(iter(stream))]
        process.send_signal(signal.SIGTERM)
        pieces += list(stream)
        assert pieces[-1].choices[0].finish_reason in ("stop", "length")
        assert process.wait(DEADLINE) == 0


def test_shutdown_while_models_load_is_clean(new_home: Home) -> None:
    migrated = new_home.run("migrate")
    assert migrated.code == 0, migrated.err
    process = subprocess.Popen(
        [CONSILIUM, "serve", "--role", "api"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**new_home.environment, "CONSILIUM_HTTP_PORT": "0"},
    )
    assert process.stderr
    printed = ""
    while "loading the models" not in printed:
        line = process.stderr.readline()
        assert line, f"it ended before it loaded anything: {printed}"
        printed += line
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert "readyz" not in rest
    assert "Traceback" not in rest
