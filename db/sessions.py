"""Sessions: one conversation of one person in one place, with its mode and window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from db.errors import RecordGone
from db.rows import read, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from db.connection import PersonConnection


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation in one place (a chat, a thread, a terminal)."""

    id: UUID
    user_id: UUID
    platform: str
    place: str
    mode: str
    """In its canonical form, or ``auto``."""
    window_start: int
    """`seq` of the first turn of the current window."""
    created_at: datetime
    updated_at: datetime


# The conflict's update changes nothing a reader sees but the time; it makes the row that was there come back.
OPEN: Final = sql(
    Session,
    """
    INSERT INTO sessions (user_id, platform, place, mode) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, platform, place) DO UPDATE SET updated_at = now()
    RETURNING @columns
    """,
)
GET: Final = sql(Session, "SELECT @columns FROM sessions WHERE id = $1 AND user_id = $2")
SET_MODE: Final = sql(
    Session,
    "UPDATE sessions SET mode = $3, updated_at = now() WHERE id = $1 AND user_id = $2 RETURNING @columns",
)
START_WINDOW: Final = sql(
    Session,
    """
    UPDATE sessions SET window_start = last_seq + 1, updated_at = now()
    WHERE id = $1 AND user_id = $2
    RETURNING @columns
    """,
)


async def open(connection: PersonConnection, *, platform: str, place: str, mode: str = "auto") -> Session:  # noqa: A001
    """The person's session in a place; made, in `mode`, when it is the first time. Safe to call at once."""
    row = await connection.fetchrow(OPEN, connection.user_id, platform, place, mode)
    assert row is not None
    return read(Session, row)


async def get(connection: PersonConnection, session_id: UUID) -> Session:
    """One of the person's sessions.

    Raises:
        RecordGone: he has no such session.
    """
    return _there(await connection.fetchrow(GET, session_id, connection.user_id))


async def set_mode(connection: PersonConnection, session_id: UUID, mode: str) -> Session:
    """Set the mode of the turns to come.

    Raises:
        RecordGone: the person has no such session.
    """
    return _there(await connection.fetchrow(SET_MODE, session_id, connection.user_id, mode))


async def start_window(connection: PersonConnection, session_id: UUID) -> Session:
    """Begin a fresh window: the turns so far stay, but no longer count as what was just said.

    Raises:
        RecordGone: the person has no such session.
    """
    return _there(await connection.fetchrow(START_WINDOW, session_id, connection.user_id))


def _there(row: Mapping[str, Any] | None) -> Session:
    if row is None:
        raise RecordGone(record="session")
    return read(Session, row)
