"""Sessions: one conversation of one person in one place, with its mode and window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from db.errors import RecordNotFound
from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from db.infra.connection import PersonConnection


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation in one place (a chat, a thread, a terminal)."""

    id: UUID
    user_id: UUID
    platform: str
    place: str
    mode: str
    """In its canonical form, or ``auto``."""
    consilium: bool
    """Whether its questions are answered by two voices."""
    window_start: int
    """`seq` of the first turn of the current window."""
    chat: str | None
    """The platform's id of the chat with others that the place is in; None when the person is alone there."""
    created_at: datetime
    updated_at: datetime
    adapters: str | None
    """Digest of the set of adapters that it is answered with until it begins anew; None before its first answer."""

    @property
    def group_chat(self) -> str | None:
        """The group chat, with its platform; None in private."""
        return None if self.chat is None else f"{self.platform}:{self.chat}"


# The conflict's update makes the row that was there come back. A place that was in a chat stays there. A session that
# has been silent for a day begins anew, with the adapters that are in use then.
GET_OR_CREATE: Final = with_columns(
    Session,
    """
    INSERT INTO sessions (user_id, platform, place, mode, chat) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (user_id, platform, place) DO UPDATE
        SET updated_at = now(), chat = coalesce(excluded.chat, sessions.chat),
            adapters = CASE WHEN sessions.updated_at > now() - interval '1 day' THEN sessions.adapters END
    RETURNING @columns
    """,
)
GET: Final = with_columns(Session, "SELECT @columns FROM sessions WHERE id = $1 AND user_id = $2")
FIND: Final = with_columns(Session, "SELECT @columns FROM sessions WHERE user_id = $1 AND platform = $2 AND place = $3")
SET_MODE: Final = with_columns(
    Session,
    "UPDATE sessions SET mode = $3, updated_at = now() WHERE id = $1 AND user_id = $2 RETURNING @columns",
)
SET_CONSILIUM: Final = with_columns(
    Session,
    "UPDATE sessions SET consilium = $3, updated_at = now() WHERE id = $1 AND user_id = $2 RETURNING @columns",
)
START_WINDOW: Final = with_columns(
    Session,
    """
    UPDATE sessions SET window_start = last_seq + 1, adapters = NULL, updated_at = now()
    WHERE id = $1 AND user_id = $2
    RETURNING @columns
    """,
)
SET_ADAPTERS: Final = """
    UPDATE sessions SET adapters = $3 WHERE id = $1 AND user_id = $2 AND adapters IS NOT DISTINCT FROM $4
"""


async def get_or_create(
    connection: PersonConnection, *, platform: str, place: str, mode: str = "auto", chat: str | None = None
) -> Session:
    """The person's session in a place; made, in `mode`, when it is the first time. Safe to call at once.

    Args:
        chat: the chat with others that the place is in.
    """
    row = await connection.fetchrow(GET_OR_CREATE, connection.user_id, platform, place, mode, chat)
    assert row is not None
    return from_row(Session, row)


async def get(connection: PersonConnection, session_id: UUID) -> Session:
    """One of the person's sessions.

    Raises:
        RecordNotFound: the person has no such session.
    """
    return _require(await connection.fetchrow(GET, session_id, connection.user_id))


async def find(connection: PersonConnection, *, platform: str, place: str) -> Session | None:
    """The person's session in a place; None if there is none yet."""
    row = await connection.fetchrow(FIND, connection.user_id, platform, place)
    return None if row is None else from_row(Session, row)


async def set_mode(connection: PersonConnection, session_id: UUID, mode: str) -> Session:
    """Set the mode of the turns to come.

    Raises:
        RecordNotFound: the person has no such session.
    """
    return _require(await connection.fetchrow(SET_MODE, session_id, connection.user_id, mode))


async def set_consilium(connection: PersonConnection, session_id: UUID, consilium: bool) -> Session:
    """Set whether the turns to come are answered by two voices.

    Raises:
        RecordNotFound: the person has no such session.
    """
    return _require(await connection.fetchrow(SET_CONSILIUM, session_id, connection.user_id, consilium))


async def set_adapters(
    connection: PersonConnection, session_id: UUID, adapters: str, *, instead_of: str | None
) -> None:
    """Remember which set of adapters answers in a session, unless that has changed meanwhile.

    Args:
        adapters: digest of the set.
        instead_of: what was remembered.
    """
    await connection.execute(SET_ADAPTERS, session_id, connection.user_id, adapters, instead_of)


async def start_window(connection: PersonConnection, session_id: UUID) -> Session:
    """Begin a fresh window: the turns so far stay, but no longer count as what was just said.

    The next answer is given by the adapters that are in use then.

    Raises:
        RecordNotFound: the person has no such session.
    """
    return _require(await connection.fetchrow(START_WINDOW, session_id, connection.user_id))


def _require(row: Mapping[str, Any] | None) -> Session:
    if row is None:
        raise RecordNotFound(record="session")
    return from_row(Session, row)
