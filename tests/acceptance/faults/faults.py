"""The faults of the campaign, and how they are brought about.

To add one: a member of `Fault` that says what happens, how often in both forms of `Plan`, what `Campaign` does for it,
and a row in `docs/how-to/survive-faults.md` (a test compares).
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.acceptance.faults.database_faults import DatabaseFaults
from tests.fixtures.fleet import Fleet


class Fault(StrEnum):
    """Everything that is made to fail; the value is how `docs/how-to/survive-faults.md` calls it."""

    GATEWAY_KILLED = "a gateway is killed"
    WORKER_KILLED = "a worker is killed"
    ENGINE_KILLED = "the engine's server is killed"
    WORKER_STALLS = "a worker stands still"
    ENGINE_HANGS = "the engine's server hangs"
    RESTART = "Postgres restarts"
    CRASH = "Postgres crashes"
    READ_ONLY = "Postgres is read only"
    DEADLOCK = "deadlocks"
    SERIALIZATION_FAILURE = "serialization failures"
    LOCK_TIMEOUT = "lock timeouts"
    DISK_FULL = "the database's disk is full"
    INTERNAL_ERROR = "the database fails inside"
    CANCELLED_STATEMENT = "statements are cancelled"
    UNREADABLE_JOB = "a job that cannot be read"
    CLOCK_STEP = "the database's clock is set"


KILLED: Final[Mapping[Fault, tuple[str, ...]]] = {
    Fault.GATEWAY_KILLED: ("gateway",),
    Fault.WORKER_KILLED: ("worker-1", "worker-2", "worker-3"),
    Fault.ENGINE_KILLED: ("engine",),
}
"""The processes that a fault kills one of."""
SQLSTATES: Final[Mapping[Fault, str]] = {
    Fault.DEADLOCK: "40P01",
    Fault.SERIALIZATION_FAILURE: "40001",
    Fault.LOCK_TIMEOUT: "55P03",
    Fault.DISK_FULL: "53100",
    Fault.INTERNAL_ERROR: "XX000",
    Fault.CANCELLED_STATEMENT: "57014",
}
"""What some of all writes fail with for a while."""


@dataclass(frozen=True)
class Plan:
    """How many faults there are, and how many people feel them."""

    counts: Mapping[Fault, int]
    people: int
    """On every platform."""
    between: tuple[float, float]
    """Seconds between two faults."""


LONG: Final = Plan(
    {
        Fault.GATEWAY_KILLED: 60,
        Fault.WORKER_KILLED: 105,
        Fault.ENGINE_KILLED: 35,
        Fault.WORKER_STALLS: 5,
        Fault.ENGINE_HANGS: 10,
        Fault.RESTART: 10,
        Fault.CRASH: 10,
        Fault.READ_ONLY: 10,
        **dict.fromkeys(SQLSTATES, 4),
        Fault.UNREADABLE_JOB: 10,
        Fault.CLOCK_STEP: 10,
    },
    people=16,
    between=(1.0, 5.0),
)
SHORT: Final = Plan(
    {
        Fault.GATEWAY_KILLED: 3,
        Fault.WORKER_KILLED: 4,
        Fault.ENGINE_KILLED: 1,
        Fault.WORKER_STALLS: 1,
        Fault.ENGINE_HANGS: 1,
        Fault.RESTART: 0,
        Fault.CRASH: 1,
        Fault.READ_ONLY: 1,
        **dict.fromkeys(SQLSTATES, 0),
        Fault.DEADLOCK: 1,
        Fault.DISK_FULL: 1,
        Fault.UNREADABLE_JOB: 1,
        Fault.CLOCK_STEP: 1,
    },
    people=5,
    between=(0.8, 2.0),
)


@dataclass
class Campaign:
    """Breaks as much as a plan says, in an order that chance decides; nothing at the same time as a kill."""

    fleet: Fleet
    database: DatabaseFaults
    plan: Plan
    chance: random.Random
    seconds: float = math.inf
    """After so long nothing more is broken, though the plan says more."""
    done: Counter[Fault] = field(default_factory=Counter)
    """What has been broken, and how often."""
    killed_at: list[float] = field(default_factory=list)
    """When processes that send messages were killed, in monotonic seconds."""
    _returning: set[asyncio.Task[None]] = field(default_factory=set)
    """Processes that are about to run again."""

    async def run(self, halfway: asyncio.Event | None = None) -> None:
        """Break everything. `halfway` is set in the middle."""
        faults = [fault for fault, times in self.plan.counts.items() for _ in range(times)]
        self.chance.shuffle(faults)
        until = time.monotonic() + self.seconds
        for number, fault in enumerate(faults):
            if halfway is not None and number == len(faults) // 2:
                halfway.set()
            await asyncio.sleep(self.chance.uniform(*self.plan.between))
            if time.monotonic() > until:
                break
            await self._break(fault)
            self.done[fault] += 1
        await asyncio.gather(*self._returning)

    async def _break(self, fault: Fault) -> None:
        chance = self.chance
        if fault in KILLED:
            await self._kill(chance.choice(KILLED[fault]))
        elif fault in SQLSTATES:
            await self.database.errors(SQLSTATES[fault], chance.uniform(1, 4))
        elif fault is Fault.RESTART:
            await self.fleet.restart_postgres("fast")
        elif fault is Fault.CRASH:
            await self.fleet.restart_postgres("immediate")
        elif fault is Fault.READ_ONLY:
            await self.database.read_only(chance.uniform(1, 5))
        elif fault is Fault.UNREADABLE_JOB:
            await self.database.garbage()
        elif fault is Fault.CLOCK_STEP:
            await self.database.clock_step()
        elif fault is Fault.ENGINE_HANGS:
            await self.fleet.processes["engine"].stall(chance.uniform(1, 5))
        elif fault is Fault.WORKER_STALLS:
            worker = self.fleet.processes[chance.choice(KILLED[Fault.WORKER_KILLED])]
            self._later(worker.stall(chance.uniform(11, 14)))

    async def _kill(self, name: str) -> None:
        process = self.fleet.processes[name]
        while not process.alive:  # noqa: ASYNC110  # killed a moment ago, it is about to run again
            await asyncio.sleep(0.1)
        process.kill()
        if name != "engine":
            self.killed_at.append(time.monotonic())
        self._later(self._start_again(name, self.chance.uniform(0, 1.5)))

    async def _start_again(self, name: str, after: float) -> None:
        """Start a process again, as a supervisor does."""
        await asyncio.sleep(after)
        self.fleet.processes[name].start()

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)
