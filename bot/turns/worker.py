"""The worker: takes jobs, answers their turns, sends heartbeats, and releases its turns when it shuts down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from bot.core.conversation import Conversation, load_conversation
from bot.core.ports import Platform
from bot.turns.heartbeat import Heartbeat
from bot.turns.lease import TurnLease, claim
from bot.turns.metrics import observe_memory_backlog, observe_open_turns, turn_claimed
from bot.turns.recovery import recover_stranded, recover_unremembered
from bot.turns.runner import TurnRunner
from db.errors import DatabaseError, TurnLeaseLost
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.turns import admin_queries, jobs
from db.turns.jobs import Job

JOB_HEARTBEAT_INTERVAL: Final = 2.0
"""Seconds between heartbeats of running jobs."""
JOB_STALE_AFTER: Final = timedelta(seconds=10)
"""After so long without a heartbeat, another worker takes the job."""
POLL_INTERVAL: Final = 1.0
"""Seconds between polls without a notification: nothing announces a rescheduled job that is due or a stale one."""
JOB_LOG_RETENTION: Final = timedelta(days=1)
MAINTENANCE_INTERVAL: Final = 15.0
"""Seconds between rounds that recover turns and count the open ones."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Which jobs a worker takes, and how many at once."""

    entrypoints: Sequence[str]
    concurrency: int
    drain_timeout: float
    """Seconds that running answers may take after `Worker.drain`."""
    database_timeout: float
    """Seconds for which a turn waits for an unreachable database."""


