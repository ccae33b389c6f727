"""One person, several names: a short-lived code of one becomes the way of another into the same person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

from db.errors import LinkingConflict
from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from db.infra.connection import PersonConnection


@dataclass(frozen=True, slots=True)
class Identity:
    """A name that a platform knows a person by."""

    platform: str
    external_id: str
    created_at: datetime


CREATE_CODE: Final = """
    INSERT INTO link_codes (user_id, digest, expires_at) VALUES ($1, $2, clock_timestamp() + $3::interval)
    ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at
"""
REDEEM_CODE: Final = "SELECT join_person($1)"
IDENTITIES: Final = with_columns(
    Identity, "SELECT @columns FROM identities WHERE user_id = $1 ORDER BY created_at, platform"
)
UNLINK: Final = """
    DELETE FROM identities
    WHERE user_id = $1 AND platform = $2 AND external_id = $3 AND (SELECT count(*) FROM identities) > 1
"""


async def create_code(connection: PersonConnection, digest: bytes, lifetime: timedelta) -> None:
    """Let whoever knows the code of this digest join the person; an earlier code ends."""
    await connection.execute(CREATE_CODE, connection.user_id, digest, lifetime)


async def redeem_code(connection: PersonConnection, digest: bytes) -> UUID | None:
    """Make the person one with who offered the code; the one who is left, or None when there is no such code.

    All that the person has is the other's then, and he himself is gone: the rest of the transaction has to be the
    other's. Sessions that both have in the same place become one. The one who is left is the person himself when the
    code is his own.

    Raises:
        LinkingConflict: both are just being joined to each other; nothing has been done.
    """
    try:
        async with connection.savepoint():
            kept: UUID | None = await connection.fetchval(REDEEM_CODE, digest)
    except asyncpg.DeadlockDetectedError as error:
        raise LinkingConflict from error
    return kept


async def list_identities(connection: PersonConnection) -> list[Identity]:
    """The names that the person is known by, oldest first."""
    return [from_row(Identity, row) for row in await connection.fetch(IDENTITIES, connection.user_id)]


async def unlink(connection: PersonConnection, platform: str, external_id: str) -> bool:
    """Take a name from the person: who writes under it next begins anew. False when it is his only one."""
    return await connection.execute(UNLINK, connection.user_id, platform, external_id) == 1
