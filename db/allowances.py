"""What each person and each chat may ask for: so many messages at once, a minute and a day, over all processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from db.connection import Connection

UNLIMITED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much somebody may ask for."""

    at_once: int
    """Messages that may come one right after another."""
    per_minute: float
    """How quickly that fills up again."""
    per_day: int = UNLIMITED
    """Messages a day, by the calendar of UTC."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no more for now."""

    of: Literal["rate", "quota"]
    wait: float
    """Seconds until it is worth another try."""


# The row is locked by the update, and the clock is read then: however many come at once, they are counted one by one.
TAKE: Final = """
    INSERT INTO allowances AS a (key, day, used, tokens, refilled_at)
    VALUES ($1, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1, $2::double precision - 1, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET
        day = (clock_timestamp() AT TIME ZONE 'UTC')::date,
        used = CASE WHEN a.day = (clock_timestamp() AT TIME ZONE 'UTC')::date THEN a.used ELSE 0 END + 1,
        tokens = least(
            $2, a.tokens + $3 * greatest(0, extract(epoch FROM clock_timestamp() - a.refilled_at)::double precision)
        ) - 1,
        refilled_at = greatest(a.refilled_at, clock_timestamp())
    WHERE (a.day <> (clock_timestamp() AT TIME ZONE 'UTC')::date OR a.used < $4)
        AND least(
            $2, a.tokens + $3 * greatest(0, extract(epoch FROM clock_timestamp() - a.refilled_at)::double precision)
        ) >= 1
    RETURNING used
"""
WHY: Final = """
    SELECT
        day = (clock_timestamp() AT TIME ZONE 'UTC')::date AND used >= $2 AS spent,
        extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp())::double precision AS tomorrow,
        tokens + $3 * extract(epoch FROM clock_timestamp() - refilled_at)::double precision AS tokens
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
DROP: Final = "DELETE FROM allowances WHERE key = $1"


async def take(connection: Connection, key: str, allowance: Allowance) -> Refusal | None:
    """Count one message against an allowance; why not, when there is none left, and nothing is counted then."""
    rate = allowance.per_minute / 60
    used = await connection.fetchval(TAKE, key, float(allowance.at_once), rate, allowance.per_day)
    if used is not None:
        return None
    row = await connection.fetchrow(WHY, key, allowance.per_day, rate)
    if row is not None and row["spent"]:
        return Refusal("quota", float(row["tomorrow"]))
    missing = 1 - float(row["tokens"]) if row is not None else 0.0
    return Refusal("rate", max(missing, 0.0) / rate if rate > 0 else math.inf)


async def move(connection: Connection, key: str, to: str) -> None:
    """Count under another key what was counted under this one, on top of what has been counted there."""
    await connection.execute(MOVE, key, to)


async def drop(connection: Connection, key: str) -> None:
    """Forget what was counted under a key."""
    await connection.execute(DROP, key)
