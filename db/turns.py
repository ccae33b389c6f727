"""Turns: one message in, one answer out. A turn's state only ever moves forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from db.errors import RecordGone
from db.rows import read, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from db.connection import PersonConnection

TurnState = Literal["accepted", "thinking", "answering", "delivered", "stopped", "failed"]
FinalState = Literal["delivered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a session."""

    id: UUID
    session_id: UUID
    user_id: UUID
    seq: int
    """Its place in the session: 1, 2, 3, …"""
    state: TurnState
    question: str
    answer: str | None
    """All of it when delivered, what had come when stopped or failed."""
    mode: str | None
    """The mode it was answered in: canonical, never ``auto``."""
    adapter: str | None
    """Content-addressed name of the composition; None for the bare base model."""
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    error: str | None
    created_at: datetime
    updated_at: datetime


# The session's row is locked by the update, so turns accepted at once get numbers one after another.
ACCEPT: Final = sql(
    Turn,
    """
    WITH numbered AS (
        UPDATE sessions SET last_seq = last_seq + 1, updated_at = now()
        WHERE id = $1 AND user_id = $2
        RETURNING id AS of_session, user_id AS of_user, last_seq
    )
    INSERT INTO turns (session_id, user_id, seq, question)
    SELECT of_session, of_user, last_seq, $3 FROM numbered
    RETURNING @columns
    """,
)
START_THINKING: Final = sql(
    Turn,
    """
    UPDATE turns SET state = 'thinking', updated_at = now()
    WHERE id = $1 AND user_id = $2 AND state = 'accepted'
    RETURNING @columns
    """,
)
START_ANSWERING: Final = sql(
    Turn,
    """
    UPDATE turns SET state = 'answering', mode = $3, adapter = $4, updated_at = now()
    WHERE id = $1 AND user_id = $2 AND state IN ('accepted', 'thinking')
    RETURNING @columns
    """,
)
FINISH: Final = sql(
    Turn,
    """
    UPDATE turns
    SET state = $3, answer = $4, finish_reason = $5, prompt_tokens = $6, completion_tokens = $7, error = $8,
        updated_at = now()
    WHERE id = $1 AND user_id = $2 AND state IN ('accepted', 'thinking', 'answering')
    RETURNING @columns
    """,
)
GET: Final = sql(Turn, "SELECT @columns FROM turns WHERE id = $1 AND user_id = $2")
WINDOW: Final = sql(
    Turn,
    """
    SELECT @columns FROM (
        SELECT * FROM turns
        WHERE session_id = $1 AND user_id = $2 AND state IN ('delivered', 'stopped')
            AND seq >= (SELECT window_start FROM sessions WHERE id = $1)
        ORDER BY seq DESC
        LIMIT $3
    ) AS latest
    ORDER BY seq
    """,
)
UNFINISHED: Final = sql(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE user_id = $1 AND state IN ('accepted', 'thinking', 'answering')
    ORDER BY created_at, seq
    """,
)


async def accept(connection: PersonConnection, session_id: UUID, question: str) -> Turn:
    """Take a message in as the session's next turn. Safe to call at once: every turn gets a number of its own.

    Raises:
        RecordGone: the person has no such session.
    """
    row = await connection.fetchrow(ACCEPT, session_id, connection.user_id, question)
    if row is None:
        raise RecordGone(record="session")
    return read(Turn, row)


async def start_thinking(connection: PersonConnection, turn_id: UUID) -> Turn:
    """An accepted turn begins to be worked on. A turn that is further already comes back as it is.

    Raises:
        RecordGone: the person has no such turn.
    """
    moved = await connection.fetchrow(START_THINKING, turn_id, connection.user_id)
    return await _moved_or_as_is(connection, turn_id, moved)


async def start_answering(connection: PersonConnection, turn_id: UUID, *, mode: str, adapter: str | None) -> Turn:
    """The answer begins to come, in a resolved mode. A turn that is further already comes back as it is.

    Raises:
        RecordGone: the person has no such turn.
    """
    moved = await connection.fetchrow(START_ANSWERING, turn_id, connection.user_id, mode, adapter)
    return await _moved_or_as_is(connection, turn_id, moved)


async def finish(
    connection: PersonConnection,
    turn_id: UUID,
    state: FinalState,
    *,
    answer: str | None = None,
    finish_reason: str | None = None,
    prompt_tokens: int | None = None,
    completion_tokens: int | None = None,
    error: str | None = None,
) -> Turn:
    """End a turn. The first end counts: a turn that has ended already comes back as it ended.

    Raises:
        RecordGone: the person has no such turn.
    """
    moved = await connection.fetchrow(
        FINISH,
        turn_id,
        connection.user_id,
        state,
        answer,
        finish_reason,
        prompt_tokens,
        completion_tokens,
        error,
    )
    return await _moved_or_as_is(connection, turn_id, moved)


async def window(connection: PersonConnection, session_id: UUID, limit: int) -> list[Turn]:
    """The last `limit` turns of the session's current window that have an answer, oldest first."""
    return [read(Turn, row) for row in await connection.fetch(WINDOW, session_id, connection.user_id, limit)]


async def unfinished(connection: PersonConnection) -> list[Turn]:
    """The person's turns that have not ended, oldest first: what a crash has left, if nobody works on them."""
    return [read(Turn, row) for row in await connection.fetch(UNFINISHED, connection.user_id)]


async def _moved_or_as_is(connection: PersonConnection, turn_id: UUID, moved: Mapping[str, Any] | None) -> Turn:
    # Read by a statement of its own: it sees what another transaction has committed while the update waited for it.
    row = moved or await connection.fetchrow(GET, turn_id, connection.user_id)
    if row is None:
        raise RecordGone(record="turn")
    return read(Turn, row)
