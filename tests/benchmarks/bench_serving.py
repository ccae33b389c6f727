"""Serving, measured beside calling the SGLang server directly: ratios within one run.

    python -m tests.benchmarks.bench_serving [--short] [--json PATH]

A real server on the CPU, started here with the profile `cpu`. Two contenders take turns, the one and then the other
first; the ratio shown is the median of the pairs' ratios, with the least and the greatest. A machine's other work
moves the times, and both of a pair alike.

* Answers: a composition that is loaded, asked through `SGLangEngine` and with a bare httpx stream of the same body,
  1, 4 and 12 at once. Each text is new; the system prompt is in the prefix cache for both. Time to first token is the
  median of those at once; the time per token is that of all of them together, by the tokens counted.
* First answer: a composition never made before, through `CompositionStore.ensure` and the engine, until its first
  text; against `POST /load_lora_adapter` of a ready package of the same size, just as new to the server, and a bare
  stream. `proof` and `head` (until the stream's head is here) lie within `first token`; the proof goes on beside it.
* Switch: two resident compositions by turns; the first token after a change of the two, against one more of the same.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from inference.engine.port import AdapterRef, GenerationRequest
from inference.engine.sglang import SGLangEngine
from tests.benchmarks.serving import (
    BASE_NAME,
    Answer,
    Client,
    Compositions,
    Figures,
    Turns,
    base_model_folder,
    compose_and_answer,
    load_average,
    machine,
    take_turns,
)
from tests.fixtures.sglang import running_sglang

AGAINST_BARE, AGAINST_READY, AGAINST_STAYING = 1.05, 1.5, 1.0
"""The goals: at most so many times the other's time."""
NOISE = 0.02
"""How much a ratio may be above a goal of 1 and still be equal."""


@dataclass(frozen=True)
class Plan:
    """How much is measured: pairs of turns, and seconds after which no more are begun."""

    tokens: int
    """Length of the answers."""
    pairs: dict[int, int]
    """By how many at once."""
    seconds: dict[int, float]
    first: int
    first_seconds: float
    switch: int
    switch_seconds: float


FULL = Plan(24, {1: 12, 4: 8, 12: 5}, {1: 60, 4: 55, 12: 75}, 16, 30, 24, 25)
SHORT = Plan(12, {1: 5, 4: 3, 12: 3}, {1: 15, 4: 10, 12: 10}, 8, 12, 8, 8)


@dataclass
class Ratio:
    """Our time to theirs, in milliseconds."""

    what: str
    ours: float
    theirs: float
    ratio: float
    least: float
    most: float
    pairs: int
    goal: float
    parts_ours: dict[str, float] = field(default_factory=dict)
    parts_theirs: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, what: str, turns: Turns, figure: str, goal: float, *, parts: bool = False) -> Ratio:
        ratios = turns.ratios(figure)
        mine, other = ({k: v * 1e3 for k, v in turns.medians(side).items()} for side in (turns.ours, turns.theirs))
        median = statistics.median(ratios)
        found = cls(what, mine[figure], other[figure], median, min(ratios), max(ratios), len(ratios), goal)
        if parts:
            found.parts_ours, found.parts_theirs = mine, other
        return found

    @property
    def met(self) -> bool:
        return self.ratio <= (self.goal if self.goal > 1 else self.goal + NOISE)


async def answers(client: Client, adapter: AdapterRef, at_once: int, plan: Plan) -> list[Ratio]:
    """Through the engine and bare, with so many at once."""

    async def turn(ask: Callable[[GenerationRequest], Awaitable[Answer]]) -> Figures:
        requests = [client.request(adapter, plan.tokens) for _ in range(at_once)]
        start = time.perf_counter()
        done = await asyncio.gather(*map(ask, requests))
        seconds = time.perf_counter() - start
        return {
            "first": statistics.median(answer.first for answer in done),
            "token": seconds / sum(answer.tokens for answer in done),
        }

    turns = await take_turns(
        lambda: turn(client.through_engine),
        lambda: turn(client.bare),
        pairs=plan.pairs[at_once],
        seconds=plan.seconds[at_once],
    )
    return [
        Ratio.of(f"time to first token, {at_once} at once", turns, "first", AGAINST_BARE),
        Ratio.of(f"time per token, {at_once} at once", turns, "token", AGAINST_BARE),
    ]


