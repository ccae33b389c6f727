"""What is used most, counted over everybody's turns without showing anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.rows import from_row, with_columns

if TYPE_CHECKING:
    from datetime import datetime

    from db.connection import Connection


@dataclass(frozen=True, slots=True)
class ModeUsage:
    """How often a mode has answered."""

    mode: str
    """In canonical form, never ``auto``."""
    turns: int


MOST_USED_MODES: Final = with_columns(ModeUsage, "SELECT @columns FROM hot_modes($1, $2)")


async def most_used_modes(connection: Connection, since: datetime, limit: int) -> list[ModeUsage]:
    """The modes in which turns have been answered since then, the most used first, `most` of them at most.

    It counts every mind's turns, and works in `Database.nobody`, where no rows are visible. The count is all that
    comes out of anybody's turns.
    """
    return [from_row(ModeUsage, row) for row in await connection.fetch(MOST_USED_MODES, since, limit)]
