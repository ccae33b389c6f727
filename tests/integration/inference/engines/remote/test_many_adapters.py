"""A hundred minds on one server that holds eight: nobody gets another's answer, an error, or nothing.

Every mind is a composition of the demo mind's core with an adapter of its own that gives itself away, so an answer
tells which adapter gave it. `CONSILIUM_LONG=1` asks for the long form: a thousand requests through two engines.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from bot.app.settings import DEMO_MIND
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from inference.engines.port import GenerationRequest, Message, Sampling, TextDelta
from tests.fakes.revealing import write_revealing
from tests.fixtures.sglang import START_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from inference.adapters.composition import Composition
    from inference.engines.port import Engine
    from tests.fakes.revealing import RevealingAdapter
    from tests.fixtures.real_engines import RealEngine
    from tests.fixtures.servers import RunningServer

LONG = os.environ.get("CONSILIUM_LONG") == "1"
REQUESTS, ENGINES = (1000, 2) if LONG else (100, 1)
AT_ONCE = 12
MINDS, LOADED = 100, 8
EXPONENT = 1.1
"""Of Zipf's law: the second mind is asked half as often as the first, the hundredth 160 times less."""
PLAIN = 0.05
"""Share of the requests that ask the bare base model."""
SEED = 7
STARVED = 240.0
"""Seconds that only a request which is never let in can wait: six times the longest wait seen on two busy cores."""
GIVE_UP = 5
"""Failures after which the rest is not tried."""
SAMPLING = Sampling(max_tokens=2, temperature=0, repetition_penalty=1.0)
PROMPTS = (
    (Message("user", "My knees ache after running. Should I stop?"),),
    (Message("user", "How many eggs is too many?"),),
    (Message("system", "You answer questions briefly and plainly."), Message("user", "Кто написал «Войну и мир»?")),
    (Message("system", "You answer questions briefly and plainly."), Message("user", "What is a good night's sleep?")),
    (
        Message("user", "Write me a long poem about the sea and a ship that never returns."),
        Message("assistant", "The sea was grey."),
        Message("user", "Go on in the same voice, and name the ship."),
    ),
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(START_TIMEOUT + 10 * REQUESTS)]


@dataclass(frozen=True)
class Order:
    """One request to come."""

    number: int
    mind: int | None
    """Which of the hundred; None for the base."""
    prompt: Sequence[Message]


@dataclass(frozen=True)
class Outcome:
    order: Order
    expected: str | None
    got: str
    """The answer, or the error instead of one."""
    right: bool
    seconds: float

    def __str__(self) -> str:
        asked = "the base" if self.order.mind is None else f"mind {self.order.mind} ({self.expected})"
        return f"request {self.order.number} to {asked} after {self.seconds:.1f} s: {self.got!r}"


class Minds:
    """The hundred, composed when they are first asked for."""

    def __init__(self, revealing: Sequence[RevealingAdapter], base: BaseModelSpec, store: CompositionStore) -> None:
        self.words = [adapter.word for adapter in revealing]
        self._folders = [adapter.folder for adapter in revealing]
        self._core = AdapterPackage.open(DEMO_MIND / "adapters" / "core")
        self._base = base
        self._store = store

    def compose(self, number: int, max_rank: int | None) -> Composition:
        own = Part(AdapterPackage.open(self._folders[number]))
        return self._store.get_or_compose([own, Part(self._core)], self._base, max_rank=max_rank)


def orders() -> list[Order]:
    random = np.random.default_rng(SEED)
    shares = 1 / np.arange(1, MINDS + 1) ** EXPONENT
    minds = random.choice(MINDS, REQUESTS, p=shares / shares.sum())
    plain = random.random(REQUESTS) < PLAIN
    prompts = random.integers(len(PROMPTS), size=REQUESTS)
    return [
        Order(number, None if plain[number] else int(minds[number]), PROMPTS[prompts[number]])
        for number in range(REQUESTS)
    ]


