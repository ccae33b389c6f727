"""The running processes, by their last heartbeats.

A heartbeat that lies in the future was written before the database's clock was set back; it is no sign of life.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from db.infra.connection import Connection


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


HEARTBEAT: Final = """
    INSERT INTO processes (id, role, mind, host, pid, draining) VALUES ($1, $2, $3, $4, $5, $6)
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


async def heartbeat(
    connection: Connection, process_id: UUID, *, role: str, mind: str, host: str, pid: int, draining: bool = False
) -> None:
    """A process's sign of life."""
    await connection.execute(HEARTBEAT, process_id, role, mind, host, pid, draining)


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
