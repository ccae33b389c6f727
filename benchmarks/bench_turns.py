"""Turns from Telegram to Telegram through real processes, beside two bare aiogram bots: `make bench-turns`.

One gateway and three workers over a real Postgres, with an engine that answers at once, are fed the same updates as
a bot that echoes and one that does the same necessary work (`benchmarks.bare_bot`), in the same run; then at an easy
pace, for the time that each stage adds; at the end a thousand sessions ask one process at once. What a million turns in
the table cost, `benchmarks.bench_turn_rows` measures.

    python -m benchmarks.bench_turns [--short | --beside N] [--rounds N] [--workers N] [--json PATH]

`--beside N` measures nothing but the service beside the bare bot: bursts of N messages to either by turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.bare_bot import SCHEMA as BARE_SCHEMA
from benchmarks.serving import base_model_folder, load_average, machine
from db.infra.embedded_server import EmbeddedServer
from db.infra.migrate import migrate
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import TOKEN, FakeTelegram
from tests.fixtures.fleet import Fleet, Process, environment_of
from tests.fixtures.postgres import server_directory
from tests.fixtures.servers import free_port

BASE: Final = "SmolLM2-135M-Instruct"
WORKERS: Final = 3
SETTLING: Final = 5.0
"""Seconds after a burst in which its turns are remembered."""
STAGES: Final = ("queue", "resolve", "recall", "prompt", "first_token", "generate", "deliver")


@dataclass(frozen=True)
class Plan:
    """How much is asked."""

    burst: int
    """Messages, each of a chat of its own, sent as fast as can be."""
    easy: int
    pace: float
    """Seconds between messages at an easy pace."""
    repeats: int


@dataclass
class Figures:
    """What was measured."""

    echo: list[float] = field(default_factory=list)
    """Turns a second."""
    bare: list[float] = field(default_factory=list)
    """Of the bot that does the same necessary work."""
    service: list[float] = field(default_factory=list)
    end_to_end: dict[str, float] = field(default_factory=dict)
    """Seconds from a message sent to its answer whole, p50 and p95, at an easy pace."""
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    spent: dict[str, dict[str, float]] = field(default_factory=dict)
    """Processor seconds a turn, of the service and of the bare bot, by process."""
    sessions: dict[str, float] = field(default_factory=dict)


class Asking:
    """Messages into the fake Telegram, and the times at which they were answered."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram
        self._asked = 0

    def ask(self) -> int:
        """One message from somebody new; his chat."""
        self._asked += 1
        person = self._telegram.users.person(f"P{self._asked}", language="en")
        self._telegram.users.say(person, person, f"Number {self._asked} asks?")
        return person

    async def answered(self, chats: list[int], within: float, whole: Callable[[str], bool]) -> dict[int, float]:
        """When each chat showed a whole answer, on the monotonic clock."""
        found: dict[int, float] = {}
        wanted, seen = set(chats), 0
        async with asyncio.timeout(within):
            while len(found) < len(wanted):
                states = self._telegram.records.states
                for state in states[seen:]:
                    if state.chat in wanted and state.author != state.chat and whole(state.text):
                        found.setdefault(state.chat, state.at)
                seen = len(states)
                await asyncio.sleep(0.05)
        return found


def is_answer(text: str) -> bool:
    """What the engine that echoes answers."""
    return text.startswith("«") and text.endswith("».")


def is_echo(text: str) -> bool:
    """What the bare bot answers."""
    return text.startswith("Number")


async def burst(asking: Asking, count: int, whole: Callable[[str], bool]) -> float:
    """Turns a second when so many people ask at once."""
    began = time.monotonic()
    chats = [asking.ask() for _ in range(count)]
    ends = await asking.answered(chats, 600, whole)
    return count / (max(ends.values()) - began)


@asynccontextmanager
async def processes(fleet: Fleet, *wanted: Process) -> AsyncIterator[None]:
    """These, ready; ended on leaving."""
    for process in wanted:
        process.start()
    try:
        for process in wanted:
            await ready(process)
        yield
    finally:
        for process in wanted:
            process.end()


async def ready(process: Process) -> None:
    """Return when a process says that it is ready."""
    async with asyncio.timeout(120):
        while "ready" not in process.log.read_text(errors="replace"):
            assert process.running is not None
            assert process.running.poll() is None, process.tail
            await asyncio.sleep(0.1)


