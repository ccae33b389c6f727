"""The running processes, by their last heartbeats.

A heartbeat that lies in the future was written before the database's clock was set back; it is no sign of life.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from db.infra.migrations.revisions import REVISIONS
from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from db.infra.connection import Connection

PROGRAM_VERSION: Final = version("consilium")
"""Of the installed package."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the service."""

    id: UUID
    role: str
    mind: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    draining: bool
    """Whether it takes nothing new any more."""


@dataclass(frozen=True, slots=True)
class RunningVersion:
    """A version of the program, and how many processes of it run on this database."""

    version: str
    """Empty: it is older than the telling of versions."""
    revision: str
    """The newest migration that it knows; empty as well."""
    processes: int


HEARTBEAT: Final = """
    INSERT INTO processes (id, role, mind, host, pid, draining, version, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET seen_at = now(), draining = excluded.draining
"""
UNREGISTER: Final = "DELETE FROM processes WHERE id = $1"
DELETE_STALE: Final = "DELETE FROM processes WHERE seen_at NOT BETWEEN now() - $1::interval AND now() + $1::interval"
LIST_AVAILABLE: Final = with_columns(
    Process,
    """
    SELECT @columns FROM processes
    WHERE mind = $1 AND role = ANY($2::text[]) AND NOT draining
        AND seen_at BETWEEN now() - $3::interval AND now() + $3::interval
    ORDER BY started_at
    """,
)


LIST_VERSIONS: Final = with_columns(
    RunningVersion,
    """
    SELECT @columns FROM (
        SELECT coalesce(version, '') AS version, coalesce(revision, '') AS revision, count(*) AS processes
        FROM processes WHERE seen_at BETWEEN now() - $1::interval AND now() + $1::interval
        GROUP BY 1, 2
    ) AS counted ORDER BY revision, version
    """,
)


async def heartbeat(
    connection: Connection, process_id: UUID, *, role: str, mind: str, host: str, pid: int, draining: bool = False
) -> None:
    """A process's sign of life, in which it says which version it is."""
    await connection.execute(HEARTBEAT, process_id, role, mind, host, pid, draining, PROGRAM_VERSION, REVISIONS[-1])


async def list_versions(connection: Connection, stale_after: timedelta) -> list[RunningVersion]:
    """The versions of all processes on this database that have been seen lately, the oldest first."""
    return [from_row(RunningVersion, row) for row in await connection.fetch(LIST_VERSIONS, stale_after)]


async def unregister(connection: Connection, process_id: UUID) -> None:
    """A process ends."""
    await connection.execute(UNREGISTER, process_id)


async def delete_stale(connection: Connection, stale_after: timedelta) -> int:
    """Delete the processes without a heartbeat for so long."""
    return await connection.execute(DELETE_STALE, stale_after)


async def list_available(
    connection: Connection, mind: str, roles: Sequence[str], stale_after: timedelta
) -> list[Process]:
    """The processes of a mind in these roles that take work and have been seen lately."""
    return [from_row(Process, row) for row in await connection.fetch(LIST_AVAILABLE, mind, list(roles), stale_after)]
