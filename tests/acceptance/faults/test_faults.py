"""Processes and the database die at random under people who go on asking: nothing lost, doubled or out of order.

The short form takes about two minutes; CONSILIUM_LONG=1 kills two hundred times. CONSILIUM_FAULT_SEED repeats a run.
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
from db.infra.migrate import migrate
from tests.acceptance.faults.crowd import Crowd
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.fleet import Fleet, environment_of
from tests.fixtures.postgres import server_directory
from tests.fixtures.sglang import free_port

LONG = bool(os.environ.get("CONSILIUM_LONG"))
BASE = "SmolLM2-135M-Instruct"
SETTLING = 120.0
"""Seconds without an answer after which no more are waited for."""


@dataclass(frozen=True)
class Plan:
    """How much is broken."""

    kills: int
    restarts: int
    people: int
    between: tuple[float, float]
    """Seconds between two faults."""


PLAN = Plan(200, 20, 16, (1.0, 5.0)) if LONG else Plan(20, 2, 10, (0.5, 4.0))
WEIGHTS = {"gateway": 3, "worker-1": 2, "worker-2": 2, "worker-3": 2, "engine": 2}


@contextmanager
def fleet_at(folder: Path, cluster: Cluster, dsn: str, telegram: str, models: Path) -> Iterator[Fleet]:
    """One gateway, three workers and an engine, started; ended on leaving."""
    engine_port = free_port()
    environment = environment_of(folder, dsn, telegram, engine_port, models, CONSILIUM_TURN_ATTEMPTS="50")
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


async def break_things(fleet: Fleet, plan: Plan, chance: random.Random) -> None:
    """Kill and restart until the plan is fulfilled."""
    faults = ["kill"] * plan.kills + ["restart"] * plan.restarts
    chance.shuffle(faults)
    coming: set[asyncio.Task[None]] = set()
    for fault in faults:
        await asyncio.sleep(chance.uniform(*plan.between))
        if fault == "restart":
            await fleet.restart_postgres(chance.choice(["fast", "immediate"]))
            continue
        alive = [name for name in WEIGHTS if (running := fleet.processes[name].running) and running.poll() is None]
        if not alive:
            alive = [await wait_for_any(fleet)]
        name = chance.choices(alive, [WEIGHTS[name] for name in alive])[0]
        fleet.processes[name].kill()
        task = asyncio.create_task(start_again(fleet, name, chance.uniform(0, 1.5)))
        coming.add(task)
        task.add_done_callback(coming.discard)
    await asyncio.gather(*coming)


async def wait_for_any(fleet: Fleet) -> str:
    """A process that runs, once there is one."""
    while True:
        for name in WEIGHTS:
            running = fleet.processes[name].running
            if running and running.poll() is None:
                return name
        await asyncio.sleep(0.1)


async def start_again(fleet: Fleet, name: str, after: float) -> None:
    """What a supervisor does."""
    await asyncio.sleep(after)
    fleet.processes[name].start()


async def keep_up(fleet: Fleet) -> None:
    """Start anew what has ended by itself, as when the database was away at its start."""
    while True:
        await asyncio.sleep(1)
        for process in fleet.processes.values():
            if process.running is not None and process.running.poll() not in (None, -9):
                process.start()


@pytest.mark.long
@pytest.mark.timeout(3600 if LONG else 600)
async def test_nothing_is_lost_doubled_or_out_of_order_whatever_dies(base_model_dir: Path) -> None:
    seed = int(os.environ.get("CONSILIUM_FAULT_SEED") or secrets.randbits(32))
    chance = random.Random(seed)
    telegram = FakeTelegram(limits=Limits.off())
    with server_directory() as folder:
        async with await EmbeddedServer.open(folder / "pg") as server, telegram.serving() as api:
            await migrate(server.dsn)
            with fleet_at(folder, server.cluster, server.dsn, api, base_model_dir.parent) as fleet:
                crowd = Crowd(telegram, PLAN.people, seed)
                enough = asyncio.Event()
                asking = asyncio.create_task(crowd.ask_on((1.5, 5.0), enough))
                supervising = asyncio.create_task(keep_up(fleet))
                began = time.monotonic()
                await break_things(fleet, PLAN, chance)
                enough.set()
                await asking
                spent = time.monotonic() - began
                await settle(crowd, SETTLING)
                supervising.cancel()
                verdict = crowd.verdict()
                kills = sum(process.kills for process in fleet.processes.values())
                told = (
                    f"seed {seed}: {kills} kills, {fleet.restarts} restarts of Postgres in {spent:.0f} s; "
                    f"{verdict.asked} asked, {verdict.answered} answered, {len(verdict.failed)} failed with a reason, "
                    f"{verdict.orphans} empty placeholders left"
                )
                print(told)
                assert verdict.clean, f"{told}\n{verdict}\n{fleet.tails()}"
                assert not verdict.failed, f"{told}\n{verdict}\n{fleet.tails()}"
                assert kills == PLAN.kills
                assert fleet.restarts == PLAN.restarts
                assert verdict.asked >= 3 * PLAN.people


async def settle(crowd: Crowd, within: float) -> None:
    """Wait until everybody has his answers, or for so long no more have come."""
    left, since = crowd.unanswered(), time.monotonic()
    while left and time.monotonic() < since + within:
        await asyncio.sleep(0.5)
        if (now := crowd.unanswered()) < left:
            left, since = now, time.monotonic()
