"""Episodes: what the person and the mind said in a turn, kept in one statement together with the turn's mark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import asyncpg

from db.errors import RecordNotFound
from db.infra.text import detect_language
from db.memory.memories import embedding_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from db.infra.connection import PersonConnection
    from db.memory.memories import Embedding, Origin


@dataclass(frozen=True, slots=True)
class Episode:
    """What was said in a turn, by the person or by the mind."""

    content: str
    origin: Origin
    embedding: Embedding | None = None


MARK_REMEMBERED: Final = "UPDATE turns SET remembered = true WHERE user_id = $1 AND id = $2"
_COLUMNS: Final = {
    "content": "text",
    "language": "text",
    "session_id": "uuid",
    "voice": "text",
    "speaker": "text",
    "scope": "text",
    "chat": "text",
    "embedder": "text",
    "embedding": "halfvec",
}
"""What is given of each episode, and as what."""
_SHARED_ARGUMENTS: Final = 3
"""The person, the turn and the time."""


@cache
def build_statement(episode_count: int) -> str:
    """The statement that keeps so many episodes of a turn, one at least, and marks the turn as remembered."""
    rows = [
        [f"${_SHARED_ARGUMENTS + len(_COLUMNS) * n + place}::{kind}" for place, kind in enumerate(_COLUMNS.values(), 1)]
        for n in range(episode_count)
    ]
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    columns = ", ".join(_COLUMNS)
    return f"""
        WITH marked AS ({MARK_REMEMBERED})
        INSERT INTO memories (user_id, kind, source_turn_id, valid_from, {columns})
        SELECT $1, 'episode', $2, $3::timestamptz, {columns} FROM (VALUES {values}) AS said ({columns})
        ON CONFLICT (source_turn_id, voice) WHERE kind = 'episode' DO NOTHING
    """  # noqa: S608  # built of constants


async def remember_turn(
    connection: PersonConnection, turn_id: UUID, episodes: Sequence[Episode], *, said_at: datetime
) -> int:
    """Keep what was said in a turn, and mark the turn as remembered.

    Args:
        episodes: of this turn, each in another voice; perhaps none.
        said_at: when it was said.

    Returns:
        How many of the episodes are new.

    Raises:
        RecordNotFound: the session or the turn, or the person, is no longer there.
    """
    if not episodes:
        await connection.execute(MARK_REMEMBERED, connection.user_id, turn_id)
        return 0
    values = [value for episode in episodes for value in _values(episode)]
    try:
        return await connection.execute(build_statement(len(episodes)), connection.user_id, turn_id, said_at, *values)
    except asyncpg.ForeignKeyViolationError as error:
        raise RecordNotFound(record="session") from error


def _values(episode: Episode) -> tuple[object, ...]:
    origin = episode.origin
    return (
        episode.content,
        detect_language(episode.content),
        origin.session_id,
        origin.voice,
        origin.speaker,
        origin.scope,
        origin.chat,
        *embedding_columns(episode.embedding),
    )
