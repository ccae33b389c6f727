"""Files that a command hands over: kept with its turn until they have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from db.connection import PersonConnection

SAVE_FILE: Final = "INSERT INTO said_files (turn_id, user_id, n, name, content) VALUES ($1, $2, $3, $4, $5)"
LOAD_FILES: Final = "SELECT name, content FROM said_files WHERE turn_id = $1 AND user_id = $2 ORDER BY n"
DELETE_FILES: Final = "DELETE FROM said_files WHERE turn_id = $1 AND user_id = $2"


async def save_files(connection: PersonConnection, turn_id: UUID, files: Iterable[tuple[str, bytes]]) -> None:
    """Keep files, each a name and its content, until they are handed over."""
    for n, (name, content) in enumerate(files):
        await connection.execute(SAVE_FILE, turn_id, connection.user_id, n, name, content)


async def load_files(connection: PersonConnection, turn_id: UUID) -> list[tuple[str, bytes]]:
    """What a turn has to hand over: names and contents."""
    return [(row["name"], row["content"]) for row in await connection.fetch(LOAD_FILES, turn_id, connection.user_id)]


async def delete_files(connection: PersonConnection, turn_id: UUID) -> None:
    """They have been handed over, or cannot be."""
    await connection.execute(DELETE_FILES, turn_id, connection.user_id)
