"""The worker: takes jobs, answers their turns, sends heartbeats, and releases its turns when it shuts down."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.core.conversation import Conversation, load_conversation
from bot.core.errors import TurnAbandoned
from bot.core.i18n import LANGUAGES, Translator, system_language
from bot.core.loops import LoopFailures, run_periodically
from bot.core.messages import Outcome
from bot.core.ports import Platform
from bot.turns.failures import failed_outcome
from bot.turns.heartbeat import Heartbeat
from bot.turns.lease import TurnLease, claim
from bot.turns.metrics import observe_dead_letters, observe_memory_backlog, observe_open_turns, turn_claimed
from bot.turns.queue import answer_entrypoint
from bot.turns.recovery import recover_stranded, recover_unremembered
from bot.turns.runner import TurnRunner
from db.errors import DatabaseError, DatabaseUnavailable, TurnLeaseLost
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.people import sessions
from db.turns import admin_queries, dead_letters, jobs, states
from db.turns.jobs import Job

JOB_HEARTBEAT_INTERVAL: Final = 2.0
"""Seconds between heartbeats of running jobs."""
JOB_STALE_AFTER: Final = timedelta(seconds=10)
"""A heartbeat that is older looks like that of a worker that is gone."""
POLL_INTERVAL: Final = 1.0
"""Seconds between polls without a notification: nothing announces a rescheduled job that is due or a stale one."""
_LOOKS_UNTIL_GONE: Final = 3
"""Looks at an old heartbeat, `JOB_HEARTBEAT_INTERVAL` apart, after which its worker counts as gone."""
_NEVER: Final = timedelta(days=3650)
"""Fetching takes no job from anybody: silent ones are released first."""
_CLOCK_TOLERANCE: Final = timedelta(seconds=5)
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
        self._jobs_may_wait = True
        """Whether the queue may have a job that this worker did not get yet; polling finds what nothing announces."""
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._draining = False
        self._broken_attempts: dict[UUID, int] = {}
        """How often a turn's attempt broke here before it began."""
        self._looks: dict[int, tuple[datetime, int]] = {}
        """Other workers' jobs: their last heartbeat, and at how many looks in a row it was that."""

    def wake(self) -> None:
        """Look for jobs now, or as soon as there is room for one."""
        self._jobs_may_wait = True
        self._wakeup.set()

    async def run(self) -> None:
        """Work until `drain` has been called and the running turns have ended."""
        async with asyncio.TaskGroup() as group:
            periodic_tasks = [
                group.create_task(
                    run_periodically("job-heartbeats", self._send_job_heartbeats, JOB_HEARTBEAT_INTERVAL),
                    name="job-heartbeats",
                ),
                group.create_task(
                    run_periodically("silent-jobs", self._release_silent_jobs, JOB_HEARTBEAT_INTERVAL),
                    name="silent-jobs",
                ),
                group.create_task(
                    run_periodically("maintenance", self._run_maintenance, MAINTENANCE_INTERVAL), name="maintenance"
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
        failures = LoopFailures("fetch")
        while not self._draining:
            self._wakeup.clear()
            free = self._options.concurrency - len(self._tasks)
            try:
                fetched = await self._fetch_jobs(free) if free > 0 else []
            except Exception as error:
                await asyncio.sleep(min(POLL_INTERVAL, failures.record(error)))
                continue
            failures.reset()
            for job in fetched:
                task = asyncio.create_task(self._handle(job), name=f"turn-{job.turn_id}")
                self._tasks[job.id] = task
                task.add_done_callback(lambda _, job=job: self._job_done(job))  # type: ignore[misc]  # mypy and defaults
            if len(fetched) < free or free <= 0:
                await self._wait_for_wakeup()

    async def _fetch_jobs(self, limit: int) -> list[Job]:
        self._jobs_may_wait = False
        async with self._database.anonymous_transaction(by_key=True) as connection:
            fetched = await jobs.dequeue(connection, self._heartbeat.id, self._options.entrypoints, limit, _NEVER)
        self._jobs_may_wait |= len(fetched) == limit
        # A job that runs here may have been released by another worker that heard nothing of it.
        return [job for job in fetched if job.id not in self._tasks]

    async def _wait_for_wakeup(self) -> None:
        try:
            async with asyncio.timeout(POLL_INTERVAL):
                await self._wakeup.wait()
        except TimeoutError:
            return

    def _job_done(self, job: Job) -> None:
        self._tasks.pop(job.id, None)
        if self._jobs_may_wait:
            self._wakeup.set()

    async def _handle(self, job: Job) -> None:
        lease = None
        try:
            # Committed before anything else is tried, and whatever comes of the reading beside it: an attempt that
            # breaks is counted too.
            async with self._database.person_transaction(job.user_id, by_key=True) as connection:
                lease = await self._claim(connection, job)
                if lease is None:
                    return
                conversation = await _result_or_error(load_conversation(connection, lease.turn))
            if isinstance(conversation, Exception):
                raise conversation
            await self._run_turn(lease, conversation)
            self._jobs_may_wait |= lease.has_enqueued_next
            self._broken_attempts.pop(job.turn_id, None)
        except DatabaseUnavailable as error:
            # The job goes silent. The worker that takes it then goes on from what has been saved.
            log.warning("worker.job_abandoned", turn=str(job.turn_id), reason=error)
        except Exception:
            log.exception("worker.job_failed", turn=str(job.turn_id))
            await self._set_back(job, lease)

    async def _set_back(self, job: Job, lease: TurnLease | None) -> None:
        """Release a turn whose attempt broke before it began; give it up after too many of them."""
        broken = self._broken_attempts.get(job.turn_id, 0) + 1
        self._broken_attempts[job.turn_id] = broken
        setbacks = max(broken, lease.turn.setbacks if lease is not None else 0)
        give_up = setbacks >= self._runner.retry_policy.max_failed_attempts
        try:
            if lease is not None and not give_up:
                await lease.reschedule(JOB_STALE_AFTER, failed=True)
            elif give_up:
                await self._give_up(job, lease)
        except (DatabaseError, TurnLeaseLost) as error:
            log.warning("worker.job_abandoned", turn=str(job.turn_id), reason=error)

    async def _give_up(self, job: Job, lease: TurnLease | None) -> None:
        """End a turn that cannot be read or shown as dead; the session's next question goes on."""
        if lease is not None:
            await self._tell_given_up(lease)
        async with self._database.person_transaction(job.user_id) as connection:
            waiting = await states.give_up(connection, job.turn_id, "every attempt at it broke: see the log")
            await jobs.complete(connection, job)
            if waiting is not None:
                await jobs.enqueue(connection, answer_entrypoint(self._mind), waiting, job.user_id)
        self._broken_attempts.pop(job.turn_id, None)
        log.error("turn.died", turn=str(job.turn_id))

    async def _tell_given_up(self, lease: TurnLease) -> None:
        """Tell the person that their turn is given up, as far as enough of it can be read for that."""
        turn = lease.turn
        try:
            async with self._database.person_transaction(turn.user_id) as connection:
                session = await sessions.get(connection, turn.session_id)
            platform = self._platforms.get(session.platform)
            if platform is None or turn.address is None:
                return
            say = Translator(next((known for known in LANGUAGES if known == turn.language), system_language()))
            reply = platform.reply(turn.address, lease, say)
            try:
                await reply.finish(failed_outcome(Outcome(""), TurnAbandoned(turn.setbacks), say))
            finally:
                await reply.close()
        except Exception as error:
            log.warning("turn.failure_not_shown", turn=str(turn.id), reason=type(error).__name__)

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
        try:
            if lease.is_late:
                await lease.finish("dead", error=f"no worker shows answers on {platform}")
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

    async def _release_silent_jobs(self) -> None:
        """Queue jobs again whose worker is gone.

        A worker is gone when its heartbeat is old by the database's clock, and has not changed while this process
        looked several times: so neither a clock that is set nor an outage, during which nobody can send a heartbeat,
        takes a job from a worker that is alive.
        """
        looks: dict[int, tuple[datetime, int]] = {}
        gone: dict[int, datetime] = {}
        async with self._database.anonymous_transaction() as connection:
            if repaired := await jobs.repair_times(connection, _CLOCK_TOLERANCE):
                log.warning("clock.set_back", jobs=repaired)
            for job_id, beat in (
                await jobs.list_picked(connection, self._options.entrypoints, JOB_STALE_AFTER)
            ).items():
                if job_id in self._tasks:
                    continue
                seen_at, times = self._looks.get(job_id, (beat.at, 0))
                looks[job_id] = (beat.at, times + 1 if seen_at == beat.at else 1)
                if beat.is_silent and looks[job_id][1] >= _LOOKS_UNTIL_GONE:
                    gone[job_id] = beat.at
            released = await jobs.release(connection, gone) if gone else 0
        self._looks = looks
        if released:
            log.warning("worker.jobs_taken_over", jobs=released)
            self.wake()

    async def _run_maintenance(self) -> None:
        # On a machine with too much to do its heartbeats may be as late as those of a process that is gone: who makes
        # this round is alive, and must not give up the answers that it is giving.
        await self._heartbeat.send()
        if await recover_stranded(self._database, self._mind, self._heartbeat.id):
            self.wake()
        if (memory_writer := self._runner.memory_writer) is not None:
            await recover_unremembered(self._database, self._mind, memory_writer)
            observe_memory_backlog(memory_writer.pending)
        async with self._database.anonymous_transaction() as connection:
            observe_open_turns(await admin_queries.count_open(connection))
            observe_dead_letters(await dead_letters.count_by_kind(connection))
            await jobs.prune_log(connection, JOB_LOG_RETENTION)


async def _result_or_error(reading: Coroutine[None, None, Conversation]) -> Conversation | Exception:
    """What is read, or why it cannot be.

    Raises:
        DatabaseUnavailable: the transaction is over.
    """
    try:
        return await reading
    except DatabaseUnavailable:
        raise
    except Exception as error:
        return error
