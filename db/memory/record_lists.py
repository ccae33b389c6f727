"""The list of records that a person has been shown in a session: each keeps its number until a new list is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from db.infra.connection import PersonConnection


@dataclass(frozen=True, slots=True)
class RecordList:
    """The numbered records of a session. They are named by kind and id; nothing of what they say is here."""

    records: Sequence[str]
    """In the order of their numbers; the first is number 1."""
    offered: Sequence[str] = ()
    """Those that the person has been asked about and may still have forgotten with one word."""


FIND: Final = with_columns(
    RecordList,
    """
    SELECT @columns FROM (
        SELECT records, CASE WHEN offered_at > now() - $3::interval THEN offered ELSE '{}' END AS offered
        FROM record_lists WHERE session_id = $1 AND user_id = $2
    ) AS lists
    """,
)
SAVE: Final = """
    INSERT INTO record_lists (session_id, user_id, records, offered, offered_at) VALUES ($1, $2, $3, $4, now())
    ON CONFLICT (session_id) DO UPDATE
    SET records = excluded.records, offered = excluded.offered, offered_at = excluded.offered_at
"""
DELETE: Final = "DELETE FROM record_lists WHERE session_id = $1 AND user_id = $2"


async def find(connection: PersonConnection, session_id: UUID, offer_lifetime: timedelta) -> RecordList | None:
    """The list that was shown last in a session; None if none was. An offer older than `offer_lifetime` has expired."""
    row = await connection.fetchrow(FIND, session_id, connection.user_id, offer_lifetime)
    return from_row(RecordList, row) if row is not None else None


async def save(connection: PersonConnection, session_id: UUID, shown: RecordList) -> None:
    """Put a list in the place of the session's last one."""
    await connection.execute(SAVE, session_id, connection.user_id, list(shown.records), list(shown.offered))


async def delete(connection: PersonConnection, session_id: UUID) -> None:
    """Forget the session's list: the next one begins with number 1."""
    await connection.execute(DELETE, session_id, connection.user_id)
