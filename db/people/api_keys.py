"""The keys of programs that use the HTTP channel: what each may do, and how much. Of a key only its digest is stored.

Keys are made and revoked over the owner's connection; the service's own role can only read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import asyncpg

from db.errors import OwnerNeeded
from db.infra.rows import from_row, with_columns
from db.people import token_buckets
from db.people.token_buckets import UNLIMITED, Refusal, TokenBucket

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from db.infra.connection import Connection

Budget = Literal["requests", "tokens"]
"""What is counted of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyScope:
    """What a key may do."""

    rights: Sequence[str]
    """`read`, `write`."""
    models: Sequence[str] | None
    """Modes in canonical form; None: all."""
    people: Sequence[str] | None
    """Names of people, or beginnings of names with a `*`; None: everybody; empty: nobody."""
    people_from: Sequence[str]
    """By what people may be named."""
    requests_per_minute: int | None
    requests_per_day: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    at_once: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(KeyScope):
    """A key as it is stored."""

    id: UUID
    mind: str
    name: str
    """Whose people these are."""
    prefix: str
    """The beginning of the key."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To about a minute; None: never."""
    is_expired: bool
    """By the database's clock when it was read."""

    @property
    def is_valid(self) -> bool:
        return self.revoked_at is None and not self.is_expired


_EXPIRED: Final = "coalesce(expires_at <= now(), false) AS is_expired"


def _with_key_columns(statement: str) -> str:
    return with_columns(ApiKey, statement).replace("is_expired", _EXPIRED)


CREATE: Final = _with_key_columns(
    """
    INSERT INTO api_keys (
        mind, name, prefix, digest, rights, models, people, people_from, requests_per_minute, requests_per_day,
        tokens_per_minute, tokens_per_day, at_once, expires_at
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now() + $14)
    RETURNING @columns
    """
)
FIND: Final = _with_key_columns("SELECT @columns FROM api_keys WHERE digest = $1 AND mind = $2")
LIST: Final = _with_key_columns("SELECT @columns FROM api_keys WHERE mind = $1 ORDER BY created_at, id")
FIND_NAMED: Final = _with_key_columns(
    """
    SELECT @columns FROM api_keys
    WHERE mind = $1 AND (starts_with(id::text, $2) OR prefix = $2)
    ORDER BY created_at, id
    LIMIT 2
    """
)
REVOKE: Final = "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL"
MARK_USED: Final = """
    UPDATE api_keys SET last_used_at = now()
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""
EXISTS: Final = """
    SELECT EXISTS (
        SELECT FROM api_keys
        WHERE mind = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
    )
"""
CHARGE: Final = """
    INSERT INTO allowances AS a (key, day, used, tokens, refilled_at)
    SELECT $1, (clock_timestamp() AT TIME ZONE 'UTC')::date, $3::integer, k.size - $3::integer, clock_timestamp()
    FROM (
        SELECT coalesce(tokens_per_minute, $4::integer)::double precision AS size FROM api_keys WHERE id = $2
    ) AS k
    ON CONFLICT (key) DO UPDATE SET
        day = excluded.day,
        used = least(
            CASE WHEN a.day = excluded.day THEN a.used ELSE 0 END::bigint + excluded.used, $4::integer
        )::integer,
        tokens = least(
            excluded.tokens + $3::integer,
            a.tokens + (excluded.tokens + $3::integer) / 60
                * greatest(0, extract(epoch FROM clock_timestamp() - a.refilled_at)::double precision)
        ) - $3::integer,
        refilled_at = excluded.refilled_at
"""
USED_TODAY: Final = """
    SELECT coalesce(sum(used) FILTER (WHERE key = $1), 0)::bigint AS requests,
        coalesce(sum(used) FILTER (WHERE key = $2), 0)::bigint AS tokens
    FROM allowances WHERE key IN ($1, $2) AND day = (clock_timestamp() AT TIME ZONE 'UTC')::date
