"""Answers that survive their server: taken up where they broke off, or begun again, within the patience given."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from inference.adapters.usage import AdapterRef
from inference.engines.errors import EngineRefused, EngineUnavailable, SchemaRefused
from inference.engines.port import Finished, FinishReason, GenerationRequest, Message, TextDelta, Usage
from inference.engines.sglang import SGLangEngine
from tests.fakes.sglang_server import SGLangServer
from tests.integration.inference.engines.sglang.conftest import BASE, Connect, quick

if TYPE_CHECKING:
    from pathlib import Path

HELLO = (Message("user", "How do I rest?"),)
PIECES = ("Rest", " and", " sleep", " well", ".")


@pytest.mark.parametrize("breaks", ["drop", "end", "error", "nonsense", "stall"])
async def test_a_broken_answer_goes_on_where_it_broke_off(connect: Connect, breaks: str) -> None:
    server = SGLangServer(pieces=PIECES, breaks=breaks, breaks_left=1)
    async with connect(server, retry_timeout=10, timeouts=quick(between_tokens=0.2)) as engine:
        events = [event async for event in engine.generate(GenerationRequest(HELLO))]
    assert events[:-1] == [TextDelta(piece) for piece in PIECES]
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.STOP
    assert events[-1].usage == Usage(engine.tokenizer.count_prompt(HELLO), 2 + 3)
    first, second = server.requests
    assert second["messages"] == [*first["messages"], {"role": "assistant", "content": "Rest and"}]
    assert second["max_tokens"] == first["max_tokens"] - 2


async def test_a_request_that_breaks_every_server_is_given_up(connect: Connect) -> None:
    server = SGLangServer(pieces=[f"{number} " for number in range(20)], breaks="drop")
    async with connect(server, retry_timeout=10) as engine:
        with pytest.raises(EngineUnavailable):
            [event async for event in engine.generate(GenerationRequest(HELLO))]
    assert len(server.requests) == 3


async def test_a_structured_answer_is_whole_or_not_there(connect: Connect) -> None:
    pieces = ('{"a"', ": 1", "}")
    server = SGLangServer(pieces=pieces, breaks="drop", breaks_left=1)
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    async with connect(server, retry_timeout=10) as engine:
        events = [event async for event in engine.generate(GenerationRequest(HELLO, schema=schema))]
    assert events == [TextDelta('{"a": 1}'), Finished(FinishReason.STOP, Usage(7, 3))]
    assert server.requests[1]["messages"] == server.requests[0]["messages"]
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == schema


async def test_a_schema_the_server_cannot_read_is_told(connect: Connect) -> None:
    body = '{"object": "error", "message": "Failed to compile json grammar: no such type", "code": 400}'
    async with connect(SGLangServer(fails_with=(400, body)), retry_timeout=10) as engine:
        with pytest.raises(SchemaRefused, match="no such type"):
            [event async for event in engine.generate(GenerationRequest(HELLO, schema={"type": "nothing"}))]


async def test_what_is_refused_is_not_tried_again(connect: Connect) -> None:
    server = SGLangServer(fails_with=(400, '{"message": "temperature must be positive"}'))
    async with connect(server, retry_timeout=10) as engine:
        with pytest.raises(EngineRefused):
            [event async for event in engine.generate(GenerationRequest(HELLO))]
    assert len(server.requests) == 1


async def test_a_server_that_comes_back_answers_what_was_asked(base_model_dir: Path, adapter: AdapterRef) -> None:
    server = SGLangServer(pieces=PIECES, answer_gate=asyncio.Event())
    assert server.answer_gate is not None
    async with AsyncExitStack() as first_life:
        url = await first_life.enter_async_context(server.serving())
        async with SGLangEngine(url, BASE.name, base_model_dir, retry_timeout=30, timeouts=quick()) as engine:

            async def ask() -> str:
                events = [event async for event in engine.generate(GenerationRequest(HELLO, adapter))]
                return "".join(event.text for event in events if isinstance(event, TextDelta))

            in_the_middle = asyncio.create_task(ask())
            await server.until(requests=1)
            await first_life.aclose()
            meanwhile = asyncio.create_task(ask())
            await asyncio.sleep(0.3)
            server.answer_gate.set()
            async with server.serving(int(url.rpartition(":")[2])):
                assert await in_the_middle == await meanwhile == "".join(PIECES)
    assert server.offences == []


async def test_patience_ends(base_model_dir: Path) -> None:
    server = SGLangServer()
    async with server.serving() as url:
        engine = SGLangEngine(url, BASE.name, base_model_dir, retry_timeout=0.5)
        await engine.start()
    with pytest.raises(EngineUnavailable, match=url):
        [event async for event in engine.generate(GenerationRequest(HELLO))]
    await engine.close()
