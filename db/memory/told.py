"""What a person has said and the memory has not taken in yet: messages of turns that are to be remembered.

A turn is remembered after its answer has been shown, and later if its process is busy or gone. Until then its row says
what the person said, so that the next question can be answered from it in whatever session it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from db.infra.rows import from_row, with_columns
from db.infra.text import detect_language
from db.memory.memories import Memory

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from db.infra.connection import PersonConnection

MAX_TOLD: Final = 200
"""Messages that are looked at, the newest: there are few at any time."""
MAX_CHARACTERS: Final = 4000
"""Characters of a message that are read, as many as an episode has."""


@dataclass(frozen=True, slots=True)
class ToldMessage:
    """A message of the person that is not remembered yet."""

    id: UUID
    """Of its turn."""
    session_id: UUID
    question: str
    created_at: datetime

    def as_memory(self, user_id: UUID) -> Memory:
        """The episode that it will be, under the id of its turn."""
        return Memory(
            id=self.id,
            user_id=user_id,
            session_id=self.session_id,
            source_turn_id=self.id,
            kind="episode",
            content=self.question,
            language=detect_language(self.question),
            voice="person",
            speaker=None,
            scope="private",
            chat=None,
            embedder=None,
            created_at=self.created_at,
            valid_from=self.created_at,
            valid_until=None,
            document_id=None,
            title=None,
            place=None,
        )


# What has been forgotten has no text any more or counts as remembered, and so does what is not to be remembered.
LIST_TOLD: Final = with_columns(
    ToldMessage,
    f"""
    SELECT @columns FROM (
        SELECT id, session_id, btrim(left(question, {MAX_CHARACTERS}), E' \\n\\t\\r') AS question, created_at
        FROM turns
        WHERE user_id = $1 AND kind = 'question' AND question <> '' AND NOT remembered AND id <> ALL ($2)
        ORDER BY created_at DESC
        LIMIT {MAX_TOLD}
    ) AS told
    WHERE question <> ''
    """,  # noqa: S608  # built of constants
)


async def list_told(connection: PersonConnection, excluded_turns: Collection[UUID] = ()) -> list[ToldMessage]:
    """The person's messages that are not remembered yet and may be seen here, newest first.

    In a group chat, row-level security shows those of that chat alone.
    """
    rows = await connection.fetch(LIST_TOLD, connection.user_id, list(excluded_turns))
    return [from_row(ToldMessage, row) for row in rows]
