"""Turns of a session that the model no longer sees, and the summary that stands for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.forgetting import is_forgotten
from db.memory import Memory, Origin, end, remember
from db.rows import read, sql

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from db.connection import PersonConnection
    from db.memory import Embedding


@dataclass(frozen=True, slots=True)
class Told:
    """What was said in a turn."""

    id: UUID
    seq: int
    question: str
    answer: str | None


# A summary of a window that was closed by /new stands for nothing any more.
SUMMARY: Final = sql(
    Memory,
    """
    SELECT @columns FROM memories
    WHERE user_id = $1 AND session_id = $2 AND kind = 'summary' AND valid_until IS NULL AND EXISTS (
        SELECT FROM turns JOIN sessions ON sessions.id = turns.session_id
        WHERE turns.id = memories.source_turn_id AND turns.seq >= sessions.window_start
    )
    """,
)
LAST_SUMMARY: Final = (
    "SELECT id FROM memories WHERE user_id = $1 AND session_id = $2 AND kind = 'summary' AND valid_until IS NULL"
)
UNSEEN: Final = sql(
    Told,
    """
    WITH told AS (
        SELECT @columns FROM turns
        WHERE session_id = $1 AND user_id = $2 AND kind = 'question' AND state IN ('delivered', 'stopped')
            AND seq >= (SELECT window_start FROM sessions WHERE id = $1) AND NOT forgotten
    )
    SELECT @columns FROM told
    WHERE seq <= (SELECT seq FROM told ORDER BY seq DESC OFFSET $3 LIMIT 1)
        AND seq > coalesce((SELECT seq FROM turns WHERE id = $4 AND user_id = $2), 0)
    ORDER BY seq
    LIMIT $5
    """,
)
REMEMBERED: Final = "UPDATE turns SET remembered = true WHERE id = $1 AND user_id = $2"
# Whoever else sums this session up waits here, and then sees that it has been done.
LOCK: Final = "SELECT FROM sessions WHERE id = $1 AND user_id = $2 FOR UPDATE"


async def summary_of(connection: PersonConnection, session_id: UUID) -> Memory | None:
    """The running summary of a session's window, if it has one."""
    row = await connection.fetchrow(SUMMARY, connection.user_id, session_id)
    return read(Memory, row) if row is not None else None


async def unseen(
    connection: PersonConnection, session_id: UUID, *, in_view: int, after: UUID | None, limit: int
) -> list[Told]:
    """The turns of the session's window, oldest first, that came after a turn and before the last `in_view` ones."""
    rows = await connection.fetch(UNSEEN, session_id, connection.user_id, in_view, after, limit)
    return [read(Told, row) for row in rows]


async def mark_remembered(connection: PersonConnection, turn_id: UUID) -> None:
    """The turn's episodes are kept."""
    await connection.execute(REMEMBERED, turn_id, connection.user_id)


async def replace_summary(
    connection: PersonConnection,
    old: Memory | None,
    content: str,
    origin: Origin,
    *,
    embedding: Embedding | None,
    moment: datetime,
    taken_in: Collection[UUID] = (),
) -> Memory | None:
    """Put a summary in the place of the one it goes on from; None when that is no longer the session's, or something
    of it has been forgotten meanwhile.

    Args:
        origin: with the session, and the last turn that is taken in.
        taken_in: the turns it was made of.
    """
    assert origin.session_id is not None
    await connection.fetchrow(LOCK, origin.session_id, connection.user_id)
    last = await connection.fetchval(LAST_SUMMARY, connection.user_id, origin.session_id)
    current = await summary_of(connection, origin.session_id)
    if (current.id if current else None) != (old.id if old else None):
        return None
    if await is_forgotten(connection, taken_in):
        return None
    if last is not None:
        await end(connection, last, moment)
    return await remember(connection, "summary", content, embedding=embedding, origin=origin, valid_from=moment)
