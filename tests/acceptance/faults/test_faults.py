"""Processes and the database die, hang and lie at random while people keep asking: nothing lost, doubled, out of order.

CONSILIUM_LONG=1 kills processes two hundred times instead of eight. CONSILIUM_FAULT_SEED repeats the faults of a run,
in their order; how they fall on what the processes do just then is chance.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.infra.cluster import Cluster
from db.infra.embedded_server import EmbeddedServer
from tests.acceptance.faults.crowd import Crowd
from tests.acceptance.faults.database_faults import DatabaseFaults
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.fleet import Fleet, environment_of
from tests.fixtures.sglang import free_port

LONG = bool(os.environ.get("CONSILIUM_LONG"))
BASE = "SmolLM2-135M-Instruct"
SETTLE_TIMEOUT = 120.0
"""Seconds without a new answer after which the test stops waiting."""


@dataclass(frozen=True)
class Plan:
    """How many faults there are."""

    kills: int
    restarts: int
    read_only: int
    errors: int
    """Times in which some of all writes fail."""
    garbage: int
    clock_steps: int
    hangs: int
    """Times in which the engine stands still."""
    stalls: int
    """Times in which a worker stands still for longer than its jobs stay with it."""
    people: int
    between: tuple[float, float]
    """Seconds between two faults."""


PLAN = (
    Plan(200, 20, 10, 20, 10, 10, 10, 5, people=16, between=(1.0, 5.0))
    if LONG
    else Plan(8, 1, 1, 1, 1, 1, 1, 1, people=10, between=(0.8, 2.0))
)
WEIGHTS = {"gateway": 3, "worker-1": 2, "worker-2": 2, "worker-3": 2, "engine": 2}


@contextmanager
def fleet_at(folder: Path, cluster: Cluster, dsn: str, telegram: str, models: Path, **settings: str) -> Iterator[Fleet]:
    """One gateway, three workers and an engine; stopped on exit."""
    engine_port = free_port()
    environment = environment_of(folder, dsn, telegram, engine_port, models, CONSILIUM_TURN_ATTEMPTS="50", **settings)
    fleet = Fleet(folder, environment, cluster)
    fleet.engine(engine_port, BASE, 0.03)
    fleet.serve("gateway", "gateway")
    for number in (1, 2, 3):
        fleet.serve(f"worker-{number}", "worker")
    try:
        for process in fleet.processes.values():
            process.start()
        yield fleet
    finally:
        fleet.end()


async def break_things(fleet: Fleet, database: DatabaseFaults, plan: Plan, chance: random.Random) -> None:
    """Break as much as the plan says, and nothing at the same time as a kill."""
    counts = {
        "kill": plan.kills,
        "restart": plan.restarts,
        "read only": plan.read_only,
        "errors": plan.errors,
        "garbage": plan.garbage,
        "clock step": plan.clock_steps,
        "hang": plan.hangs,
        "stall": plan.stalls,
    }
    faults = [fault for fault, times in counts.items() for _ in range(times)]
    chance.shuffle(faults)
    restarts: set[asyncio.Task[None]] = set()
    for fault in faults:
        await asyncio.sleep(chance.uniform(*plan.between))
        if fault == "restart":
            await fleet.restart_postgres(chance.choice(["fast", "immediate"]))
        elif fault == "read only":
            await database.read_only(chance.uniform(1, 5))
        elif fault == "errors":
            await database.errors(chance.uniform(1, 4))
        elif fault == "garbage":
            await database.garbage()
        elif fault == "clock step":
            await database.clock_step()
        elif fault == "hang":
            await fleet.processes["engine"].stall(chance.uniform(1, 5))
        elif fault == "stall":
            worker = fleet.processes[f"worker-{chance.randint(1, 3)}"]
            task = asyncio.create_task(worker.stall(chance.uniform(11, 14)))
            restarts.add(task)
            task.add_done_callback(restarts.discard)
        if fault != "kill":
            continue
        alive = [name for name in WEIGHTS if (running := fleet.processes[name].running) and running.poll() is None]
        if not alive:
            alive = [await wait_for_any(fleet)]
        name = chance.choices(alive, [WEIGHTS[name] for name in alive])[0]
        fleet.processes[name].kill()
        task = asyncio.create_task(start_again(fleet, name, chance.uniform(0, 1.5)))
        restarts.add(task)
        task.add_done_callback(restarts.discard)
    await asyncio.gather(*restarts)


async def wait_for_any(fleet: Fleet) -> str:
    """The name of a running process, once there is one."""
    while True:
        for name in WEIGHTS:
            running = fleet.processes[name].running
            if running and running.poll() is None:
                return name
        await asyncio.sleep(0.1)


async def start_again(fleet: Fleet, name: str, after: float) -> None:
    """Start a process again, as a supervisor does."""
    await asyncio.sleep(after)
    fleet.processes[name].start()


async def keep_up(fleet: Fleet) -> None:
    """Restart processes that exited, for example because the database was unavailable at their start."""
    while True:
        await asyncio.sleep(1)
        for process in fleet.processes.values():
            if process.running is not None and process.running.poll() not in (None, -9):
                process.start()


@pytest.mark.long
@pytest.mark.timeout(3600 if LONG else 600)
async def test_nothing_is_lost_doubled_or_out_of_order(
    base_model_dir: Path, migrated_folder: Path, tmp_path: Path
) -> None:
    seed = int(os.environ.get("CONSILIUM_FAULT_SEED") or secrets.randbits(32))
    chance = random.Random(seed)
    telegram = FakeTelegram(limits=Limits.off())
    # A worker that loads its own embedder would be ready seconds later, and would die no differently.
    embeddings = EmbeddingServer()
    async with (
        await EmbeddedServer.open(migrated_folder) as server,
        telegram.serving() as api,
        embeddings.serving() as embedder,
    ):
        own = {"CONSILIUM_EMBEDDING_URL": embedder, "CONSILIUM_EMBEDDING_MODEL": embeddings.model}
        with fleet_at(tmp_path, server.cluster, server.dsn, api, base_model_dir.parent, **own) as fleet:
            crowd = Crowd(telegram, PLAN.people, seed)
            stop_asking = asyncio.Event()
            asking = asyncio.create_task(crowd.ask_on((1.5, 5.0), stop_asking))
            supervising = asyncio.create_task(keep_up(fleet))
            database = DatabaseFaults(server.dsn, chance)
            await database.prepare()
            await first_answers(crowd)
            began = time.monotonic()
            await break_things(fleet, database, PLAN, chance)
            stop_asking.set()
            await asking
            spent = time.monotonic() - began
            await settle(crowd, SETTLE_TIMEOUT)
            supervising.cancel()
            verdict = crowd.verdict(await database.questions())
            kills = sum(process.kills for process in fleet.processes.values())
            summary = (
                f"seed {seed}: {kills} kills, {fleet.restarts} restarts of Postgres, {PLAN.read_only} read-only times, "
                f"{PLAN.errors} times of failing writes, {PLAN.garbage} unreadable jobs, "
                f"{PLAN.clock_steps} steps of the clock, {PLAN.hangs} hangs of the engine, "
                f"{PLAN.stalls} stalls of a worker in {spent:.0f} s; {verdict.asked} asked, "
                f"{verdict.answered} answered, {len(verdict.failed)} failed with a reason, "
                f"{verdict.orphans} empty placeholders left"
            )
            print(summary)
            assert verdict.clean, f"{summary}\n{verdict}\n{fleet.tails()}"
            assert not verdict.failed, f"{summary}\n{verdict}\n{fleet.tails()}"
            assert kills == PLAN.kills
            assert fleet.restarts == PLAN.restarts
            assert verdict.asked >= 3 * PLAN.people


async def first_answers(crowd: Crowd) -> None:
    """Wait until everybody has been answered once: what is not up yet cannot be broken."""
    async with asyncio.timeout(SETTLE_TIMEOUT):
        while not crowd.everybody_answered():  # noqa: ASYNC110  # other processes' state
            await asyncio.sleep(0.2)


async def settle(crowd: Crowd, within: float) -> None:
    """Wait until everybody has their answers, or no new one has come for `within` seconds."""
    left, since = crowd.unanswered(), time.monotonic()
    while left and time.monotonic() < since + within:
        await asyncio.sleep(0.5)
        if (now := crowd.unanswered()) < left:
            left, since = now, time.monotonic()
