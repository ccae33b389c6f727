"""Which running programs would not survive a contracting migration: those that do not know it, by their heartbeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

TABLE_EXISTS: Final = "SELECT to_regclass('public.processes') IS NOT NULL"
LISTS_VERSIONS: Final = """
    SELECT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass('public.processes') AND attname = 'revision' AND NOT attisdropped
    )
"""
LIST_OLDER: Final = {
    True: """
        SELECT role, host, pid, version, revision FROM public.processes
        WHERE seen_at BETWEEN now() - interval '30 s' AND now() + interval '30 s' AND coalesce(revision, '') < $1
        ORDER BY started_at
    """,
    False: """
        SELECT role, host, pid, NULL, NULL FROM public.processes
        WHERE seen_at BETWEEN now() - interval '30 s' AND now() + interval '30 s' AND $1::text IS NOT NULL
        ORDER BY started_at
    """,
}
"""By whether processes tell their version yet; those of earlier releases never do. Numbers sort as text."""


@dataclass(frozen=True, slots=True)
class Program:
    """A running process, as far as an upgrade is concerned."""

    role: str
    host: str
    pid: int
    version: str | None
    """None: it is older than the telling of versions."""
    revision: str | None
    """The newest migration that it knows."""

    def __str__(self) -> str:
        return f"{self.role} {self.pid}@{self.host}"


async def list_older(connection: asyncpg.Connection, revision: str) -> Sequence[Program]:
    """The running programs that do not know a migration."""
    if not await connection.fetchval(TABLE_EXISTS):
        return []
    rows = await connection.fetch(LIST_OLDER[await connection.fetchval(LISTS_VERSIONS)], revision)
    return [Program(*row) for row in rows]
