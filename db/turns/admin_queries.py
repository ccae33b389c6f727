"""Counts and lists over all turns: states, owners, the most used modes; never their text.

All of it works in an anonymous transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from db.infra.connection import Connection


@dataclass(frozen=True, slots=True)
class TurnSummary:
    """One turn from outside."""

    id: UUID
    user_id: UUID
    session_id: UUID
    platform: str
    place: str
    seq: int
    kind: str
    state: str
    mode: str | None
    attempts: int
    setbacks: int
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many turns are in a state."""

    state: str
    turns: int
    oldest: float
    """Age of the oldest in seconds."""


@dataclass(frozen=True, slots=True)
class StrandedTurn:
    """A turn that no worker will claim by itself."""

    id: UUID
    user_id: UUID
    kind: str
    shown_elsewhere: bool
    """Whether another process can show its answer; if not, the one that was to show it is gone."""


LIST_TURNS: Final = with_columns(TurnSummary, "SELECT @columns FROM oversee_turns($1, $2)")
COUNT_OPEN: Final = with_columns(StateCount, "SELECT @columns FROM turn_states(now())")
LIST_UNREMEMBERED: Final = "SELECT id, user_id FROM turns_to_remember($1, $2, $3)"
LIST_STRANDED: Final = with_columns(StrandedTurn, "SELECT @columns FROM stranded_turns($1, $2, $3)")


async def list_turns(connection: Connection, state: str | None, limit: int) -> list[TurnSummary]:
    """The latest turns, newest first, in a state or in any."""
    return [from_row(TurnSummary, row) for row in await connection.fetch(LIST_TURNS, state, limit)]


async def find_by_id_prefix(connection: Connection, id_prefix: str) -> list[tuple[UUID, UUID]]:
    """Turns whose id begins so, with their owners; two at most, which is one too many."""
    rows = await connection.fetch("SELECT id, user_id FROM owner_of_turn($1)", id_prefix)
    return [(row["id"], row["user_id"]) for row in rows]


async def count_open_turns(connection: Connection, share: str, limit: int) -> tuple[int, int]:
    """How many turns have not ended, counted up to `limit`, and how many of these are of a share."""
    row = await connection.fetchrow("SELECT of_all, of_share FROM open_turns_of($1, $2)", share, limit)
    assert row is not None
    return row["of_all"], row["of_share"]


async def lock_share(connection: Connection, share: str) -> None:
    """Let the messages of a share be accepted one by one until this transaction ends, so that their count is exact."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('share:' || $1, 0))", share)


async def count_open(connection: Connection) -> list[StateCount]:
    """The turns that have not ended, by state."""
    return [from_row(StateCount, row) for row in await connection.fetch(COUNT_OPEN)]


async def list_stranded(
    connection: Connection, mind: str, idle_for: timedelta, stale_after: timedelta
) -> list[StrandedTurn]:
    """Turns of a mind's sessions that no worker will claim by itself.

    Args:
        idle_for: how long nothing must have happened to them.
        stale_after: how long a process must not have been seen to count as gone.
    """
    return [from_row(StrandedTurn, row) for row in await connection.fetch(LIST_STRANDED, mind, idle_for, stale_after)]


async def list_unremembered(
    connection: Connection, mind: str, idle_for: timedelta, limit: int
) -> list[tuple[UUID, UUID]]:
    """Turns of a mind's sessions, with their owners, that ended so long ago and have not been remembered yet."""
    rows = await connection.fetch(LIST_UNREMEMBERED, mind, idle_for, limit)
    return [(row["id"], row["user_id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class ModeUsage:
    """How often a mode has answered."""

    mode: str
    """In canonical form, never ``auto``."""
    turns: int


MOST_USED_MODES: Final = with_columns(ModeUsage, "SELECT @columns FROM hot_modes($1, $2)")


async def most_used_modes(connection: Connection, since: datetime, limit: int) -> list[ModeUsage]:
    """The modes in which turns have been answered since then, the most used first, `most` of them at most.

    It counts every mind's turns, in an anonymous transaction, where no rows are visible. The count is all that
    comes out of anybody's turns.
    """
    return [from_row(ModeUsage, row) for row in await connection.fetch(MOST_USED_MODES, since, limit)]