"""


async def create(
    connection: Connection,
    *,
    mind: str,
    name: str,
    prefix: str,
    digest: bytes,
    scope: KeyScope,
    lifetime: timedelta | None = None,
) -> ApiKey:
    """Store a new key; over the owner's connection.

    Args:
        digest: SHA-256 of the key.
        lifetime: after which it expires.

    Raises:
        OwnerNeeded: it is not the owner's.
    """
    try:
        row = await connection.fetchrow(
            CREATE,
            mind,
            name,
            prefix,
            digest,
            list(scope.rights),
            None if scope.models is None else list(scope.models),
            None if scope.people is None else list(scope.people),
            list(scope.people_from),
            scope.requests_per_minute,
            scope.requests_per_day,
            scope.tokens_per_minute,
            scope.tokens_per_day,
            scope.at_once,
            lifetime,
        )
    except asyncpg.InsufficientPrivilegeError:
        raise OwnerNeeded from None
    assert row is not None
    return from_row(ApiKey, row)


async def find(connection: Connection, mind: str, digest: bytes) -> ApiKey | None:
    """The key with this digest, also one that is expired or revoked; None when a mind has no such key."""
    row = await connection.fetchrow(FIND, digest, mind)
    return None if row is None else from_row(ApiKey, row)


async def list_all(connection: Connection, mind: str) -> list[ApiKey]:
    """All keys of a mind, oldest first."""
    return [from_row(ApiKey, row) for row in await connection.fetch(LIST, mind)]


async def find_named(connection: Connection, mind: str, name: str) -> list[ApiKey]:
    """The keys whose id begins so, or whose shown prefix this is; two at most, which is one too many."""
    return [from_row(ApiKey, row) for row in await connection.fetch(FIND_NAMED, mind, name)]


async def revoke(connection: Connection, key_id: UUID) -> bool:
    """Revoke a key, over the owner's connection; False when it is revoked already.

    Raises:
        OwnerNeeded: it is not the owner's.
    """
    try:
        return await connection.execute(REVOKE, key_id) == 1
    except asyncpg.InsufficientPrivilegeError:
        raise OwnerNeeded from None


async def mark_used(connection: Connection, key_id: UUID) -> None:
    """Record that a key is used, at most once a minute."""
    await connection.execute(MARK_USED, key_id)


async def has_valid_key(connection: Connection, mind: str) -> bool:
    """Whether a mind has a key that lets anybody in."""
    return bool(await connection.fetchval(EXISTS, mind))


async def count_request(
    connection: Connection, key_id: UUID, per_minute: int | None, per_day: int | None
) -> Refusal | None:
    """Count a request of a key; why not, when there is none left, and nothing is counted then."""
    bucket = _bucket(per_minute, per_day)
    return await token_buckets.consume(connection, budget_key(key_id, "requests"), bucket)


async def check_tokens(
    connection: Connection, key_id: UUID, per_minute: int | None, per_day: int | None
) -> Refusal | None:
    """Whether a key has tokens left: why not, when it has none. They are charged once an answer has ended."""
    return await token_buckets.check(connection, budget_key(key_id, "tokens"), _bucket(per_minute, per_day))


async def charge_tokens(connection: Connection, key_id: UUID, tokens: int) -> None:
    """Count the tokens of an answer. What goes beyond the budget is a debt that the next minutes pay."""
    await connection.execute(CHARGE, budget_key(key_id, "tokens"), key_id, tokens, UNLIMITED)


async def used_today(connection: Connection, key_id: UUID) -> tuple[int, int]:
    """Requests and tokens that were counted of a key today, by the calendar of UTC."""
    row = await connection.fetchrow(USED_TODAY, budget_key(key_id, "requests"), budget_key(key_id, "tokens"))
    assert row is not None
    return row["requests"], row["tokens"]


def budget_key(key_id: UUID, budget: Budget) -> str:
    """What a key's requests or tokens are counted under."""
    return f"api-{budget}:{key_id}"


def _bucket(per_minute: int | None, per_day: int | None) -> TokenBucket:
    size = per_minute or UNLIMITED
    return TokenBucket(size, size, per_day or UNLIMITED)
