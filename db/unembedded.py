"""Memories of anybody that lack a model's vector, and their vectors when they have been made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from db.memory import to_half_precision
from db.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.connection import Connection, PersonConnection
    from db.memory import Embedding


@dataclass(frozen=True, slots=True)
class UnembeddedMemory:
    """That a memory lacks a vector, and whose it is; nothing of what it says."""

    id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class MemoryText:
    """What a vector is made of."""

    id: UUID
    content: str


LIST_UNEMBEDDED: Final = with_columns(UnembeddedMemory, "SELECT @columns FROM unembedded($1, $2)")
LOAD_TEXTS: Final = with_columns(
    MemoryText, "SELECT @columns FROM memories WHERE user_id = $1 AND id = ANY ($2) AND embedder IS DISTINCT FROM $3"
)
# Of a memory that has been corrected meanwhile the vector would tell of other words.
SAVE_EMBEDDING: Final = """
    UPDATE memories SET embedder = $4, embedding = $5::halfvec
    WHERE user_id = $1 AND id = $2 AND content = $3
"""


async def list_unembedded(connection: Connection, embedder: str, limit: int) -> list[UnembeddedMemory]:
    """Some memories, of whomever, that have no vector by this model."""
    return [from_row(UnembeddedMemory, row) for row in await connection.fetch(LIST_UNEMBEDDED, embedder, limit)]


async def load_texts(connection: PersonConnection, ids: Sequence[UUID], embedder: str) -> list[MemoryText]:
    """What those of the person's memories say that have no vector by this model yet."""
    return [
        from_row(MemoryText, row) for row in await connection.fetch(LOAD_TEXTS, connection.user_id, list(ids), embedder)
    ]


async def save_embedding(connection: PersonConnection, text: MemoryText, embedding: Embedding) -> bool:
    """Give a memory its vector; False when it says something else by now, or is gone."""
    changed = await connection.execute(
        SAVE_EMBEDDING,
        connection.user_id,
        text.id,
        text.content,
        embedding.embedder,
        to_half_precision(embedding.vector),
    )
    return changed > 0
