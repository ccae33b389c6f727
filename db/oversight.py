"""What an operator may know of everybody's turns: how many there are, in which state, whose; never what was said.

It all works in `Database.nobody`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.rows import read, sql

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from db.connection import Connection


@dataclass(frozen=True, slots=True)
class TurnLine:
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
class Stranded:
    """A turn that nobody will take up by himself."""

    id: UUID
    user_id: UUID
    kind: str
    shown_elsewhere: bool
    """Whether another process can show its answer; if not, the one that was to show it is gone."""


LIST: Final = sql(TurnLine, "SELECT @columns FROM oversee_turns($1, $2)")
STATES: Final = sql(StateCount, "SELECT @columns FROM turn_states($1)")
UNREMEMBERED: Final = "SELECT id, user_id FROM unremembered_turns($1, $2, $3)"
STRANDED: Final = sql(Stranded, "SELECT @columns FROM stranded_turns($1, $2, $3)")


async def list_turns(connection: Connection, state: str | None, most: int) -> list[TurnLine]:
    """The latest turns, newest first, in a state or in any."""
    return [read(TurnLine, row) for row in await connection.fetch(LIST, state, most)]


async def owners(connection: Connection, beginning: str) -> list[tuple[UUID, UUID]]:
    """Turns whose id begins so, with their owners; two at most, which is one too many."""
    rows = await connection.fetch("SELECT id, user_id FROM owner_of_turn($1)", beginning)
    return [(row["id"], row["user_id"]) for row in rows]


async def open_turns(connection: Connection, most: int) -> int:
    """How many turns have not ended, counted up to `most`."""
    return int(await connection.fetchval("SELECT open_turns($1)", most))


async def states(connection: Connection, since: datetime) -> list[StateCount]:
    """Turns by state: all that are open, and the ended ones taken in since then."""
    return [read(StateCount, row) for row in await connection.fetch(STATES, since)]


async def stranded(connection: Connection, mind: str, quiet: timedelta, gone: timedelta) -> list[Stranded]:
    """Turns of a mind's sessions that nobody will take up by himself.

    Args:
        quiet: how long nothing must have happened to them.
        gone: how long a process must not have been seen to count as gone.
    """
    return [read(Stranded, row) for row in await connection.fetch(STRANDED, mind, quiet, gone)]


async def unremembered(connection: Connection, mind: str, quiet: timedelta, most: int) -> list[tuple[UUID, UUID]]:
    """Turns of a mind's sessions, with their owners, that ended so long ago and have not been remembered yet."""
    rows = await connection.fetch(UNREMEMBERED, mind, quiet, most)
    return [(row["id"], row["user_id"]) for row in rows]
