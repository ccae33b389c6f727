"""Joins the further parts of a message to the turn that its first part became, while no worker has claimed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from db.errors import DuplicateUpdate
from db.infra.rows import from_row, to_jsonb, with_columns
from db.turns.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from db.infra.connection import PersonConnection

# Only the session's last message can go on. The row stays locked until the transaction ends: a worker that claims the
# turn waits for it, and sees all parts.
FIND_WAITING: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE session_id = $1 AND user_id = $2 AND part_key = $3 AND join_until > now()
        AND seq = (SELECT last_seq FROM sessions WHERE id = $1)
        AND kind = 'question' AND state = 'accepted' AND attempts = 0 AND NOT stop_asked
        AND update_id IS DISTINCT FROM $4
    FOR UPDATE
    """,
)
JOIN: Final = with_columns(
    Turn,
    """
    UPDATE turns
    SET question = $3, quotations = $4::jsonb, unread = $5, files = $6::jsonb,
        joined_updates = joined_updates || $7::text[], join_until = now() + $8, part_key = $9, updated_at = now()
    WHERE id = $1 AND user_id = $2
    RETURNING @columns
    """,
)


PAUSE_LEFT: Final = """
    SELECT greatest(coalesce(join_until, now()) - now(), interval '0') FROM turns WHERE id = $1 AND user_id = $2
"""


async def pause_left(connection: PersonConnection, turn_id: UUID) -> timedelta:
    """How long further parts of a turn's message are still waited for."""
    left: timedelta = await connection.fetchval(PAUSE_LEFT, turn_id, connection.user_id)
    return left


async def find_waiting(
    connection: PersonConnection, session_id: UUID, part_key: str, update_id: str | None
) -> Turn | None:
    """The turn that another part of its message may be joined to, locked; None when there is none any more.

    Raises:
        DuplicateUpdate: this update has been joined to it already.
    """
    row = await connection.fetchrow(FIND_WAITING, session_id, connection.user_id, part_key, update_id)
    if row is None:
        return None
    turn = from_row(Turn, row)
    if update_id in turn.joined_updates:
        raise DuplicateUpdate
    return turn


async def join(
    connection: PersonConnection,
    turn: Turn,
    *,
    question: str,
    quotations: Sequence[Mapping[str, Any]] | None,
    unread: Collection[str],
    files: Mapping[str, Any] | None,
    update_id: str | None,
    part_key: str,
    within: timedelta,
) -> Turn:
    """Replace what a turn found by `find_waiting` holds with what all its parts hold together.

    Args:
        update_id: of the part that is joined.
        part_key: of the parts that may follow it.
        within: how long a further part is waited for.
    """
    row = await connection.fetchrow(
        JOIN,
        turn.id,
        connection.user_id,
        question,
        None if quotations is None else to_jsonb([dict(each) for each in quotations]),
        list(unread),
        None if files is None else to_jsonb(dict(files)),
        [] if update_id is None else [update_id],
        within,
        part_key,
    )
    assert row is not None
    return from_row(Turn, row)
