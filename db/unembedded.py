"""Memories of anybody that lack a model's vector, and their vectors when they have been made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from db.memory import half
from db.rows import read, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.connection import Connection, PersonConnection
    from db.memory import Embedding


@dataclass(frozen=True, slots=True)
class Lacking:
    """That a memory lacks a vector, and whose it is; nothing of what it says."""

    id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Text:
    """What a vector is made of."""

    id: UUID
    content: str


LACKING: Final = sql(Lacking, "SELECT @columns FROM unembedded($1, $2)")
TEXTS: Final = sql(
    Text, "SELECT @columns FROM memories WHERE user_id = $1 AND id = ANY ($2) AND embedder IS DISTINCT FROM $3"
)
# Of a memory that has been corrected meanwhile the vector would tell of other words.
EMBED: Final = """
    UPDATE memories SET embedder = $4, embedding = $5::halfvec
    WHERE user_id = $1 AND id = $2 AND content = $3
"""


async def lacking(connection: Connection, embedder: str, limit: int) -> list[Lacking]:
    """Some memories, of whomever, that have no vector by this model."""
    return [read(Lacking, row) for row in await connection.fetch(LACKING, embedder, limit)]


async def texts(connection: PersonConnection, ids: Sequence[UUID], embedder: str) -> list[Text]:
    """What those of the person's memories say that have no vector by this model yet."""
    return [read(Text, row) for row in await connection.fetch(TEXTS, connection.user_id, list(ids), embedder)]


async def embed(connection: PersonConnection, text: Text, embedding: Embedding) -> bool:
    """Give a memory its vector; False when it says something else by now, or is gone."""
    changed = await connection.execute(
        EMBED, connection.user_id, text.id, text.content, embedding.embedder, half(embedding.vector)
    )
    return changed > 0