class Worker:
    """Takes jobs until it is drained."""

    def __init__(
        self,
        *,
        database: Database,
        mind: str,
        heartbeat: Heartbeat,
        runner: TurnRunner,
        platforms: Mapping[str, Platform],
        options: WorkerOptions,
    ) -> None:
        self._database = database
        self._mind = mind
        self._heartbeat = heartbeat
        self._runner = runner
        self._platforms = platforms
        self._options = options
        self._wakeup = asyncio.Event()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._draining = False

    def wake(self) -> None:
        """Look for jobs now."""
        self._wakeup.set()

    async def run(self) -> None:
        """Work until `drain` has been called and the running turns have ended."""
        async with asyncio.TaskGroup() as group:
            periodic_tasks = [
                group.create_task(
                    self._run_periodically(self._send_job_heartbeats, JOB_HEARTBEAT_INTERVAL), name="job-heartbeats"
                ),
                group.create_task(
                    self._run_periodically(self._run_maintenance, MAINTENANCE_INTERVAL), name="maintenance"
                ),
            ]
            try:
                await self._fetch_loop()
                await self._wait_for_running()
            finally:
                await self._cancel_running()
                for task in periodic_tasks:
                    task.cancel()

    def drain(self) -> None:
        """Take no more jobs; `run` returns once the running turns have ended or `drain_timeout` has passed."""
        self._draining = True
        self._wakeup.set()

    async def _fetch_loop(self) -> None:
        while not self._draining:
            self._wakeup.clear()
            free = self._options.concurrency - len(self._tasks)
            fetched = await self._fetch_jobs(free) if free > 0 else []
            for job in fetched:
                task = asyncio.create_task(self._handle(job), name=f"turn-{job.turn_id}")
                self._tasks[job.id] = task
                task.add_done_callback(lambda _, job=job: self._job_done(job))  # type: ignore[misc]  # mypy and defaults
            if len(fetched) < free or free <= 0:
                await self._wait_for_wakeup()

    async def _fetch_jobs(self, limit: int) -> list[Job]:
        try:
            async with self._database.anonymous_transaction() as connection:
                fetched = await jobs.dequeue(
                    connection, self._heartbeat.id, self._options.entrypoints, limit, JOB_STALE_AFTER
                )
        except DatabaseError as error:
            log.warning("worker.fetch_failed", reason=error)
            return []
        # After a late heartbeat, a job that runs here can look stale.
        return [job for job in fetched if job.id not in self._tasks]

    async def _wait_for_wakeup(self) -> None:
        try:
            async with asyncio.timeout(POLL_INTERVAL):
                await self._wakeup.wait()
        except TimeoutError:
            return

    def _job_done(self, job: Job) -> None:
        self._tasks.pop(job.id, None)
        self._wakeup.set()

    async def _handle(self, job: Job) -> None:
        try:
            async with self._database.person_transaction(job.user_id) as connection:
                lease = await self._claim(connection, job)
                conversation = await load_conversation(connection, lease.turn) if lease is not None else None
            if lease is not None and conversation is not None:
                await self._run_turn(lease, conversation)
        except DatabaseError as error:
            # The job goes stale. The worker that takes it then goes on from what has been saved.
            log.warning("worker.job_abandoned", turn=str(job.turn_id), reason=error)
        except Exception:
            log.exception("worker.job_failed", turn=str(job.turn_id))

    async def _claim(self, connection: PersonConnection, job: Job) -> TurnLease | None:
        return await claim(
            self._database,
            connection,
            job.turn_id,
            self._heartbeat.id,
            self._mind,
            job=job,
            database_timeout=self._options.database_timeout,
        )

    async def _run_turn(self, lease: TurnLease, conversation: Conversation) -> None:
        turn_claimed(lease.turn)
        platform = self._platforms.get(conversation.session.platform)
        if platform is None or lease.turn.address is None:
            await self._skip_unknown_platform(lease, conversation.session.platform)
            return
        reply = platform.reply(lease.turn.address, lease, conversation.say)
        await self._runner.run(lease, conversation, reply, platform.fetch)

    async def _skip_unknown_platform(self, lease: TurnLease, platform: str) -> None:
        """Leave a turn to workers that serve its platform, until it is time to give it up."""
        log.error("turn.platform_not_served", turn=str(lease.turn.id), platform=platform)
        give_up_at = lease.turn.give_up_at
        try:
            if give_up_at is not None and give_up_at < datetime.now(UTC):
                await lease.finish("failed", error=f"no worker shows answers on {platform}")
            else:
                await lease.reschedule(JOB_STALE_AFTER, failed=True)
        except TurnLeaseLost:
            log.info("turn.lease_lost", turn=str(lease.turn.id))

    async def _wait_for_running(self) -> None:
        running = list(self._tasks.values())
        if running:
            log.info("worker.drain_started", running=len(running), seconds=self._options.drain_timeout)
            await asyncio.wait(running, timeout=self._options.drain_timeout)

    async def _cancel_running(self) -> None:
        running = list(self._tasks.values())
        for task in running:
            task.cancel()
        if running:
            log.warning("worker.turns_cancelled", turns=len(running))
            await asyncio.wait(running)

    async def _send_job_heartbeats(self) -> None:
        running = list(self._tasks)
        if running:
            async with self._database.anonymous_transaction() as connection:
                await jobs.heartbeat(connection, running)

    async def _run_maintenance(self) -> None:
        if await recover_stranded(self._database, self._mind, self._heartbeat.id):
            self._wakeup.set()
        if (memory_writer := self._runner.memory_writer) is not None:
            await recover_unremembered(self._database, self._mind, memory_writer)
            observe_memory_backlog(memory_writer.pending)
        async with self._database.anonymous_transaction() as connection:
            observe_open_turns(await admin_queries.count_by_state(connection, datetime.now(UTC)))
            await jobs.prune_log(connection, JOB_LOG_RETENTION)

    async def _run_periodically(self, action: Callable[[], Awaitable[None]], interval: float) -> None:
        while True:
            began = time.monotonic()
            try:
                await action()
            except DatabaseError as error:
                log.warning("worker.periodic_task_failed", reason=error)
            await asyncio.sleep(max(0.1, interval - (time.monotonic() - began)))
