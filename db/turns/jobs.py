"""Jobs between processes: pgqueuer's tables and statements, in the transactions of the service.

pgqueuer's own loop is not used, for reasons that decision 0009 lists. Here a job is created, and completed, in the
transaction that accepts or ends its turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job as Row
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JobId, QueueEntrypoint, QueueManagerId
from pydantic import ValidationError

from db.turns import dead_letters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from db.infra.connection import Connection
    from db.turns.dead_letters import DeadLetter

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
LIST_PICKED: Final = """
    SELECT id, heartbeat, heartbeat NOT BETWEEN now() - $2::interval AND now() + $2::interval AS is_silent
    FROM consilium_pgqueuer WHERE status = 'picked' AND entrypoint = ANY ($1::text[])
"""
RELEASE: Final = """
    UPDATE consilium_pgqueuer
    SET status = 'queued', queue_manager_id = NULL, execute_after = least(execute_after, now()), updated = now()
    FROM unnest($1::bigint[], $2::timestamptz[]) AS silent (job, heartbeat)
    WHERE id = silent.job AND consilium_pgqueuer.heartbeat = silent.heartbeat AND status = 'picked'
"""
# What was written before the clock was set back lies in the future. The distance between two such times is still true.
REPAIR_TIMES: Final = """
    UPDATE consilium_pgqueuer
    SET execute_after = now() + greatest(execute_after - updated, interval '0'),
        created = least(created, now()), updated = now()
    WHERE status = 'queued' AND updated > now() + $1::interval
"""
DELETE: Final = "DELETE FROM consilium_pgqueuer WHERE id = $1"
ENQUEUE_AS_IT_WAS: Final = """
    INSERT INTO consilium_pgqueuer (priority, status, entrypoint, dedupe_key, payload)
    VALUES ($1, 'queued', $2, $3, $4)
    ON CONFLICT DO NOTHING
"""
FIND_BY_TURN: Final = """
    SELECT id FROM consilium_pgqueuer WHERE dedupe_key = $1 AND status IN ('queued', 'picked')
"""
POSTPONE: Final = """
    UPDATE consilium_pgqueuer SET execute_after = now() + $2 WHERE dedupe_key = $1 AND status = 'queued'
"""


log = structlog.get_logger(__name__)


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


class UnreadableJob(ValueError):
    """A row of the queue that this version cannot read; the text says why, without anything of its content."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What was last heard of a job that somebody works on."""

    at: datetime
    """By the database's clock when it was written."""
    is_silent: bool
    """Whether, by that clock, it was long ago (or is yet to come: then the clock was set)."""


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
    """Up to `limit` jobs for this process, the most urgent and oldest first.

    A job that cannot be read becomes a dead letter, and its turn, if it names one, gets a job anew when it is found
    stranded: one bad row holds up no other.

    Args:
        stale_after: how long a job may go without a heartbeat before another worker may fetch it.
    """
    query = _QUEUE.build_dequeue_query(
        batch_size=limit,
        entrypoints=[QueueEntrypoint(name) for name in entrypoints],
        concurrency_limits=[0] * len(entrypoints),
        queue_manager_id=QueueManagerId(process_id),
        global_concurrency_limit=None,
        heartbeat_timeout=stale_after,
    )
    with connection.translate_driver_errors():
        # The library reads all rows or none.
        rows = await AsyncpgDriver(connection.raw).fetch(query.sql, *query.args)
    fetched = []
    for row in rows:
        try:
            fetched.append(_read_job(row))
        except UnreadableJob as error:
            await _bury(connection, row, str(error))
    return fetched


async def list_picked(
    connection: Connection, entrypoints: Sequence[str], silent_after: timedelta
) -> dict[int, Heartbeat]:
    """The heartbeats of the jobs that somebody works on."""
    rows = await connection.fetch(LIST_PICKED, list(entrypoints), silent_after)
    return {row["id"]: Heartbeat(row["heartbeat"], row["is_silent"]) for row in rows}


async def release(connection: Connection, silent: Mapping[int, datetime]) -> int:
    """Queue jobs again whose heartbeat is still the given one; how many there were."""
    return await connection.execute(RELEASE, list(silent), list(silent.values()))


async def repair_times(connection: Connection, tolerance: timedelta) -> int:
    """Make jobs due again that were queued by a clock which has been set back since; how many there were."""
    return await connection.execute(REPAIR_TIMES, tolerance)


async def enqueue_as_it_was(connection: Connection, letter: DeadLetter, payload: bytes | None) -> None:
    """Queue a job again that could not be read."""
    await connection.execute(ENQUEUE_AS_IT_WAS, letter.priority, letter.source, letter.reference or None, payload)


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


def _read_job(fields: Mapping[str, Any]) -> Job:
    try:
        row = Row.model_validate(fields)
        told = json.loads(row.payload or b"{}")
        return Job(row, UUID(told["turn"]), UUID(told["user"]))
    except ValidationError as error:
        places = ", ".join(".".join(map(str, found["loc"])) for found in error.errors(include_input=False))
        raise UnreadableJob(f"its row cannot be read: {places}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableJob(f"its payload cannot be read: {type(error).__name__}") from error


async def _bury(connection: Connection, fields: Mapping[str, Any], reason: str) -> None:
    log.error("job.set_aside", job=fields["id"], entrypoint=fields["entrypoint"], reason=reason)
    [key] = await connection.fetch("SELECT dedupe_key FROM consilium_pgqueuer WHERE id = $1", fields["id"])
    await dead_letters.bury(
        connection,
        "job",
        source=fields["entrypoint"],
        reference=key["dedupe_key"] or "",
        reason=reason,
        payload=fields["payload"],
        priority=fields["priority"],
    )
    await connection.execute(DELETE, fields["id"])
