"""Serving, measured beside calling the SGLang server directly: ratios within one run.

    python -m benchmarks.bench_serving [--short] [--json PATH]

A real server on the CPU, started here with the profile `cpu`. Two contenders take turns, the one and then the other
first. The ratio shown is the median of the pairs' ratios, with the range in which that median lies with 90 % certainty
(bootstrap), and the least and the greatest: a machine's other work moves times by tens of percent. A ratio over its
goal is red when the whole range is, and yellow when the difference is within the noise.

* Answers: a composition that is loaded, asked through `SGLangEngine` and with a bare httpx stream of the same body,
  1, 4 and 12 at once. Each text is new; the system prompt is in the prefix cache for both. Time to first token is the
  median of those at once; the time per token is that of all of them together, by the tokens counted. The processor
  time of this process, which is the client, is what the engine itself costs, whatever else the machine does.
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
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

import structlog
from rich.console import Console
from rich.table import Table

from benchmarks.serving import (
    Answer,
    Client,
    Compositions,
    Figures,
    Turns,
    compose_and_answer,
    load_average,
    machine,
    on_a_server,
    take_turns,
)
from inference.adapters.usage import AdapterRef
from inference.engines.port import GenerationRequest

AGAINST_BARE, AGAINST_READY, AGAINST_STAYING = 1.05, 1.5, 1.0
"""The goals: at most so many times the other's time."""
_RESAMPLES = 2000


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


FULL = Plan(8, {1: 40, 4: 30, 12: 20}, {1: 55, 4: 60, 12: 70}, 24, 35, 30, 25)
SHORT = Plan(8, {1: 6, 4: 4, 12: 3}, {1: 12, 4: 12, 12: 12}, 8, 12, 8, 8)


@dataclass
class Ratio:
    """Our time to theirs, in milliseconds."""

    what: str
    ours: float
    theirs: float
    ratio: float
    pairs: list[float]
    """The ratio of each pair of turns."""
    goal: float | None
    """At most so much; None where there is no goal."""
    parts_ours: dict[str, float] = field(default_factory=dict)
    parts_theirs: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, what: str, turns: Turns, figure: str, goal: float | None, *, parts: bool = False) -> Ratio:
        ratios = turns.ratios(figure)
        mine, other = ({k: v * 1e3 for k, v in turns.medians(side).items()} for side in (turns.ours, turns.theirs))
        found = cls(what, mine[figure], other[figure], statistics.median(ratios), ratios, goal)
        if parts:
            found.parts_ours, found.parts_theirs = mine, other
        return found

    @property
    def likely(self) -> tuple[float, float]:
        """Where the median ratio lies with 90 % certainty."""
        random = Random(0)
        medians = sorted(statistics.median(random.choices(self.pairs, k=len(self.pairs))) for _ in range(_RESAMPLES))
        return medians[_RESAMPLES // 20], medians[-_RESAMPLES // 20]

    @property
    def colour(self) -> str:
        if self.goal is None:
            return "default"
        if self.ratio <= self.goal:
            return "green"
        return "yellow" if self.likely[0] <= self.goal else "red"


async def answers(client: Client, adapter: AdapterRef, at_once: int, plan: Plan) -> list[Ratio]:
    """Through the engine and bare, with so many at once."""

    async def turn(ask: Callable[[GenerationRequest], Awaitable[Answer]]) -> Figures:
        requests = [client.request(adapter, plan.tokens) for _ in range(at_once)]
        start, processor = time.perf_counter(), time.process_time()
        done = await asyncio.gather(*map(ask, requests))
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        tokens = sum(answer.tokens for answer in done)
        first = statistics.median(answer.first for answer in done)
        return {"first": first, "token": seconds / tokens, "processor": processor / tokens}

    turns = await take_turns(
        lambda: turn(client.through_engine),
        lambda: turn(client.bare),
        pairs=plan.pairs[at_once],
        seconds=plan.seconds[at_once],
    )
    return [
        Ratio.of(f"time to first token, {at_once} at once", turns, "first", AGAINST_BARE),
        Ratio.of(f"time per token, {at_once} at once", turns, "token", AGAINST_BARE),
        Ratio.of(f"client's processor time per token, {at_once} at once", turns, "processor", None),
    ]


async def first_answer(client: Client, compositions: Compositions, plan: Plan) -> Ratio:
    """A composition never made before, against a ready package that is as new to the server."""

    async def ours() -> Figures:
        figures, adapter = await compose_and_answer(client, compositions, max_tokens=4)
        await client.engine.unload_adapter(adapter.name)
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
            await client.engine.load_adapter(adapter)
        for at_once in plan.pairs:
            status.update(f"Answers, {at_once} at once")
            results += await answers(client, one, at_once, plan)
        status.update("First answers of new compositions")
        results.append(await first_answer(client, compositions, plan))
        status.update("Switches of mode")
        results.append(await switch(client, (one, other), plan))
    return results


async def run(plan: Plan, console: Console) -> list[Ratio]:
    console.print("Starting SGLang: half a minute of processor time", style="dim")
    async with on_a_server() as bench:
        return await measure(bench.client, bench.compositions, plan, console)


def show(results: list[Ratio], console: Console) -> None:
    table = Table(title="Serving through the engine, against the server alone: medians in milliseconds")
    for column in ("", "ours", "theirs", "ratio", "goal", "90 %", "min–max", "pairs"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for it in results:
        table.add_row(
            it.what,
            f"{it.ours:,.4g}",
            f"{it.theirs:,.4g}",
            f"[{it.colour}]{it.ratio:.3f}",
            "" if it.goal is None else f"≤ {it.goal}",
            "–".join(f"{end:.2f}" for end in it.likely),
            f"{min(it.pairs):.2f}–{max(it.pairs):.2f}",
            str(len(it.pairs)),
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
    console.width = max(console.width, 132)
    before = load_average()
    results = asyncio.run(run(SHORT if options.short else FULL, console))
    show(results, console)
    load = [before, load_average()]
    console.print(f"Load average before and after: {load[0]}, {load[1]}", style="dim", highlight=False)
    if options.json:
        figures = [{**asdict(it), "likely": it.likely} for it in results]
        document = {"machine": machine(), "load_average": load, "results": figures}
        options.json.write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
