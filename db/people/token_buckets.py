"""What each person and each chat may ask for: so many messages at once, a minute and a day, over all processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from db.infra.connection import Connection

UNLIMITED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """How much somebody may ask for."""

    burst: int
    """Messages that may come one right after another."""
    per_minute: float
    """How quickly that fills up again."""
    per_day: int = UNLIMITED
    """Messages a day, by the calendar of UTC."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no more for now."""

    reason: Literal["rate", "quota"]
    retry_after: float
    """Seconds until it is worth another try."""


_REFILLED: Final = """
    least($2, CASE
        WHEN a.refilled_at > clock_timestamp() + interval '5 seconds' THEN $2
        ELSE a.tokens + $3 * greatest(0, extract(epoch FROM clock_timestamp() - a.refilled_at)::double precision)
    END)
"""
"""What is in a bucket now. A time of refill in the future was written before the database's clock was set back: how
long ago it was nobody knows, and the bucket counts as full."""
# The row is locked by the update, and the clock is read then: however many come at once, they are counted one by one.
CONSUME: Final = f"""
    INSERT INTO allowances AS a (key, day, used, tokens, refilled_at)
    VALUES ($1, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1, $2::double precision - 1, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET
        day = (clock_timestamp() AT TIME ZONE 'UTC')::date,
        used = CASE WHEN a.day = (clock_timestamp() AT TIME ZONE 'UTC')::date THEN a.used ELSE 0 END + 1,
        tokens = {_REFILLED} - 1,
        refilled_at = clock_timestamp()
    WHERE (a.day <> (clock_timestamp() AT TIME ZONE 'UTC')::date OR a.used < $4) AND {_REFILLED} >= 1
    RETURNING used
"""  # noqa: S608  # built of constants
EXPLAIN_REFUSAL: Final = """
    SELECT
        day = (clock_timestamp() AT TIME ZONE 'UTC')::date AND used >= $2 AS spent,
        extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp())::double precision AS tomorrow,
        tokens + $3 * greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)::double precision) AS tokens
    FROM allowances WHERE key = $1
"""
MOVE: Final = """
    WITH gone AS (DELETE FROM allowances WHERE key = $1 RETURNING *)
    INSERT INTO allowances AS a (key, day, used, tokens, refilled_at)
    SELECT $2, day, used, tokens, refilled_at FROM gone
    ON CONFLICT (key) DO UPDATE SET
        day = greatest(a.day, excluded.day),
        used = CASE
            WHEN a.day = excluded.day THEN a.used + excluded.used
            WHEN a.day > excluded.day THEN a.used
            ELSE excluded.used
        END,
        tokens = least(a.tokens, excluded.tokens),
        refilled_at = greatest(a.refilled_at, excluded.refilled_at)
"""
DELETE: Final = "DELETE FROM allowances WHERE key = $1"


async def consume(connection: Connection, key: str, bucket: TokenBucket) -> Refusal | None:
    """Count one message against an allowance; why not, when there is none left, and nothing is counted then."""
    rate = bucket.per_minute / 60
    used = await connection.fetchval(CONSUME, key, float(bucket.burst), rate, bucket.per_day)
    if used is not None:
        return None
    row = await connection.fetchrow(EXPLAIN_REFUSAL, key, bucket.per_day, rate)
    if row is not None and row["spent"]:
        return Refusal("quota", float(row["tomorrow"]))
    missing = 1 - float(row["tokens"]) if row is not None else 0.0
    return Refusal("rate", max(missing, 0.0) / rate if rate > 0 else math.inf)


async def check(connection: Connection, key: str, bucket: TokenBucket) -> Refusal | None:
    """Whether an allowance has something left: why not, when it has nothing. Nothing is counted."""
    rate = bucket.per_minute / 60
    row = await connection.fetchrow(EXPLAIN_REFUSAL, key, bucket.per_day, rate)
    if row is None:
        return None
    if row["spent"]:
        return Refusal("quota", float(row["tomorrow"]))
    missing = 1 - float(row["tokens"])
    return Refusal("rate", missing / rate) if missing > 0 else None


async def move(connection: Connection, key: str, new_key: str) -> None:
    """Count under another key what was counted under this one, on top of what has been counted there."""
    await connection.execute(MOVE, key, new_key)


async def delete(connection: Connection, key: str) -> None:
    """Forget what was counted under a key."""
    await connection.execute(DELETE, key)
