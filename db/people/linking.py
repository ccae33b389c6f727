"""One person, several names: a short-lived code of one becomes the way of another into the same person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

from db.errors import LinkingConflict, TransactionConflict
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
    """Let the one who knows the code of this digest link to the person; an earlier code expires."""
    await connection.execute(CREATE_CODE, connection.user_id, digest, lifetime)


async def redeem_code(connection: PersonConnection, digest: bytes) -> UUID | None:
    """Merge the person into the one who created the code; the id that remains, or None when there is no such code.

    Everything of the person belongs to the other then, and the person is deleted: the rest of the transaction has to
    run as the other. Sessions of both in the same place become one. With their own code the person remains.

    Raises:
        LinkingConflict: both accounts are being linked to each other; nothing was done.
    """
    try:
        async with connection.savepoint():
            kept: UUID | None = await connection.fetchval(REDEEM_CODE, digest)
    except TransactionConflict as error:
        if isinstance(error.__cause__, asyncpg.DeadlockDetectedError):
            raise LinkingConflict from error
        raise
    return kept


async def list_identities(connection: PersonConnection) -> list[Identity]:
    """The names that the person is known by, oldest first."""
    return [from_row(Identity, row) for row in await connection.fetch(IDENTITIES, connection.user_id)]


async def unlink(connection: PersonConnection, platform: str, external_id: str) -> bool:
    """Unlink an account: the next message from it starts a new person. False when it is the only one."""
    return await connection.execute(UNLINK, connection.user_id, platform, external_id) == 1
