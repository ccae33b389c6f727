"""Several servers behind a router: adapters on every one, servers that join, leave and die."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from inference.adapters.usage import AdapterRef
from inference.engines.errors import AdapterNotLoadable, EngineUnavailable
from inference.engines.port import GenerationRequest, Message, TextDelta
from inference.engines.sglang import SGLangEngine
from tests.fakes.sglang_router import SGLangRouter
from tests.fakes.sglang_server import SGLangServer
from tests.integration.inference.engines.sglang.conftest import BASE, MakeAdapters, quick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

HELLO = (Message("user", "How do I rest?"),)
PIECES = ("Rest", " and", " sleep", " well", ".")


class Routed:
    """A router, the servers behind it and an engine in front of it."""

    def __init__(self, router: SGLangRouter, engine: SGLangEngine, servers: list[SGLangServer]) -> None:
        self.router = router
        self.engine = engine
        self.servers = servers
        self.lives: list[AsyncExitStack] = []

    async def start(self, server: SGLangServer) -> None:
        life = AsyncExitStack()
        self.router.workers[await life.enter_async_context(server.serving())] = True
        self.lives.append(life)

    async def kill(self, number: int) -> None:
        """End a server; the router does not know yet."""
        await self.lives[number].aclose()

    async def ask(self, adapter: AdapterRef | None) -> str:
        events = [event async for event in self.engine.generate(GenerationRequest(HELLO, adapter))]
        return "".join(event.text for event in events if isinstance(event, TextDelta))


class Route(Protocol):
    def __call__(self, *servers: SGLangServer, patience: float = 10) -> AbstractAsyncContextManager[Routed]: ...


@pytest.fixture
def routed(base_model_dir: Path) -> Route:
    """An engine over a router over these servers."""

    @asynccontextmanager
    async def made(*servers: SGLangServer, patience: float = 10) -> AsyncIterator[Routed]:
        router = SGLangRouter()
        async with router.serving() as url:
            engine = SGLangEngine(
                url, BASE.name, base_model_dir, retry_timeout=patience, timeouts=quick(poll_interval=0.02)
            )
            fleet = Routed(router, engine, list(servers))
            try:
                for server in servers:
                    await fleet.start(server)
                await engine.start()
                yield fleet
            finally:
                await engine.close()
                for life in fleet.lives:
                    await life.aclose()
        assert [server.offences for server in servers] == [[] for _ in servers]

    return made


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - other tasks change it
            await asyncio.sleep(0.01)


async def test_an_adapter_is_on_every_server_that_may_be_chosen(routed: Route, make_adapters: MakeAdapters) -> None:
    one, two = SGLangServer(), SGLangServer()
    async with routed(one, two) as fleet:
        for adapter in make_adapters(2):
            assert [await fleet.ask(adapter) for _ in range(2)] == ["Rest and sleep."] * 2
    assert one.loads == two.loads == ["sport-0", "sport-1"]
    assert len(one.requests) == len(two.requests) == 2


async def test_a_server_that_joins_gets_what_is_pinned_and_what_is_asked_for(
    routed: Route, make_adapters: MakeAdapters
) -> None:
    one, two = SGLangServer(), SGLangServer()
    core, sport = make_adapters(2)
    async with routed(one) as fleet:
        await fleet.engine.load_adapter(core, pinned=True)
        await fleet.ask(sport)
        await fleet.start(two)
        await until(lambda: core.name in two.loaded)
        assert [await fleet.ask(sport) for _ in range(2)] == ["Rest and sleep."] * 2
        assert set(two.loaded) == {core.name, sport.name}


async def test_a_server_that_is_chosen_before_it_was_seen_gets_the_adapter_at_once(
    routed: Route, adapter: AdapterRef
) -> None:
    one, two = SGLangServer(), SGLangServer()
    async with routed(one) as fleet:
        await fleet.ask(adapter)
        await fleet.start(two)
        assert [await fleet.ask(adapter) for _ in range(4)] == ["Rest and sleep."] * 4
    assert two.requests


async def test_a_server_that_dies_in_the_middle_hands_its_answers_over(routed: Route, adapter: AdapterRef) -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    one, two = (SGLangServer(pieces=PIECES, answer_gate=gate) for gate in gates)
    async with routed(one, two) as fleet:
        answers = [asyncio.create_task(fleet.ask(adapter)) for _ in range(4)]
        await until(lambda: len(one.requests) + len(two.requests) == 4)
        await fleet.kill(0)
        gates[1].set()
        assert await asyncio.gather(*answers) == ["".join(PIECES)] * 4


async def test_a_dead_server_that_the_router_still_chooses_costs_nobody_an_answer(
    routed: Route, make_adapters: MakeAdapters
) -> None:
    async with routed(SGLangServer(), SGLangServer()) as fleet:
        first, never_loaded = make_adapters(2)
        await fleet.ask(first)
        await fleet.kill(0)
        for adapter in (first, never_loaded, None):
            assert [await fleet.ask(adapter) for _ in range(2)] == ["Rest and sleep."] * 2
        fleet.router.workers[fleet.servers[0].url] = False
        assert await fleet.ask(never_loaded) == "Rest and sleep."


async def test_servers_may_leave_while_an_adapter_is_on_its_way_to_them(routed: Route, adapter: AdapterRef) -> None:
    slow = SGLangServer(gate=asyncio.Event())
    async with routed(SGLangServer(), slow) as fleet:
        asked = asyncio.create_task(fleet.ask(adapter))
        await slow.until(loads=1)
        fleet.router.workers[slow.url] = False
        assert await asked == "Rest and sleep."


async def test_an_adapter_that_one_server_refuses_is_refused(routed: Route, adapter: AdapterRef) -> None:
    async with routed(SGLangServer(), SGLangServer(refuses_adapters="no room")) as fleet:
        with pytest.raises(AdapterNotLoadable, match="no room"):
            await fleet.ask(adapter)


async def test_without_servers_it_waits_and_then_says_so(routed: Route) -> None:
    one = SGLangServer()
    async with routed(one, patience=0.5) as fleet:
        fleet.router.workers[one.url] = False
        with pytest.raises(EngineUnavailable):
            await fleet.ask(None)
        asked = asyncio.create_task(fleet.ask(None))
        await asyncio.sleep(0.1)
        fleet.router.workers[one.url] = True
        assert await asked == "Rest and sleep."


async def test_the_weakest_server_sets_the_limit(routed: Route) -> None:
    async with routed(SGLangServer(max_rank=32), SGLangServer(max_rank=16)) as fleet:
        assert fleet.engine.max_rank == 16


async def test_what_is_forgotten_is_forgotten_everywhere(routed: Route, adapter: AdapterRef) -> None:
    one, two = SGLangServer(), SGLangServer()
    async with routed(one, two) as fleet:
        await fleet.ask(adapter)
        await fleet.engine.unload_adapter(adapter.name)
    assert one.unloads == two.unloads == [adapter.name]


async def test_likelihoods_are_told_through_the_router(routed: Route, adapter: AdapterRef) -> None:
    async with routed(SGLangServer(), SGLangServer()) as fleet:
        scores = await fleet.engine.score(HELLO, "Sleep well.", adapter)
        assert scores.tokens == tuple(fleet.engine.tokenizer.encode("Sleep well."))
        assert scores.logprobs.tolist() == [-2.0] * len(scores.tokens)
        assert (await fleet.engine.score(HELLO, "Sleep well.")).mean_loss == 1.0
