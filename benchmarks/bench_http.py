"""What the HTTP API adds to an engine that answers at once: `make bench-http`.

A process of `consilium serve` over a real Postgres and real sockets, with an engine that answers at once. The same
streamed question goes to the service and to the engine by turns, 1, 8 and 32 at once, and the times to the first piece
of the answer are compared: in one run, so that a machine's other work meets both. The service is asked twice: for
nobody, so that nothing is stored, and as one of fifty people, whose questions are recalled and remembered.

    python -m benchmarks.bench_http [--requests 10000] [--at-once 1 8 32] [--against NAME=FOLDER ...] [--json PATH]

`--against` measures other versions beside this one, each by the checkout in its folder, with a database of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.serving import base_model_folder, load_average, machine
from db.infra.embedded_server import EmbeddedServer
from tests.fixtures.fleet import Fleet, Process, environment_of
from tests.fixtures.postgres import dsn_of, server_directory
from tests.fixtures.servers import free_port

BASE: Final = "SmolLM2-135M-Instruct"
KEY: Final = "sk-benchmark-of-the-http-layer"
PEOPLE: Final = 50
ROUNDS: Final = 100
"""Turns of each contender at each number at once."""
QUESTION: Final = "How should I rest after a long run today"
SERVE: Final = "import sys; from bot.cli.app import main; sys.argv[0] = 'consilium'; main()"
ENGINE: Final = "engine"


@dataclass(frozen=True)
class Contender:
    """Somebody who answers: the engine itself, or a service as it is asked."""

    name: str
    url: str
    model: str
    has_person: bool = False
    process: Process | None = None
    """The service's; None for the engine."""

    @property
    def processor_seconds(self) -> float:
        """What its process has computed by now: a machine's other work does not count."""
        if self.process is None or self.process.running is None:
            return 0.0
        times = psutil.Process(self.process.running.pid).cpu_times()
        return float(times.user + times.system)

    def body(self, number: int) -> dict[str, Any]:
        """The request of this number."""
        person = {"user": f"person-{number % PEOPLE}"} if self.has_person else {}
        message = {"role": "user", "content": f"{QUESTION}, for the time {number}"}
        body = {"model": self.model, "stream": True, "messages": [message], "max_tokens": 64, "temperature": 0.7}
        return {**body, "stream_options": {"include_usage": True}, **person}


