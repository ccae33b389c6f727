"""How a turn's answer is delivered: the platform's messages that show it, and files waiting to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.errors import TurnLeaseLost

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from db.infra.connection import PersonConnection
    from db.turns.turns import Turn

MESSAGE_IDS: Final = "SELECT message_id FROM parts WHERE turn_id = $1 AND user_id = $2 ORDER BY n"
# The turn is locked while the part is written: who takes the turn up afterwards finds the part there.
RECORD_MESSAGE: Final = """
    INSERT INTO parts (turn_id, user_id, n, message_id)
    SELECT id, user_id, $4, $5 FROM turns WHERE id = $1 AND user_id = $2 AND attempts = $3 FOR SHARE
    ON CONFLICT (turn_id, n) DO UPDATE SET message_id = excluded.message_id
"""
TURN_OF_MESSAGE: Final = """
    SELECT p.turn_id FROM parts AS p JOIN turns AS t ON t.id = p.turn_id
    WHERE t.session_id = $1 AND p.user_id = $2 AND p.message_id = $3
    LIMIT 1
"""


async def message_ids(connection: PersonConnection, turn_id: UUID) -> list[str]:
    """The platform's ids of the messages of a turn's answer, in order."""
    return [row["message_id"] for row in await connection.fetch(MESSAGE_IDS, turn_id, connection.user_id)]


async def record_message(connection: PersonConnection, turn: Turn, part_number: int, message_id: str) -> None:
    """Write down the message that shows part `n`, counted from 0.

    Raises:
        TurnLeaseLost: another attempt holds the turn.
    """
    if (
        await connection.execute(RECORD_MESSAGE, turn.id, connection.user_id, turn.attempts, part_number, message_id)
        == 0
    ):
        raise TurnLeaseLost


async def turn_of_message(connection: PersonConnection, session_id: UUID, message_id: str) -> UUID | None:
    """The turn of a session that a message belongs to the answer of; None for any other message."""
    turn_id: UUID | None = await connection.fetchval(TURN_OF_MESSAGE, session_id, connection.user_id, message_id)
    return turn_id


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