async def first_answer(client: Client, compositions: Compositions, plan: Plan) -> Ratio:
    """A composition never made before, against a ready package that is as new to the server."""

    async def ours() -> Figures:
        figures, adapter = await compose_and_answer(client, compositions, max_tokens=4)
        await client.engine.forget(adapter.name)
        return figures

    async def theirs() -> Figures:
        adapter = await asyncio.to_thread(compositions.make)
        request = client.request(adapter, 4)
        start = time.perf_counter()
        await client.load(adapter)
        loaded = time.perf_counter() - start
        answer = await client.bare(request)
        await client.unload(adapter)
        return {"first answer": loaded + answer.first, "load": loaded, "first token": answer.first}

    turns = await take_turns(ours, theirs, pairs=plan.first, seconds=plan.first_seconds, least=min(8, plan.first))
    return Ratio.of("first answer of a new composition", turns, "first answer", AGAINST_READY, parts=True)


async def switch(client: Client, adapters: tuple[AdapterRef, AdapterRef], plan: Plan) -> Ratio:
    """The other of two resident compositions, against the same one again."""
    others = itertools.cycle(adapters)
    current = next(others)
    for adapter in adapters[::-1]:
        await client.through_engine(client.request(adapter, 4))

    async def stay() -> Figures:
        return {"first": (await client.through_engine(client.request(current, 4))).first}

    async def change() -> Figures:
        nonlocal current
        current = next(others)
        return await stay()

    turns = await take_turns(change, stay, pairs=plan.switch, seconds=plan.switch_seconds)
    return Ratio.of("first token after a switch of mode", turns, "first", AGAINST_STAYING)


async def measure(client: Client, compositions: Compositions, plan: Plan, console: Console) -> list[Ratio]:
    one, other = compositions.make(), compositions.make()
    results: list[Ratio] = []
    with console.status("Measuring") as status:
        for adapter in (one, other):
            await client.engine.warm(adapter)
        for at_once in plan.pairs:
            status.update(f"Answers, {at_once} at once")
            results += await answers(client, one, at_once, plan)
        status.update("First answers of new compositions")
        results.append(await first_answer(client, compositions, plan))
        status.update("Switches of mode")
        results.append(await switch(client, (one, other), plan))
    return results


async def run(plan: Plan, console: Console) -> list[Ratio]:
    base_folder = await asyncio.to_thread(base_model_folder)
    with tempfile.TemporaryDirectory() as scratch:
        console.print("Starting SGLang: half a minute of processor time", style="dim")
        server_of = running_sglang(base_folder)
        server = await asyncio.to_thread(server_of.__enter__)
        try:
            compositions = Compositions(Path(scratch), base_folder)
            async with SGLangEngine(
                server.url, BASE_NAME, base_folder, admin_key=server.admin_key, compositions=Path(scratch)
            ) as engine:
                client = Client(server, engine)
                try:
                    return await measure(client, compositions, plan, console)
                finally:
                    await client.close()
        finally:
            await asyncio.to_thread(server_of.__exit__, None, None, None)


def show(results: list[Ratio], console: Console) -> None:
    table = Table(title="Serving through the engine, against the server alone: medians in milliseconds")
    for column in ("", "ours", "theirs", "ratio", "goal", "least", "most", "pairs"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for it in results:
        table.add_row(
            it.what,
            f"{it.ours:.1f}",
            f"{it.theirs:.1f}",
            f"[{'green' if it.met else 'red'}]{it.ratio:.3f}",
            f"≤ {it.goal}",
            f"{it.least:.2f}",
            f"{it.most:.2f}",
            str(it.pairs),
        )
    console.print(table)
    for it in results:
        for side, parts in (("ours", it.parts_ours), ("theirs", it.parts_theirs)):
            if parts:
                told = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in parts.items())
                console.print(f"{it.what}, {side}: {told}", highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure serving beside calling the server directly.")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--short", action="store_true", help="fewer turns and shorter answers: about two minutes")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    console.width = max(console.width, 110)
    before = load_average()
    results = asyncio.run(run(SHORT if options.short else FULL, console))
    show(results, console)
    load = [before, load_average()]
    console.print(f"Load average before and after: {load[0]}, {load[1]}", style="dim", highlight=False)
    if options.json:
        document = {"machine": machine(), "load_average": load, "results": [asdict(it) for it in results]}
        options.json.write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
