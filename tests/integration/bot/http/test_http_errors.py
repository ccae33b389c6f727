"""Errors as clients receive them, and what becomes of an answer whose client disconnects."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import openai
import pytest

from bot.intake.rate_limits import TASKS_PER_MESSAGE
from bot.turns.recovery import recover_stranded
from tests.fakes.sglang_server import SGLangServer
from tests.integration.bot.http.conftest import Serve, Served, until

ASKED: list[Any] = [{"role": "user", "content": "How do I sleep better?"}]


async def wait_only_turn(served: Served) -> tuple[str, str | None]:
    """State and answer of the only turn, once it has ended."""
    await until(lambda: all_ended(served))
    [summary] = await served.turns()
    turn = await served.turn(str(summary.id))
    return turn.state, turn.answer


async def all_ended(served: Served) -> bool:
    return all(turn.ended_at for turn in await served.turns())


@pytest.mark.parametrize("stream", [False, True])
async def test_engine_unavailable(served: Served, server: SGLangServer, stream: bool) -> None:
    server.fails_with = (500, "out of memory")
    with pytest.raises(openai.InternalServerError) as unavailable:
        await served.client().chat.completions.create(model="base", messages=ASKED, stream=stream)
    assert unavailable.value.status_code == 503
    assert int(unavailable.value.response.headers["Retry-After"]) > 0
    assert unavailable.value.code == "service_unavailable"
    assert "Traceback" not in unavailable.value.response.text
    assert (await wait_only_turn(served))[0] == "failed"


async def test_error_in_mid_stream(serve: Serve, server: SGLangServer) -> None:
    server.breaks = "stall"
    chunks: list[str] = []
    async with serve(generation_seconds=2) as served:
        stream = await served.client().chat.completions.create(model="base", messages=ASKED, stream=True, user="anna")

        async def read() -> None:
            async for chunk in stream:
                chunks.append(chunk.choices[0].delta.content or "")  # noqa: PERF401  # the stream breaks off

        with pytest.raises(openai.APIError, match="not ready within 2 seconds"):
            await read()
        assert "".join(chunks) == "Rest and"
        assert await wait_only_turn(served) == ("failed", "Rest and")


@pytest.mark.parametrize("stream", [False, True])
async def test_disconnect_stops_the_answer(served: Served, server: SGLangServer, stream: bool) -> None:
    server.answer_gate = asyncio.Event()  # the engine sends "Rest" and no more
    async with served.http() as http:
        request = {"model": "base", "messages": ASKED, "stream": stream, "user": "anna"}
        if stream:
            async with http.stream("POST", "/v1/chat/completions", json=request) as response:
                async for line in response.aiter_lines():
                    if "Rest" in line:
                        break
        else:
            posting = asyncio.create_task(http.post("/v1/chat/completions", json=request))
            await server.until(requests=1)
            posting.cancel()
            await asyncio.wait([posting])
    state, answer = await wait_only_turn(served)
    assert state == "stopped"
    assert answer in (("Rest",) if stream else (None, "Rest"))
    async with asyncio.timeout(30):
        await server.aborted.wait()
    assert await recover_stranded(served.services.database, "agoge", served.services.heartbeat.id) == 0


async def test_disconnect_at_any_moment(served: Served, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    request = {"model": "base", "messages": ASKED, "stream": True}

    async with served.http() as http:
        for moment in range(1, 31):
            with suppress(TimeoutError):
                async with asyncio.timeout(moment * 0.01):
                    await http.post("/v1/chat/completions", json=request)
    await until(lambda: all_ended(served))
    assert {turn.state for turn in await served.turns()} == {"stopped"}


async def test_disconnect_during_intake(served: Served) -> None:
    request = {"model": "base", "messages": ASKED, "user": "anna"}
    async with served.http() as http:
        await http.post("/v1/chat/completions", json=request)
        [first] = await served.turns()
        async with served.services.database.person_transaction(first.user_id) as connection:
            # The session is locked, so the next message waits in the middle of its transaction.
            await connection.fetch("SELECT FROM sessions FOR UPDATE")
            posting = asyncio.create_task(http.post("/v1/chat/completions", json=request))

            async def waits_for_lock() -> bool:
                # Only who waits for us: the server's other databases have waiting locks of their own.
                blocked = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
                return bool(await connection.fetchval(blocked))

            await until(waits_for_lock)
            posting.cancel()
            await asyncio.wait([posting])

    async def is_stopped() -> bool:
        return [turn.state for turn in await served.turns()] == ["stopped", "delivered"]

    await until(is_stopped)


@pytest.mark.parametrize("stream", [False, True])
async def test_disconnect_after_the_answer(served: Served, stream: bool) -> None:
    request = {"model": "base", "messages": ASKED, "stream": stream}
    for _ in range(10):
        async with served.http() as http, http.stream("POST", "/v1/chat/completions", json=request) as response:
            async for text in response.aiter_text():
                if "finish_reason" in text and ('"stop"' in text):
                    break
    await until(lambda: all_ended(served))
    assert {turn.state for turn in await served.turns()} == {"delivered"}


async def test_rate_limit(serve: Serve) -> None:
    async with serve(person_at_once=2, person_per_minute=1) as served:
        create = served.client().chat.completions.create
        await create(model="base", messages=ASKED, user="anna")
        await create(model="base", messages=ASKED, user="anna")
        with pytest.raises(openai.RateLimitError) as limited:
            await create(model="base", messages=ASKED, user="anna", stream=True)
        assert limited.value.code == "rate_limit_exceeded"
        assert 1 <= int(limited.value.response.headers["Retry-After"]) <= 60
        await create(model="base", messages=ASKED, user="boris")
        assert len(await served.turns()) == 3


async def test_a_front_ends_own_prompts_have_limits_of_their_own(serve: Serve, dsn: str) -> None:
    task = [{"role": "user", "content": "### Task:\nGenerate 1-3 broad tags categorizing the main themes."}]
    async with serve(person_at_once=1, person_per_minute=1) as served:
        create = served.client().chat.completions.create
        for _ in range(TASKS_PER_MESSAGE):
            await create(model="base", messages=task, user="anna")  # type: ignore[arg-type]
        with pytest.raises(openai.RateLimitError):
            await create(model="base", messages=task, user="anna")  # type: ignore[arg-type]
        await create(model="base", messages=ASKED, user="anna")
        with pytest.raises(openai.RateLimitError):
            await create(model="base", messages=ASKED, user="anna")
        await create(model="base", messages=task, user="boris")  # type: ignore[arg-type]


async def test_full_service(serve: Serve, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    async with serve(waiting=1) as served, served.http() as http:
        request = {"model": "base", "messages": ASKED}
        first = asyncio.create_task(http.post("/v1/chat/completions", json=request))
        await server.until(requests=1)
        second = await http.post("/v1/chat/completions", json=request)
        assert (second.status_code, second.json()["error"]["code"]) == (503, "service_full")
        assert int(second.headers["Retry-After"]) > 0
        server.answer_gate.set()
        assert (await first).status_code == 200


async def test_shutdown(served: Served, server: SGLangServer) -> None:
    server.answer_gate = asyncio.Event()
    async with served.http() as http:
        request = {"model": "base", "messages": ASKED}
        first = asyncio.create_task(http.post("/v1/chat/completions", json=request))
        await server.until(requests=1)
        served.services.heartbeat.draining = True
        drained = asyncio.create_task(served.services.direct.drain(60))
        refused = await http.post("/v1/chat/completions", json=request)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert not drained.done()
        server.answer_gate.set()
        assert (await first).json()["choices"][0]["message"]["content"] == "Rest and sleep."
        await drained


async def test_message_too_long(served: Served) -> None:
    long = [{"role": "user", "content": "word " * 9000}]
    with pytest.raises(openai.BadRequestError, match="tokens") as refused:
        await served.client().chat.completions.create(model="base", messages=long)  # type: ignore[arg-type]
    assert refused.value.code == "context_length_exceeded"


TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
INVALID: list[tuple[dict[str, Any], str]] = [
    ({"messages": ASKED}, "model"),
    ({"model": "base"}, "messages"),
    ({"model": "base", "messages": []}, "messages"),
    ({"model": "base", "messages": [{"role": "tool", "content": "x"}]}, "messages.0"),
    (
        {"model": "base", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages",
    ),
    ({"model": "base", "messages": [{"role": "user", "content": " \u200b\n"}]}, "messages"),
    ({"model": "base", "messages": ASKED, "n": 2}, "n"),
    ({"model": "base", "messages": ASKED, "temperature": 3}, "temperature"),
    ({"model": "base", "messages": ASKED, "max_tokens": 0}, "max_tokens"),
    ({"model": "base", "messages": ASKED, "stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ({"model": "base", "messages": ASKED, "user": "an\u0000na"}, "user"),
    ({"model": "base", "messages": ASKED, "user": "a" * 300}, "user"),
    ({"model": "base", "messages": ASKED, "metadata": {"session": 5}}, "metadata.session"),
    ({"model": "base", "messages": ASKED, "tools": [{"type": "function"}]}, "tools.0.function"),
    ({"model": "base", "messages": ASKED, "tools": [TOOL], "tool_choice": "required"}, "tools"),
    ({"model": "base", "messages": ASKED, "tools": [TOOL], "strict": True}, "tools"),
    ({"model": "base", "messages": ASKED, "tool_choice": "required"}, "tool_choice"),
    ({"model": "base", "messages": ASKED, "strict": True, "logprobs": True}, "logprobs"),
    ({"model": "base", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.ima"),
    ({"model": "base", "messages": [{"role": "assistant", "content": "Hello!"}]}, "messages"),
    ({"model": "base", "messages": ASKED, "response_format": {"type": "xml"}}, "response_format"),
]


@pytest.mark.parametrize(("body", "param"), INVALID)
async def test_invalid_requests(served: Served, body: dict[str, Any], param: str) -> None:
    async with served.http() as http:
        response = await http.post("/v1/chat/completions", json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"].startswith(param)
    assert await served.turns() == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b'{"model": "base", "messages": [{"role": "user", "content": "\\ud800"}]}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 1_000_001, "application/json", 413),
    ],
    ids=["truncated", "empty", "not UTF-8", "deeply nested", "lone surrogate", "wrong type", "too large"],
)
async def test_invalid_bodies(served: Served, body: bytes, kind: str, status: int) -> None:
    async with served.http() as http:
        response = await http.post("/v1/chat/completions", content=body, headers={"Content-Type": kind})
        assert response.status_code == status
        assert response.json()["error"]["message"]

        async def in_chunks() -> Any:
            for start in range(0, len(body), 100_000):
                yield body[start : start + 100_000]

        response = await http.post("/v1/chat/completions", content=in_chunks(), headers={"Content-Type": kind})
        assert response.status_code == status


async def test_database_unavailable(served: Served) -> None:
    await served.services.database.close()
    async with served.http() as http:
        response = await http.post("/v1/chat/completions", json={"model": "base", "messages": ASKED})
    assert response.status_code == 503
    assert "Traceback" not in response.text


async def test_unknown_endpoints(served: Served) -> None:
    async with served.http() as http:
        known = [("GET", "/v1/chat/completions"), ("HEAD", "/v1/turns"), ("PUT", "/v1/models/base")]
        for method, path in known:
            response = await http.request(method, path)
            assert (response.status_code, response.headers["Allow"]) == (405, "POST" if method == "GET" else "GET")
        for method, path in (("POST", "/v1/completions"), ("GET", "/v1/"), ("PATCH", "/v1/chat/completions/x")):
            response = await http.request(method, path)
            assert response.status_code == 404
            assert "POST /v1/chat/completions" in response.json()["error"]["message"]


async def test_error_language(served: Served) -> None:
    async with served.http(**{"Accept-Language": "ru-RU,en;q=0.5"}) as http:
        response = await http.post("/v1/chat/completions", json={"model": "base", "messages": []})
        assert "Неверное значение «messages»" in response.json()["error"]["message"]
