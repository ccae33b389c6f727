"""One person, several names: a short-lived code brings two accounts together, and both have to agree."""

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


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """Two accounts that are to be linked: the one that asked for the code, and the one that has entered it."""

    user_id: UUID
    """Who asked for the code, and remains."""
    digest: bytes
    account: str
    """What the account was called that the code was asked for from."""
    joiner_id: UUID
    joiner_account: str
    joiner_agreed: bool


CREATE_CODE: Final = """
    INSERT INTO link_codes (user_id, digest, expires_at, account)
    VALUES ($1, $2, clock_timestamp() + $3::interval, $4)
    ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at,
        account = excluded.account, joiner_id = NULL, joiner_account = NULL, joiner_agreed = false
"""
REQUEST: Final = "SELECT request_link($1, $2)"
PENDING: Final = with_columns(
    LinkRequest,
    """
    SELECT @columns FROM link_codes
    WHERE joiner_id IS NOT NULL AND (user_id = $1 OR joiner_id = $1) AND expires_at > clock_timestamp()
    ORDER BY joiner_id = $1
    """,
)
AGREE: Final = "SELECT agree_link()"
COMPLETE: Final = "SELECT complete_link()"
DECLINE: Final = "DELETE FROM link_codes WHERE user_id = $1 OR joiner_id = $1"
IDENTITIES: Final = with_columns(
    Identity, "SELECT @columns FROM identities WHERE user_id = $1 ORDER BY created_at, platform"
)
UNLINK: Final = """
    DELETE FROM identities
    WHERE user_id = $1 AND platform = $2 AND external_id = $3 AND (SELECT count(*) FROM identities) > 1
"""


async def create_code(connection: PersonConnection, digest: bytes, lifetime: timedelta, account: str = "") -> None:
    """Let the one who knows the code of this digest ask to be linked to the person; an earlier code expires.

    Args:
        account: what the other is told that this account is called.
    """
    await connection.execute(CREATE_CODE, connection.user_id, digest, lifetime, account)


async def request(connection: PersonConnection, digest: bytes, account: str) -> UUID | None:
    """Ask to be linked to the one who created the code; their id, or None when there is no such code any more.

    Nothing is linked before both have agreed. A code is entered by one other person only.

    Args:
        account: what the other is told that this account is called.
    """
    asker: UUID | None = await connection.fetchval(REQUEST, digest, account)
    return asker


async def pending(connection: PersonConnection) -> LinkRequest | None:
    """The request that the person has a part in, if there is one; first the one that they are asked for."""
    row = await connection.fetchrow(PENDING, connection.user_id)
    return None if row is None else from_row(LinkRequest, row)


async def agree(connection: PersonConnection) -> bool:
    """Agree to a request as the one who has entered the code; False when there is none any more."""
    return bool(await connection.fetchval(AGREE))


async def complete(connection: PersonConnection) -> UUID | None:
    """Agree to a request as the one who created the code; the id that is gone, or None when the other has not agreed.

    Everything of the other belongs to this person then, and the other is deleted. Sessions of both in the same place
    become one.

    Raises:
        LinkingConflict: both accounts are being linked to each other; nothing was done.
    """
    try:
        async with connection.savepoint():
            gone: UUID | None = await connection.fetchval(COMPLETE)
    except TransactionConflict as error:
        if isinstance(error.__cause__, asyncpg.DeadlockDetectedError):
            raise LinkingConflict from error
        raise
    return gone


async def decline(connection: PersonConnection) -> bool:
    """End the requests and codes that the person has a part in; False when there were none."""
    return await connection.execute(DECLINE, connection.user_id) > 0


async def list_identities(connection: PersonConnection) -> list[Identity]:
    """The names that the person is known by, oldest first."""
    return [from_row(Identity, row) for row in await connection.fetch(IDENTITIES, connection.user_id)]


async def unlink(connection: PersonConnection, platform: str, external_id: str) -> bool:
    """Unlink an account: the next message from it starts a new person. False when it is the only one."""
    return await connection.execute(UNLINK, connection.user_id, platform, external_id) == 1
