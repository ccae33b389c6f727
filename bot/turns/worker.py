"""Works on the turns that wait: takes their jobs, says that it lives, lets go when it is told to end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from bot.channels.port import Platform
from bot.turns.attempt import Attempts
from bot.turns.conversation import Conversation, conversation_of
from bot.turns.hold import Hold, take_up
from bot.turns.metrics import turn_taken_up, turns_seen, turns_to_remember
from bot.turns.presence import Presence
from bot.turns.salvage import remember_left, salvage
from db import jobs, oversight
from db.connection import PersonConnection
from db.database import Database
from db.errors import DatabaseError, TurnTaken
from db.jobs import Job

BEAT: Final = 2.0
"""Seconds between signs of life for the jobs in work."""
STALE: Final = timedelta(seconds=10)
"""Without a sign of life for so long, a job is somebody else's."""
POLL: Final = 1.0
"""Seconds until jobs are looked for unasked: those put back become due, and those of the dead go stale, in silence."""
LOG_KEPT: Final = timedelta(days=1)
ROUND: Final = 15.0
"""Seconds between rounds after stranded turns, and between counts of the open ones."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """Which jobs a worker takes, and how many at once."""

    entrypoints: Sequence[str]
    at_once: int
    drain: float
    """Seconds that running answers have to end once the worker is told to."""
    patience: float
    """Seconds that a database which has gone away is waited for in the middle of a turn."""


class Worker:
    """Takes jobs until it is told to end."""

    def __init__(
        self,
        database: Database,
        mind: str,
        presence: Presence,
        attempts: Attempts,
        platforms: Mapping[str, Platform],
        work: Work,
    ) -> None:
        self._database = database
        self._mind = mind
        self._presence = presence
        self._attempts = attempts
        self._platforms = platforms
        self._work = work
        self._news = asyncio.Event()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._draining = False

    def wake(self) -> None:
        """There may be something to do."""
        self._news.set()

    async def run(self) -> None:
        """Work until `drain` has been called and what runs has ended."""
        async with asyncio.TaskGroup() as group:
            around = [
                group.create_task(self._again_and_again(self._beat, BEAT), name="beat"),
                group.create_task(self._again_and_again(self._look_around, ROUND), name="rounds"),
            ]
            try:
                await self._take_jobs()
                await self._end_running()
            finally:
                await self._cut_off()
                for task in around:
                    task.cancel()

    def drain(self) -> None:
        """Take nothing new; `run` returns once what runs has ended, or the deadline for it has come."""
        self._draining = True
        self._news.set()

    async def _take_jobs(self) -> None:
        while not self._draining:
            self._news.clear()
            free = self._work.at_once - len(self._tasks)
            taken = await self._take(free) if free > 0 else []
            for job in taken:
                task = asyncio.create_task(self._handle(job), name=f"turn-{job.turn_id}")
                self._tasks[job.id] = task
                task.add_done_callback(lambda _, job=job: self._let_go(job))  # type: ignore[misc]  # mypy and defaults
            if len(taken) < free or free <= 0:
                await self._wait_for_news()

    async def _take(self, free: int) -> list[Job]:
        try:
            async with self._database.nobody() as connection:
                found = await jobs.take(connection, self._presence.id, self._work.entrypoints, free, STALE)
        except DatabaseError as error:
            log.warning("worker.no_jobs", reason=str(error))
            return []
        # A beat that came too late may have made a job of our own look like a dead process's.
        return [job for job in found if job.id not in self._tasks]

    async def _wait_for_news(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._news.wait()
        except TimeoutError:
            return

    def _let_go(self, job: Job) -> None:
        self._tasks.pop(job.id, None)
        self._news.set()

    async def _handle(self, job: Job) -> None:
        try:
            async with self._database.person(job.user_id) as connection:
                hold = await self._take_up(connection, job)
                conversation = await conversation_of(connection, hold.turn) if hold is not None else None
            if hold is not None and conversation is not None:
                await self._attempt(hold, conversation)
        except DatabaseError as error:
            # The job is left to go stale: whoever takes it up then finds the turn as far as it was kept.
            log.warning("worker.job_left", turn=str(job.turn_id), reason=str(error))
        except Exception:
            log.exception("worker.job_failed", turn=str(job.turn_id))

    async def _take_up(self, connection: PersonConnection, job: Job) -> Hold | None:
        return await take_up(
            self._database,
            connection,
            job.turn_id,
            self._presence.id,
            self._mind,
            job=job,
            patience=self._work.patience,
        )

    async def _attempt(self, hold: Hold, conversation: Conversation) -> None:
        turn_taken_up(hold.turn)
        platform = self._platforms.get(conversation.session.platform)
        if platform is None or hold.turn.address is None:
            await self._refuse(hold, conversation.session.platform)
            return
        reply = platform.reply(hold.turn.address, hold, conversation.say)
        await self._attempts.run(hold, conversation, reply, platform.fetch)

    async def _refuse(self, hold: Hold, platform: str) -> None:
        """Leave a turn to workers that know its platform, for as long as it is worth it; this one does not."""
        log.error("turn.platform_unknown", turn=str(hold.turn.id), platform=platform)
        until = hold.turn.give_up_at
        try:
            if until is not None and until < datetime.now(UTC):
                await hold.finish("failed", error=f"no worker shows answers on {platform}")
            else:
                await hold.put_back(STALE, setback=True)
        except TurnTaken:
            log.info("turn.taken", turn=str(hold.turn.id))

    async def _end_running(self) -> None:
        running = list(self._tasks.values())
        if running:
            log.info("worker.draining", running=len(running), seconds=self._work.drain)
            await asyncio.wait(running, timeout=self._work.drain)

    async def _cut_off(self) -> None:
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        if left:
            log.warning("worker.cut_off", turns=len(left))
            await asyncio.wait(left)

    async def _beat(self) -> None:
        running = list(self._tasks)
        if running:
            async with self._database.nobody() as connection:
                await jobs.beat(connection, running)

    async def _look_around(self) -> None:
        if await salvage(self._database, self._mind, self._presence.id):
            self._news.set()
        if (afterwards := self._attempts.afterwards) is not None:
            await remember_left(self._database, self._mind, afterwards)
            turns_to_remember(afterwards.waiting)
        async with self._database.nobody() as connection:
            turns_seen(await oversight.states(connection, datetime.now(UTC)))
            await jobs.prune(connection, LOG_KEPT)

    async def _again_and_again(self, what: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            began = time.monotonic()
            try:
                await what()
            except DatabaseError as error:
                log.warning("worker.round_missed", reason=str(error))
            await asyncio.sleep(max(0.1, every - (time.monotonic() - began)))