async def stages_of(dsn: str, since: float) -> dict[str, dict[str, float]]:
    """Seconds of each stage, p50 and p95, over the turns taken in since then (seconds ago)."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT timings FROM turns WHERE created_at > now() - make_interval(secs => $1) AND state = 'delivered'"
            " AND kind = 'question'",
            since,
        )
    finally:
        await connection.close()
    spent = [json.loads(row["timings"]) for row in rows]
    return {stage: quantiles([one[stage] for one in spent if stage in one]) for stage in STAGES}


def quantiles(values: list[float]) -> dict[str, float]:
    """p50 and p95."""
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]}


async def easy_pace(asking: Asking, plan: Plan, dsn: str, figures: Figures) -> None:
    """Ask one after another, with time between, and see where the time goes."""
    began, sent = time.monotonic(), {}
    for _ in range(plan.easy):
        at = time.monotonic()
        sent[asking.ask()] = at
        await asyncio.sleep(plan.pace)
    ends = await asking.answered(list(sent), 120, is_answer)
    figures.end_to_end = quantiles([ends[chat] - at for chat, at in sent.items()])
    figures.stages = await stages_of(dsn, time.monotonic() - began + 1)


async def thousand_sessions(fleet: Fleet, asking: Asking, figures: Figures, count: int) -> None:
    """So many people ask one process at once: what each costs in memory, and who waits longest."""
    alone = fleet.serve("all", "all")
    async with processes(fleet, alone):
        await burst(asking, 20, is_answer)
        assert alone.running is not None
        process = psutil.Process(alone.running.pid)
        before = peak = process.memory_info().rss
        began = time.monotonic()
        chats = [asking.ask() for _ in range(count)]
        waiting = asyncio.create_task(asking.answered(chats, 900, is_answer))
        while not waiting.done():
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.2)
        waits = sorted(at - began for at in (await waiting).values())
    figures.sessions = {
        "sessions": count,
        "kB per session": (peak - before) / 1024 / count,
        "median wait": statistics.median(waits),
        "longest wait": waits[-1],
        "longest over median": waits[-1] / statistics.median(waits),
    }


def bare_bot(folder: Path, environment: Mapping[str, str], api: str, dsn: str, engine_port: int) -> Process:
    """The bot that does the same necessary work, not started; its table is there already."""
    engine = f"http://127.0.0.1:{engine_port}"
    command = [sys.executable, "-m", "benchmarks.bare_bot", TOKEN, api, dsn, engine, BASE]
    return Process("bare", command, environment, folder / "bare.log")


async def make_bare_table(dsn: str) -> None:
    """The table of the bot that does the same necessary work."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(BARE_SCHEMA)
    finally:
        await connection.close()


