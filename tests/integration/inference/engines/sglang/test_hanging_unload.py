"""A server that hangs in unloading an adapter: a deadline, a sick server, and no traffic that waits for it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from inference.adapters.usage import AdapterRef
from inference.engines.errors import EngineError, EngineResponseTimeout, EngineUnavailable
from inference.engines.port import GenerationRequest, Message, TextDelta
from inference.engines.sglang import SGLangEngine
from tests.fakes.sglang_server import SGLangServer
from tests.integration.inference.engines.sglang.conftest import BASE, Connect, MakeAdapters, quick

if TYPE_CHECKING:
    from pathlib import Path

HELLO = (Message("user", "How do I rest?"),)


async def ask(engine: SGLangEngine, adapter: AdapterRef | None) -> str:
    events = [event async for event in engine.generate(GenerationRequest(HELLO, adapter))]
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_a_hanging_unload_is_a_deadline_and_a_sick_server(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=2, unload_gate=asyncio.Event())
    assert server.unload_gate is not None
    first, second, third = make_adapters(3)
    timeouts = replace(quick(), unload_adapter=0.3, prove_unload=0.1)
    async with asyncio.timeout(60), connect(server, timeouts=timeouts, retry_timeout=0.2) as engine:
        assert await ask(engine, first) == await ask(engine, second) == "Rest and sleep."
        with pytest.raises(EngineError):
            await ask(engine, third)  # there is no place for it, and none can be made
        assert "hangs in unloading" in (await engine.health_problem() or "")
        with pytest.raises(EngineUnavailable, match="hangs in unloading"):
            await ask(engine, third)  # refused at once
        assert await ask(engine, second) == "Rest and sleep."
        assert await ask(engine, None) == "Rest and sleep."
        server.unload_gate.set()
        while await engine.health_problem() is not None:  # noqa: ASYNC110  # the next look at the servers
            await asyncio.sleep(0.02)
        assert await ask(engine, third) == "Rest and sleep."


async def test_a_revocation_does_not_wait_for_ever(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(unload_gate=asyncio.Event())
    [adapter] = make_adapters(1)
    timeouts = replace(quick(), unload_adapter=0.2, prove_unload=0.1)
    async with asyncio.timeout(30), connect(server, timeouts=timeouts) as engine:
        await ask(engine, adapter)
        with pytest.raises(EngineResponseTimeout):
            await engine.unload_adapter(adapter.name)


async def test_a_server_that_is_gone_is_a_problem_until_it_is_back(base_model_dir: Path) -> None:
    server = SGLangServer()
    async with AsyncExitStack() as running, asyncio.timeout(30):
        url = await running.enter_async_context(server.serving())
        async with SGLangEngine(url, BASE.name, base_model_dir, timeouts=quick()) as engine:
            assert await engine.health_problem() is None
            await running.aclose()
            while await engine.health_problem() is None:  # noqa: ASYNC110  # the next look at the servers
                await asyncio.sleep(0.02)
            async with server.serving(int(url.rpartition(":")[2])):
                while await engine.health_problem() is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