async def ask(engine: Engine, minds: Minds, order: Order) -> str:
    adapter = None
    if order.mind is not None:
        adapter = (await asyncio.to_thread(minds.compose, order.mind, engine.max_rank)).ref
    events = engine.generate(GenerationRequest(order.prompt, adapter, SAMPLING))
    return "".join([event.text async for event in events if isinstance(event, TextDelta)])


async def serve(engine: Engine, minds: Minds, order: Order) -> Outcome:
    """The order's outcome, whatever it is."""
    expected = None if order.mind is None else minds.words[order.mind]
    began = time.monotonic()
    try:
        async with asyncio.timeout(STARVED):
            got = await ask(engine, minds, order)
    except Exception as error:  # each of them is a failure to be told of
        return Outcome(order, expected, f"{type(error).__name__}: {error}", False, time.monotonic() - began)
    begins = [word for word in minds.words if got.lstrip().startswith(word)]
    return Outcome(order, expected, got, begins == ([expected] if expected else []), time.monotonic() - began)


async def work(engine: Engine, minds: Minds, waiting: Iterator[Order], outcomes: list[Outcome]) -> None:
    """Take order after order from those that wait."""
    for order in waiting:
        outcomes.append(await serve(engine, minds, order))
        if sum(not outcome.right for outcome in outcomes) >= GIVE_UP:
            return


async def adapters_held(client: httpx.AsyncClient) -> int:
    models = (await client.get("/v1/models")).raise_for_status().json()["data"]
    return sum(model["parent"] is not None for model in models)


async def watch(server: RunningServer, done: asyncio.Event) -> list[int]:
    """How many adapters the server holds, now and then until all is done, and once more then."""
    held = []
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    async with httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False, headers=headers) as client:
        while not done.is_set():
            held.append(await adapters_held(client))
            try:
                async with asyncio.timeout(0.5):
                    await done.wait()
            except TimeoutError:
                continue
        held.append(await adapters_held(client))
    return held


async def test_a_hundred_minds_share_a_server_that_holds_eight(
    real_engine: RealEngine, base_model_dir: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    server = await asyncio.to_thread(real_engine.servers.take_with, *real_engine.few_adapters)
    revealing = await asyncio.to_thread(write_revealing, tmp_path / "adapters", base_model_dir, MINDS)
    base = BaseModelSpec.from_config(base_model_dir / "config.json", "SmolLM2-135M-Instruct")
    compositions = tmp_path / "compositions"
    outcomes: list[Outcome] = []
    waiting = iter(orders())
    done = asyncio.Event()
    async with AsyncExitStack() as engines, asyncio.TaskGroup() as group:
        watching = group.create_task(watch(server, done))
        workers = []
        for number in range(ENGINES):
            engine = real_engine.connect(
                server, base.name, base_model_dir, compositions=compositions, retry_timeout=STARVED
            )
            engines.push_async_callback(engine.close)
            await engine.start()
            minds = Minds(revealing, base, CompositionStore(compositions))
            share = AT_ONCE // ENGINES + (number < AT_ONCE % ENGINES)
            workers += [work(engine, minds, waiting, outcomes) for _ in range(share)]
        await asyncio.gather(*workers)
        done.set()

    held = watching.result()
    seconds = sorted(outcome.seconds for outcome in outcomes)
    figures = {
        "requests": len(outcomes),
        "minds asked": len({outcome.order.mind for outcome in outcomes} - {None}),
        "seconds a request: median": round(seconds[len(seconds) // 2], 2),
        "seconds a request: longest": round(seconds[-1], 2),
        "adapters held at most": max(held),
    }
    print(figures)
    for name, figure in figures.items():
        record_property(name, figure)
    wrong = [outcome for outcome in outcomes if not outcome.right]
    assert not wrong, f"seed {SEED}:\n" + "\n".join(map(str, wrong)) + f"\nthe server's log:\n{server.log_tail()}"
    assert len(outcomes) == REQUESTS
    assert max(held) <= LOADED, held
    assert len({outcome.order.mind for outcome in outcomes}) > 3 * LOADED, "so few minds that nothing had to make room"
    assert server.alive
