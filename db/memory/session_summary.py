"""Turns of a session that the model no longer sees, and the summary that replaces them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.infra.rows import from_row, with_columns
from db.memory.forgetting import any_forgotten
from db.memory.memories import Memory, Origin, expire, remember

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from db.infra.connection import PersonConnection
    from db.memory.memories import Embedding


@dataclass(frozen=True, slots=True)
class TurnText:
    """The text of a turn."""

    id: UUID
    seq: int
    question: str
    answer: str | None


# A summary of a window that /new closed is no longer used.
CURRENT_SUMMARY: Final = with_columns(
    Memory,
    """
    SELECT @columns FROM memories
    WHERE user_id = $1 AND session_id = $2 AND kind = 'summary' AND valid_until IS NULL AND EXISTS (
        SELECT FROM turns JOIN sessions ON sessions.id = turns.session_id
        WHERE turns.id = memories.source_turn_id AND turns.seq >= sessions.window_start
    )
    """,
)
LATEST_SUMMARY_ID: Final = (
    "SELECT id FROM memories WHERE user_id = $1 AND session_id = $2 AND kind = 'summary' AND valid_until IS NULL"
)
LIST_TURNS_OUT_OF_WINDOW: Final = with_columns(
    TurnText,
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
# Another process that summarises this session waits here, and then sees that it is done.
LOCK_SESSION: Final = "SELECT FROM sessions WHERE id = $1 AND user_id = $2 FOR UPDATE"


async def current_summary(connection: PersonConnection, session_id: UUID) -> Memory | None:
    """The running summary of a session's window, if it has one."""
    row = await connection.fetchrow(CURRENT_SUMMARY, connection.user_id, session_id)
    return from_row(Memory, row) if row is not None else None


async def list_turns_out_of_window(
    connection: PersonConnection, session_id: UUID, *, window_size: int, after: UUID | None, limit: int
) -> list[TurnText]:
    """The turns of the session's window, oldest first, that came after a turn and before the last `in_view` ones."""
    rows = await connection.fetch(LIST_TURNS_OUT_OF_WINDOW, session_id, connection.user_id, window_size, after, limit)
    return [from_row(TurnText, row) for row in rows]


async def replace_summary(
    connection: PersonConnection,
    old: Memory | None,
    content: str,
    origin: Origin,
    *,
    embedding: Embedding | None,
    moment: datetime,
    turn_ids: Collection[UUID] = (),
) -> Memory | None:
    """Put a summary in the place of the one it goes on from; None when that is no longer the session's, or something
    of it has been forgotten meanwhile.

    Args:
        origin: with the session, and the last turn that it covers.
        turn_ids: the turns that it covers.
    """
    assert origin.session_id is not None
    await connection.fetchrow(LOCK_SESSION, origin.session_id, connection.user_id)
    last = await connection.fetchval(LATEST_SUMMARY_ID, connection.user_id, origin.session_id)
    current = await current_summary(connection, origin.session_id)
    if (current.id if current else None) != (old.id if old else None):
        return None
    if await any_forgotten(connection, turn_ids):
        return None
    if last is not None:
        await expire(connection, last, moment)
    return await remember(connection, "summary", content, embedding=embedding, origin=origin, valid_from=moment)