@dataclass
class Figures:
    """Seconds to the first piece and errors, by contender, of so many at once."""

    at_once: int
    first: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    whole: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds a request, of those of a round together."""
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds of a core that the service's process computed."""
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    reasons: set[str] = field(default_factory=set)

    def report(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        shown = {"first": self.first, "whole": self.whole, "spent": self.spent, "errors": self.errors}
        return {"at_once": self.at_once, "reasons": sorted(self.reasons), **shown}


async def ask(session: aiohttp.ClientSession, contender: Contender, number: int) -> float:
    """Seconds to the first piece of text; the answer is read to its end.

    Raises:
        ValueError: it is no whole answer.
    """
    began, first, is_whole = time.perf_counter(), 0.0, False
    headers = {"Authorization": f"Bearer {KEY}"}
    async with session.post(contender.url, json=contender.body(number), headers=headers) as response:
        if response.status != 200:
            raise ValueError(f"{response.status} {(await response.text())[:200]}")
        async for line in response.content:
            if not first and b'"content":"' in line.replace(b'": "', b'":"').replace(b'"content":""', b""):
                first = time.perf_counter() - began
            is_whole |= line.startswith(b"data: [DONE]")
    if not first or not is_whole:
        raise ValueError("the answer broke off")
    return first


async def ask_many(
    session: aiohttp.ClientSession, contender: Contender, count: int, numbers: itertools.count[int], figures: Figures
) -> None:
    """Ask so often, `figures.at_once` at a time."""
    left = iter(range(count))

    async def client() -> None:
        for _ in left:
            try:
                figures.first[contender.name].append(await ask(session, contender, next(numbers)))
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                figures.errors[contender.name] += 1
                figures.reasons.add(f"{contender.name}: {error}")

    began, before = time.perf_counter(), contender.processor_seconds
    await asyncio.gather(*(client() for _ in range(figures.at_once)))
    figures.whole[contender.name].append((time.perf_counter() - began) / count)
    figures.spent[contender.name] += contender.processor_seconds - before


async def measure(
    contenders: Sequence[Contender], at_once: Sequence[int], requests: int, seconds: float
) -> list[Figures]:
    """All of them by turns, at each number at once by turns, until there are enough or the time is over.

    Args:
        requests: how many each contender gets in all.
        seconds: after which no more turns are begun.
    """
    numbers, measured = itertools.count(), [Figures(level) for level in at_once]
    each = max(1, requests // len(at_once) // ROUNDS)
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        for contender in contenders:
            await ask_many(session, contender, 20, numbers, Figures(2))  # the first questions fill caches
        end = time.monotonic() + seconds
        for n in range(ROUNDS):
            for figures in measured:
                if time.monotonic() > end:
                    return measured
                for contender in contenders if n % 2 else reversed(contenders):
                    await ask_many(session, contender, each, numbers, figures)
    return measured


@asynccontextmanager
async def services(checkouts: Mapping[str, Path]) -> AsyncIterator[list[Contender]]:
    """The engine and a service of each checkout, ready."""
    models = base_model_folder().parent
    with server_directory() as folder:
        async with await EmbeddedServer.open(folder / "pg") as server:
            port = free_port()
            engine_url = f"http://127.0.0.1:{port}/v1/chat/completions"
            contenders = [Contender(ENGINE, engine_url, BASE)]
            first = folder / "fleet"
            first.mkdir()
            fleet = Fleet(first, environment_of(first, server.dsn, "", port, models), server.cluster)
            running = [fleet.engine(port, BASE, 0.0)]
            try:
                running[0].start()
                for name, checkout in checkouts.items():
                    database = f"bench_{len(running)}"
                    await _make_database(server.dsn, database)
                    own = folder / database
                    own.mkdir()
                    environment = environment_of(own, dsn_of(server.dsn, database), "", port, models)
                    environment |= {"CONSILIUM_API_KEYS": f"bench:{KEY}", "PYTHONPATH": str(checkout)}
                    command = [sys.executable, "-c", SERVE, "serve", "--role", "all"]
                    process = Process(name, command, environment, own / "service.log")
                    running.append(process)
                    process.start()
                    url = f"{await _address_of(process)}/v1/chat/completions"
                    contenders.append(Contender(f"{name}, nobody", url, "base", process=process))
                    contenders.append(Contender(f"{name}, a person", url, "core", has_person=True, process=process))
                yield contenders
            finally:
                for process in running:
                    process.end()


async def _make_database(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


async def _address_of(process: Process) -> str:
    """Where the process serves, once it is ready."""
    async with asyncio.timeout(300):
        while True:
            text = await asyncio.to_thread(process.log.read_text, errors="replace")
            if (found := re.search(r"(http://\S+)/readyz", text)) and await _is_ready(found[1]):
                return found[1]
            assert process.alive, process.tail
            await asyncio.sleep(0.2)


async def _is_ready(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def show(measured: Sequence[Figures], console: Console) -> None:
    """Print the figures."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in (
        "at once",
        "",
        "requests",
        "errors",
        "first p50 ms",
        "p95 ms",
        "added p50",
        "p95",
        "× p50",
        "× p95",
        "a second",
        "core ms",
    ):
        table.add_column(column, justify="left" if column == "" else "right")
    for figures in measured:
        direct = _quantiles(figures.first[ENGINE])
        for name, times in figures.first.items():
            own = _quantiles(times)
            added = [f"{1000 * (mine - bare):.1f}" for mine, bare in zip(own, direct, strict=True)]
            ratio = [f"{mine / bare:.1f}" for mine, bare in zip(own, direct, strict=True)]
            table.add_row(
                str(figures.at_once), name, f"{len(times):,}", str(figures.errors[name]),
                *(f"{1000 * value:.1f}" for value in own), *added, *ratio,
                f"{1 / statistics.median(figures.whole[name]):.0f}",
                f"{1000 * figures.spent[name] / max(1, len(times)):.1f}",
            )  # fmt: skip
    console.print(table)
    for reason in itertools.chain.from_iterable(figures.reasons for figures in measured):
        console.print(reason, style="red")


def _quantiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p95."""
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


async def run(checkouts: Mapping[str, Path], at_once: Sequence[int], requests: int, seconds: float) -> list[Figures]:
    """Start everything, measure, and end it."""
    async with services(checkouts) as contenders:
        return await measure(contenders, at_once, requests, seconds)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="to each service and in each way, in all")
    parser.add_argument("--minutes", type=float, default=60, help="after which it ends with what there is by then")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--against", nargs="*", default=[], metavar="NAME=FOLDER", help="other versions' checkouts")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    console = Console(width=140)
    console.print(machine(), load_average())
    checkouts = {"this": Path(__file__).resolve().parents[1]}
    for each in options.against:
        name, _, folder = each.partition("=")
        checkouts[name] = Path(folder).resolve()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    measured = asyncio.run(run(checkouts, options.at_once, options.requests, 60 * options.minutes))
    console.print(load_average())
    show(measured, console)
    if options.json:
        options.json.write_text(json.dumps([each.report() for each in measured]))


if __name__ == "__main__":
    main()
