"""Turns a second with 1,000,000 turns in the table beside none: `python -m benchmarks.bench_turn_rows`.

Two services of one gateway and one worker, each over a Postgres of its own, one of them with so many ended turns of
other people's. Both run all the time and get bursts of messages by turns, so that the machine's other work meets both
alike; what each turn computes is measured as well.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console

from benchmarks.bench_turns import BASE, SETTLING, Asking, ProcessorTime, burst, is_answer, processes
from benchmarks.serving import base_model_folder, load_average, machine
from db.infra.embedded_server import EmbeddedServer
from db.infra.migrate import migrate
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.fleet import Fleet, environment_of
from tests.fixtures.postgres import server_directory
from tests.fixtures.servers import free_port

ROWS: Final = 1_000_000
TURNS_OF_A_SESSION: Final = 100


@dataclass
class Contender:
    """A service with a database of its own."""

    name: str
    asking: Asking
    time: ProcessorTime
    rates: list[float] = field(default_factory=list)
    """Turns a second."""
    spent: Counter[str] = field(default_factory=Counter)
    """Processor seconds of all bursts, by process."""

    async def measure(self, count: int) -> None:
        """One burst of so many messages, and what is done for them afterwards."""
        before = self.time.read()
        self.rates.append(await burst(self.asking, count, is_answer))
        await asyncio.sleep(SETTLING)
        self.spent.update(self.time.read() - before)


async def fill(dsn: str, rows: int) -> None:
    """Put so many ended turns of other people's into the table."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("ALTER TABLE turns DISABLE ROW LEVEL SECURITY")
        await connection.execute(
            f"""
            INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, {rows // TURNS_OF_A_SESSION});
            INSERT INTO sessions (user_id, platform, place, last_seq)
                SELECT id, 'filling', 'agoge/1', {TURNS_OF_A_SESSION} FROM users
                WHERE NOT EXISTS (SELECT FROM sessions AS s WHERE s.user_id = users.id);
            INSERT INTO turns (session_id, user_id, seq, state, question, answer, mode, finish_reason, ended_at)
                SELECT s.id, s.user_id, n, 'delivered', 'What of ' || n || '?', repeat('An answer of some length. ', 8),
                    'core', 'stop', now()
                FROM sessions AS s, generate_series(1, {TURNS_OF_A_SESSION}) AS n WHERE s.platform = 'filling';
            """
        )
        await connection.execute("ALTER TABLE turns ENABLE ROW LEVEL SECURITY")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


@asynccontextmanager
async def contender(folder: Path, models: Path, name: str, rows: int, console: Console) -> AsyncIterator[Contender]:
    """A service that is ready, with so many turns in its table."""
    telegram = FakeTelegram(limits=Limits.off())
    (own := folder / name).mkdir()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await EmbeddedServer.open(own / "pg"))
        api = await stack.enter_async_context(telegram.serving())
        await migrate(server.dsn)
        if rows:
            began = time.monotonic()
            await fill(server.dsn, rows)
            console.print(f"{rows:,} turns in {time.monotonic() - began:.0f} s")
        port = free_port()
        fleet = Fleet(own, environment_of(own, server.dsn, api, port, models), server.cluster)
        wanted = [fleet.engine(port, BASE, 0.0), fleet.serve("gateway", "gateway"), fleet.serve("worker", "worker")]
        postmaster = int((server.cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        await stack.enter_async_context(processes(fleet, *wanted))
        yield Contender(name, Asking(telegram), ProcessorTime(wanted, postmaster))


async def run(rows: int, count: int, rounds: int, console: Console) -> list[Contender]:
    """Measure both by turns."""
    models = (await asyncio.to_thread(base_model_folder)).parent
    with server_directory() as folder:
        async with (
            contender(folder, models, "full", rows, console) as full,
            contender(folder, models, "empty", 0, console) as empty,
        ):
            for each in (empty, full):
                await burst(each.asking, 20, is_answer)
                await asyncio.sleep(SETTLING)
            for n in range(rounds):
                for each in (empty, full) if n % 2 else (full, empty):
                    await each.measure(count)
                console.print(f"round {n + 1}: empty {empty.rates[-1]:.1f}, full {full.rates[-1]:.1f} a second")
            return [empty, full]


def show(empty: Contender, full: Contender, count: int, console: Console) -> None:
    """Print rates, their ratio, and what a turn computes."""
    ratios = [without / with_rows for without, with_rows in zip(empty.rates, full.rates, strict=True)]
    console.print(
        f"time a turn, full over empty: median {statistics.median(ratios):.2f},"
        f" {min(ratios):.2f} to {max(ratios):.2f} (goal: at most 1.2)"
    )
    for each in (empty, full):
        turns = count * len(each.rates)
        parts = ", ".join(f"{name} {1000 * seconds / turns:.1f}" for name, seconds in sorted(each.spent.items()))
        console.print(f"{each.name}: {1000 * each.spent.total() / turns:.1f} ms of a core a turn ({parts})")


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--burst", type=int, default=100, help="messages in a burst")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    console = Console()
    console.print(machine(), load_average())
    contenders = asyncio.run(run(options.rows, options.burst, options.rounds, console))
    console.print(load_average())
    show(*contenders, options.burst, console)


if __name__ == "__main__":
    main()
