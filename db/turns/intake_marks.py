"""How far the messages of a platform that delivers nothing twice have been taken in, without a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from db.infra.connection import Connection

# Another number of parts divides the messages differently: the part that was behind most is where all of them begin.
READ: Final = """
    SELECT coalesce(max(mark) FILTER (WHERE part = $2), min(mark)) FROM intake_marks WHERE platform = $1
"""
# Several processes may receive the same messages: what one of them has taken in is taken in.
ADVANCE: Final = """
    INSERT INTO intake_marks (platform, part, mark) VALUES ($1, $2, $3)
    ON CONFLICT (platform, part) DO UPDATE SET mark = excluded.mark, updated_at = now()
        WHERE intake_marks.mark < excluded.mark
"""
DIRECT_PLACES: Final = "SELECT place FROM direct_places($1, $2, $3)"


async def read(connection: Connection, platform: str, part: str) -> int | None:
    """The id up to which everything of a part is taken in; None before anything was."""
    mark: int | None = await connection.fetchval(READ, platform, part)
    return mark


async def advance(connection: Connection, platform: str, part: str, mark: int) -> None:
    """Everything of a part up to this id is taken in. A mark never goes back."""
    await connection.execute(ADVANCE, platform, part, mark)


async def direct_places(connection: Connection, platform: str, mind: str, limit: int) -> list[str]:
    """The places where people write to a mind alone, the last used first, by the platform's own names."""
    return [row["place"] for row in await connection.fetch(DIRECT_PLACES, platform, mind, limit)]
