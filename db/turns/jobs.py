"""Jobs between processes: pgqueuer's tables and statements, in the transactions of the service.

pgqueuer's own loop is not used, for reasons that decision 0009 lists. Here a job is created, and completed, in the
transaction that accepts or ends its turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JobId, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgqueuer.domain.models import Job as Row

    from db.infra.connection import Connection

# Every name is given: what is left out, the library would look for in the environment, `CHANNEL` among others.
_SETTINGS: Final = DBSettings(
    prefix="",
    db_schema=None,
    channel="consilium_ch_pgqueuer",
    function="consilium_fn_pgqueuer_changed",
    trigger="consilium_tg_pgqueuer_changed",
    queue_status_type="consilium_pgqueuer_status",
    queue_table="consilium_pgqueuer",
    queue_table_log="consilium_pgqueuer_log",
    schedules_table="consilium_pgqueuer_schedules",
    statistics_table="consilium_pgqueuer_statistics",
)
_ENVIRONMENT: Final = QueryBuilderEnvironment(_SETTINGS)
_QUEUE: Final = QueryQueueBuilder(_SETTINGS)
"""Shared, so that each shape of its long statements is written once."""
CHANNEL: Final = str(_SETTINGS.channel)
"""Where the database says that jobs have come or gone."""
INSERT_MARKER: Final = '"operation" : "insert"'
"""What a notification of new jobs says."""
PRUNE_LOG: Final = "DELETE FROM consilium_pgqueuer_log WHERE created < now() - $1::interval"
DELETE_BY_TURNS: Final = "DELETE FROM consilium_pgqueuer WHERE dedupe_key = ANY ($1::text[])"
FIND_BY_TURN: Final = """
    SELECT id FROM consilium_pgqueuer WHERE dedupe_key = $1 AND status IN ('queued', 'picked')
"""
POSTPONE: Final = """
    UPDATE consilium_pgqueuer SET execute_after = now() + $2 WHERE dedupe_key = $1 AND status = 'queued'
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A turn that a worker has to process."""

    row: Row
    turn_id: UUID
    user_id: UUID

    @property
    def id(self) -> int:
        return int(self.row.id)

    @property
    def entrypoint(self) -> str:
        return str(self.row.entrypoint)


async def enqueue(
    connection: Connection,
    entrypoint: str,
    turn_id: UUID,
    user_id: UUID,
    *,
    priority: int = 0,
    delay: timedelta | None = None,
) -> None:
    """Queue a turn; one that is queued already stays as it is."""
    payload = json.dumps({"turn": str(turn_id), "user": str(user_id)}).encode()
    with connection.translate_driver_errors():
        await _queries(connection).enqueue(entrypoint, payload, priority, delay, str(turn_id), on_conflict="skip")


async def dequeue(
    connection: Connection, process_id: UUID, entrypoints: Sequence[str], limit: int, stale_after: timedelta
) -> list[Job]:
    """Up to `most` jobs for this process, the most urgent and oldest first.

    Args:
        stale_after: how long a job may go without a heartbeat before another worker may fetch it.
    """
    asked = {QueueEntrypoint(name): EntrypointExecutionParameter(concurrency_limit=0) for name in entrypoints}
    with connection.translate_driver_errors():
        rows = await _queries(connection).dequeue(limit, asked, QueueManagerId(process_id), None, stale_after)
    return [_job(row) for row in rows]


async def heartbeat(connection: Connection, job_ids: Sequence[int]) -> None:
    """A sign of life for jobs that are being worked on."""
    with connection.translate_driver_errors():
        await _queries(connection).update_heartbeat([JobId(job_id) for job_id in job_ids])


async def complete(connection: Connection, job: Job) -> None:
    """A job is over, however it ended."""
    with connection.translate_driver_errors():
        await _queries(connection).log_jobs([(job.row, "successful", None)])


async def reschedule(connection: Connection, job: Job, delay: timedelta) -> None:
    """Queue a job again after a delay."""
    with connection.translate_driver_errors():
        await _queries(connection).retry_job(job.row, delay, None)


async def postpone(connection: Connection, turn_id: UUID, delay: timedelta) -> None:
    """Have the job of a turn that no worker has fetched begin after `delay` from now."""
    await connection.execute(POSTPONE, str(turn_id), delay)


async def delete_by_turns(connection: Connection, turn_ids: Sequence[UUID]) -> None:
    """Delete the jobs of turns that no longer exist, even if a worker has them."""
    await connection.execute(DELETE_BY_TURNS, [str(turn_id) for turn_id in turn_ids])


async def prune_log(connection: Connection, older_than: timedelta) -> int:
    """Forget what the log says of jobs that ended so long ago."""
    return await connection.execute(PRUNE_LOG, older_than)


async def has_job(connection: Connection, turn_id: UUID) -> bool:
    """Whether the turn has a job, waiting or being worked on."""
    return await connection.fetchval(FIND_BY_TURN, str(turn_id)) is not None


def _queries(connection: Connection) -> Queries:
    return Queries(AsyncpgDriver(connection.raw), _ENVIRONMENT, _QUEUE)


def _job(row: Row) -> Job:
    told = json.loads(row.payload or b"{}")
    return Job(row, UUID(told["turn"]), UUID(told["user"]))
