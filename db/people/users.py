"""People, and the names platforms know them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import RecordNotFound
from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.infra.connection import Connection, PersonConnection


@dataclass(frozen=True, slots=True)
class User:
    """One person, on whatever platforms they write."""

    id: UUID
    locale: str | None
    """The language they chose, or first wrote in; None when unknown."""
    created_at: datetime


IDENTIFY: Final = with_columns(User, "SELECT @columns FROM identify($1, $2, $3)")
GET: Final = with_columns(User, "SELECT @columns FROM users WHERE id = $1")
SET_LOCALE: Final = with_columns(User, "UPDATE users SET locale = $2 WHERE id = $1 RETURNING @columns")


async def identify(connection: Connection, *, platform: str, external_id: str, locale: str | None = None) -> User:
    """The person a platform knows by this id; made, with `locale`, when it is the first time.

    However many ask at once, one person is made. It works in `Database.nobody`, where no rows are visible.
    """
    row = await connection.fetchrow(IDENTIFY, platform, external_id, locale)
    assert row is not None
    return from_row(User, row)


async def find(connection: Connection, *, platform: str, external_id: str) -> UUID | None:
    """The id of the person a platform knows by this id; None when there is none. It makes nobody.

    It works in an anonymous transaction, where no rows are visible.
    """
    found: UUID | None = await connection.fetchval("SELECT find_person($1, $2)", platform, external_id)
    return found


async def get(connection: PersonConnection) -> User | None:
    """The person this transaction is for; None when there is no such person."""
    row = await connection.fetchrow(GET, connection.user_id)
    return None if row is None else from_row(User, row)


async def set_locale(connection: PersonConnection, locale: str | None) -> User:
    """Set the person's language.

    Raises:
        RecordNotFound: the person is not there.
    """
    row = await connection.fetchrow(SET_LOCALE, connection.user_id, locale)
    if row is None:
        raise RecordNotFound(record="person")
    return from_row(User, row)
