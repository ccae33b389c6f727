"""Which adapters a server holds: never over its cap, never unloaded in use, never the busy ones alone."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

import pytest

from inference.adapters import usage
from inference.adapters.usage import AdapterRef
from inference.engines.errors import AdapterExceedsLimits, AdapterHasNoEffect, AdapterNotLoadable, AdaptersDisabled
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


async def test_many_adapters_share_few_places(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=3)
    adapters = make_adapters(12)
    chance = random.Random(5)
    wanted = [chance.choices(adapters, weights=[1 / (n + 1) for n in range(12)])[0] for _ in range(150)]
    async with connect(server) as engine:
        limit = asyncio.Semaphore(8)

        async def one(adapter: AdapterRef) -> str:
            async with limit:
                return await ask(engine, adapter)

        async with asyncio.timeout(60):
            assert set(await asyncio.gather(*map(one, wanted))) == {"Rest and sleep."}
    assert [request["model"] for request in server.requests].count("base:sport-0") == wanted.count(adapters[0])
    assert len(server.loaded) <= 3


async def test_an_adapter_in_use_stays(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=1, answer_gate=asyncio.Event())
    assert server.answer_gate is not None
    first, second = make_adapters(2)
    async with connect(server, timeouts=quick()) as engine:
        answering = asyncio.create_task(ask(engine, first))
        await server.until(requests=1)
        waiting = asyncio.create_task(ask(engine, second))
        await asyncio.sleep(0.3)
        assert list(server.loaded) == ["sport-0"]
        server.answer_gate.set()
        assert await answering == await waiting == "Rest and sleep."
    assert server.unloads == ["sport-0"]


async def test_a_busy_adapter_does_not_keep_the_others_out(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=1)
    busy, rare = make_adapters(2)
    async with connect(server, timeouts=quick()) as engine:
        over = asyncio.Event()

        async def keep_busy() -> None:
            while not over.is_set():
                await ask(engine, busy)

        crowd = [asyncio.create_task(keep_busy()) for _ in range(4)]
        await server.until(requests=4)
        async with asyncio.timeout(30):
            assert await ask(engine, rare) == "Rest and sleep."
        over.set()
        await asyncio.gather(*crowd)


async def test_a_pinned_adapter_is_never_let_go(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=2)
    core, *others = make_adapters(6)
    async with connect(server) as engine:
        await engine.load_adapter(core, pinned=True)
        for other in others:
            assert await ask(engine, other) == "Rest and sleep."
        assert core.name in server.loaded
    assert server.pinned == {core.name}
    assert server.unloads == [other.name for other in others[:-1]]


async def test_no_more_are_pinned_than_leaves_slots_for_the_rest(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer()
    async with connect(server) as engine:
        for adapter in make_adapters(6):
            await engine.load_adapter(adapter, pinned=True)
    assert len(server.pinned) == 4  # of eight slots


async def test_a_warmed_adapter_is_there_before_anybody_asks(connect: Connect, adapter: AdapterRef) -> None:
    server = SGLangServer()
    async with connect(server) as engine:
        await engine.load_adapter(adapter)
        assert list(server.loaded) == [adapter.name]
        await ask(engine, adapter)
    assert server.loads == [adapter.name]


async def test_what_another_process_uses_stays(connect: Connect, make_adapters: MakeAdapters, tmp_path: Path) -> None:
    server = SGLangServer(max_loaded=2)
    theirs, idle, ours = make_adapters(3)
    async with connect(server, compositions=tmp_path / "compositions") as engine:
        for adapter in (theirs, idle):
            server.known[adapter.name] = server.loaded[adapter.name] = str(adapter.path)
        use = usage.acquire_shared(theirs.path)
        assert use is not None
        assert await ask(engine, ours) == "Rest and sleep."
        use.release()
    assert server.unloads == [idle.name]


async def test_many_processes_share_few_places(
    base_model_dir: Path, tmp_path: Path, make_adapters: MakeAdapters
) -> None:
    server = SGLangServer(max_loaded=3)
    adapters = make_adapters(10)
    chance = random.Random(5)
    async with server.serving() as url, AsyncExitStack() as engines:
        options = {"compositions": tmp_path / "compositions", "timeouts": quick()}
        processes = [SGLangEngine(url, BASE.name, base_model_dir, **options) for _ in range(3)]
        for process in processes:
            await engines.enter_async_context(process)
        wanted = [(chance.choice(processes), chance.choice(adapters)) for _ in range(120)]
        limit = asyncio.Semaphore(6)

        async def one(engine: SGLangEngine, adapter: AdapterRef) -> str:
            async with limit:
                return await ask(engine, adapter)

        async with asyncio.timeout(120):
            answers = await asyncio.gather(*(one(engine, adapter) for engine, adapter in wanted))
    assert set(answers) == {"Rest and sleep."}
    assert server.offences == []


async def test_two_processes_never_load_one_too_many(
    base_model_dir: Path, tmp_path: Path, make_adapters: MakeAdapters
) -> None:
    server = SGLangServer(max_loaded=4)
    adapters = make_adapters(4)
    async with (
        server.serving() as url,
        SGLangEngine(url, BASE.name, base_model_dir, compositions=tmp_path / "compositions") as one,
        SGLangEngine(url, BASE.name, base_model_dir, compositions=tmp_path / "compositions") as two,
    ):
        asked = (ask(engine, adapter) for adapter in adapters for engine in (one, two))
        async with asyncio.timeout(30):
            assert set(await asyncio.gather(*asked)) == {"Rest and sleep."}
    assert server.offences == []
    assert sorted(server.loads) == sorted(adapter.name for adapter in adapters)


async def test_a_server_that_lost_its_adapters_gets_them_back(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer()
    core, sport = make_adapters(2)
    async with connect(server, timeouts=quick(poll_interval=0.02)) as engine:
        await engine.load_adapter(core, pinned=True)
        await ask(engine, sport)
        server.loaded.clear()
        server.known.clear()
        # The pinned one comes back by itself, the other when somebody asks.
        async with asyncio.timeout(10):
            while core.name not in server.loaded:  # noqa: ASYNC110 - the engine's own task brings it
                await asyncio.sleep(0.01)
        assert await ask(engine, sport) == "Rest and sleep."
    assert server.loads == [core.name, sport.name, core.name, sport.name]


async def test_a_forgotten_adapter_is_unloaded(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer()
    core, other = make_adapters(2)
    async with connect(server) as engine:
        await engine.load_adapter(core, pinned=True)
        await engine.unload_adapter(core.name)
        await engine.unload_adapter(other.name)  # it was never there
        assert server.loaded == {}
        await ask(engine, core)
        assert list(server.loaded) == [core.name]


async def test_an_adapter_without_effect_is_refused(connect: Connect, adapter: AdapterRef) -> None:
    server = SGLangServer(inert=True)
    async with connect(server) as engine:
        for _ in range(2):
            with pytest.raises(AdapterHasNoEffect, match="sport-0"):
                await anext(engine.generate(GenerationRequest(HELLO, adapter)))
        assert await ask(engine, None) == "Rest and sleep."


async def test_an_adapter_is_proven_once(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=1)
    first, second = make_adapters(2)
    async with connect(server) as engine:
        for adapter in (first, second, first, second):
            await ask(engine, adapter)
    assert len(server.loads) == 4
    assert len(server.scored) == 2


async def test_what_is_beyond_the_server_never_reaches_it(connect: Connect, adapter: AdapterRef) -> None:
    async with connect(small := SGLangServer(max_rank=1)) as engine:
        assert engine.max_rank == 1
        with pytest.raises(AdapterExceedsLimits, match="rank is 2"):
            await ask(engine, adapter)
    async with connect(narrow := SGLangServer(modules=["q_proj", "k_proj", "v_proj"])) as engine:
        with pytest.raises(AdapterExceedsLimits, match="adapts o_proj"):
            await ask(engine, adapter)
    assert small.loads == narrow.loads == []


async def test_what_is_not_safe_never_reaches_the_server(connect: Connect, adapter: AdapterRef) -> None:
    config = adapter.path / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"use_rslora": True}))
    async with connect(server := SGLangServer()) as engine:
        with pytest.raises(AdapterNotLoadable, match="rslora"):
            await ask(engine, adapter)
    assert server.loads == []


async def test_a_package_that_changed_is_looked_at_again(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=1)
    first, second = make_adapters(2)
    async with connect(server) as engine:
        await ask(engine, first)
        weights = first.path / "adapter_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-8])
        await ask(engine, second)
        with pytest.raises(AdapterNotLoadable):
            await ask(engine, first)
    assert server.loads == [first.name, second.name]


async def test_a_server_without_adapters_is_told_at_the_start(connect: Connect) -> None:
    with pytest.raises(AdaptersDisabled, match="--enable-lora"):
        async with connect(SGLangServer(enable_lora=False)):
            pass
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "watch the servers"], "nobody would end it"


async def test_who_gives_up_lets_go(connect: Connect, make_adapters: MakeAdapters) -> None:
    server = SGLangServer(max_loaded=1, breaks="stall")
    first, second = make_adapters(2)
    async with connect(server) as engine:
        async with aclosing(engine.generate(GenerationRequest(HELLO, first))) as events:
            await anext(events)
        async with asyncio.timeout(10):
            await server.aborted.wait()
        server.breaks = None
        assert await ask(engine, second) == "Rest and sleep."


async def test_use_is_marked_for_others(connect: Connect, adapter: AdapterRef, tmp_path: Path) -> None:
    async with connect(SGLangServer(), compositions=tmp_path / "compositions") as engine:
        assert usage.last_used(adapter.path) == 0
        await ask(engine, adapter)
    assert abs(usage.last_used(adapter.path) - time.time()) < 60