class ProcessorTime:
    """What processes have computed, in seconds: a machine's other work does not count."""

    def __init__(self, processes: Sequence[Process], postgres: int) -> None:
        self._processes = processes
        self._postgres = postgres

    def read(self) -> Counter[str]:
        """By now, by process; Postgres with all its own."""
        spent: Counter[str] = Counter()
        for process in self._processes:
            if process.running is not None:
                spent[process.name] += _seconds(psutil.Process(process.running.pid))
        server = psutil.Process(self._postgres)
        for each in (server, *server.children()):
            with suppress(psutil.NoSuchProcess):
                spent["postgres"] += _seconds(each)
        return spent


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def run_beside(count: int, rounds: int, workers: int, console: Console) -> Figures:
    """The service and the bare bot by turns, each with a Telegram of its own, all of them running all the time.

    Args:
        count: messages in a burst.
    """
    figures = Figures()
    models = (await asyncio.to_thread(base_model_folder)).parent
    ours, theirs = FakeTelegram(limits=Limits.off()), FakeTelegram(limits=Limits.off())
    with server_directory() as folder:
        async with await EmbeddedServer.open(folder / "pg") as server, ours.serving() as api, theirs.serving() as other:
            await migrate(server.dsn)
            await make_bare_table(server.dsn)
            port = free_port()
            environment = environment_of(folder, server.dsn, api, port, models)
            fleet = Fleet(folder, environment, server.cluster)
            service = [
                fleet.serve("gateway", "gateway"),
                *(fleet.serve(f"worker-{n}", "worker") for n in range(workers)),
            ]
            bare = bare_bot(folder, environment, other, server.dsn, port)
            contenders = [("service", Asking(ours), figures.service), ("bare bot", Asking(theirs), figures.bare)]
            spent: dict[str, Counter[str]] = {name: Counter() for name, _, _ in contenders}
            engine = fleet.engine(port, BASE, 0.0)
            postmaster = int((server.cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
            async with processes(fleet, engine, *service, bare):
                time_spent = ProcessorTime([engine, *service, bare], postmaster)
                for _, asking, _ in contenders:
                    await burst(asking, 20, is_answer)
                for n in range(rounds):
                    for name, asking, rates in contenders if n % 2 else reversed(contenders):
                        before = time_spent.read()
                        rates.append(await burst(asking, count, is_answer))
                        await asyncio.sleep(SETTLING)  # what is remembered is remembered after the answer
                        spent[name].update(time_spent.read() - before)
                    console.print(
                        f"round {n + 1}: service {figures.service[-1]:.1f}, bare bot {figures.bare[-1]:.1f} a second"
                    )
                figures.stages = await stages_of(server.dsn, 3600)
    figures.spent = {
        name: {process: seconds / count / rounds for process, seconds in found.items()} for name, found in spent.items()
    }
    return figures


async def run(plan: Plan, console: Console) -> Figures:
    """Measure all of it."""
    figures = Figures()
    telegram = FakeTelegram(limits=Limits.off())
    models = (await asyncio.to_thread(base_model_folder)).parent
    with server_directory() as folder:
        async with await EmbeddedServer.open(folder / "pg") as server, telegram.serving() as api:
            await migrate(server.dsn)
            await make_bare_table(server.dsn)
            port = free_port()
            environment = environment_of(folder, server.dsn, api, port, models)
            fleet = Fleet(folder, environment, server.cluster)
            bare = bare_bot(folder, environment, api, server.dsn, port)
            engine = fleet.engine(port, BASE, 0.0)
            gateway = fleet.serve("gateway", "gateway")
            workers = [fleet.serve(f"worker-{n}", "worker") for n in range(WORKERS)]
            echo = Process(
                "echo",
                [sys.executable, "-m", "benchmarks.echo_bot", TOKEN, api],
                environment,
                folder / "echo.log",
            )
            asking = Asking(telegram)
            async with processes(fleet, engine):
                for n in range(plan.repeats):
                    console.print(f"round {n + 1}: echo, bare bot, then one gateway and {WORKERS} workers")
                    echo.start()
                    await burst(asking, 5, is_echo)
                    figures.echo.append(await burst(asking, plan.burst, is_echo))
                    echo.end()
                    async with processes(fleet, bare):
                        await burst(asking, 5, is_answer)
                        figures.bare.append(await burst(asking, plan.burst, is_answer))
                    async with processes(fleet, gateway, *workers):
                        await burst(asking, 10, is_answer)
                        figures.service.append(await burst(asking, plan.burst, is_answer))
                        if n == 0:
                            await easy_pace(asking, plan, server.dsn, figures)
                console.print("a thousand sessions ask one process")
                await thousand_sessions(fleet, asking, figures, 1000)
    return figures


def show(figures: Figures, console: Console) -> None:
    """Print the figures."""
    if not figures.echo:
        show_beside(figures, console)
        return
    echo, bare, service = (statistics.median(rates) for rates in (figures.echo, figures.bare, figures.service))
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("", "turns a second", "ratio"):
        table.add_column(column)
    table.add_row("bare aiogram echo", f"{echo:.1f}", "")
    table.add_row("bare bot that does the same necessary work", f"{bare:.1f}", "")
    table.add_row(
        "1 gateway + 3 workers",
        f"{service:.1f}",
        f"{service / bare:.2f} of the bare bot, {service / echo:.3f} of the echo",
    )
    console.print(table)
    times = Table(box=box.SIMPLE_HEAD, title="milliseconds at an easy pace")
    for column in ("stage", "p50", "p95"):
        times.add_column(column)
    for stage, found in {**figures.stages, "end to end": figures.end_to_end}.items():
        times.add_row(stage, f"{1000 * found['p50']:.1f}", f"{1000 * found['p95']:.1f}")
    console.print(times)
    console.print(figures.sessions)


def show_beside(figures: Figures, console: Console) -> None:
    """Print the rates of the service and of the bare bot."""
    ratios = [ours / theirs for ours, theirs in zip(figures.service, figures.bare, strict=True)]
    ours, theirs = statistics.median(figures.service), statistics.median(figures.bare)
    console.print(
        f"service {ours:.1f}, bare bot {theirs:.1f} turns a second; ratio of the pairs: "
        f"median {statistics.median(ratios):.2f},"
        f" {min(ratios):.2f} to {max(ratios):.2f} (goal: 0.5)"
    )
    for name, spent in figures.spent.items():
        parts = ", ".join(f"{process} {1000 * seconds:.1f}" for process, seconds in sorted(spent.items()))
        console.print(f"{name}: {1000 * sum(spent.values()):.1f} ms of a core a turn ({parts})")
    console.print(
        {
            stage: {name: round(1000 * value, 1) for name, value in found.items()}
            for stage, found in figures.stages.items()
        }
    )


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few minutes")
    parser.add_argument("--beside", type=int, metavar="N", help="nothing but the service beside the bare bot")
    parser.add_argument("--workers", type=int, default=WORKERS, help="of --beside")
    parser.add_argument("--rounds", type=int, default=5, help="of --beside")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    plan = Plan(300, 20, 0.5, 1) if options.short else Plan(1000, 60, 0.5, 3)
    console = Console()
    console.print(machine(), load_average())
    measuring = (
        run(plan, console)
        if options.beside is None
        else run_beside(options.beside, options.rounds, options.workers, console)
    )
    figures = asyncio.run(measuring)
    console.print(load_average())
    show(figures, console)
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=1))


if __name__ == "__main__":
    main()
