"""What a person has told: facts, episodes, summaries, recalled by meaning and by words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from db.rows import read, sql
from db.text import Language, language_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from numpy.typing import ArrayLike

    from db.connection import PersonConnection

MemoryKind = Literal["fact", "episode", "summary"]


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing remembered of a person."""

    id: UUID
    user_id: UUID
    session_id: UUID | None
    """Where it was said; None when not said in a session, or when the session is gone."""
    source_turn_id: UUID | None
    """The turn it was drawn from."""
    kind: MemoryKind
    content: str
    language: Language
    embedder: str | None
    """Name and version of the model that made its vector; None when it has none and is recalled by words alone."""
    created_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    """When it ceases to hold; None when no end is known."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector and the model it came from; vectors of different models are never compared."""

    embedder: str
    """Name and version; every vector under one name has the same number of dimensions."""
    vector: ArrayLike
    """One dimension; kept in half precision."""


REMEMBER: Final = sql(
    Memory,
    """
    INSERT INTO memories (
        user_id, kind, content, language, session_id, source_turn_id, embedder, embedding, valid_from, valid_until
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::halfvec, coalesce($9, now()), $10)
    RETURNING @columns
    """,
)
ALL_VALID: Final = sql(
    Memory,
    """
    SELECT @columns FROM memories
    WHERE user_id = $1 AND valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
    ORDER BY created_at, id
    """,
)
FORGET: Final = "DELETE FROM memories WHERE user_id = $1 AND id = $2"
FORGET_ALL: Final = "DELETE FROM memories WHERE user_id = $1"
RECALL_BY_VECTOR: Final = sql(
    Memory,
    """
    SELECT @columns, 1 - (embedding <=> $3::halfvec) AS score FROM memories
    WHERE user_id = $1 AND embedder = $2 AND valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
    ORDER BY embedding <=> $3::halfvec, created_at DESC, id
    LIMIT $4
    """,
)
# Any of the words will do: asked for all of them, a question hardly ever finds what it is about.
RECALL_BY_WORDS: Final = sql(
    Memory,
    r"""
    WITH asked AS (
        SELECT string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery AS any_word
        FROM unnest(to_tsvector(($2::text)::regconfig, folded(left($3, 4000))))
    )
    SELECT @columns, ts_rank(words, any_word, 1) AS score FROM memories, asked
    WHERE user_id = $1 AND words @@ any_word
        AND valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
    ORDER BY score DESC, created_at DESC, id
    LIMIT $4
    """,
)


async def remember(
    connection: PersonConnection,
    kind: MemoryKind,
    content: str,
    *,
    embedding: Embedding | None = None,
    session_id: UUID | None = None,
    source_turn_id: UUID | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> Memory:
    """Keep something the person has told; it holds from now on unless told otherwise.

    The words it will be found by are stemmed in the language its script suggests (`db.text.language_of`).
    """
    row = await connection.fetchrow(
        REMEMBER,
        connection.user_id,
        kind,
        content,
        language_of(content),
        session_id,
        source_turn_id,
        embedding.embedder if embedding else None,
        _half(embedding.vector) if embedding else None,
        valid_from,
        valid_until,
    )
    assert row is not None
    return read(Memory, row)


async def all_valid(connection: PersonConnection) -> list[Memory]:
    """All that holds now of what the person has told, oldest first."""
    return [read(Memory, row) for row in await connection.fetch(ALL_VALID, connection.user_id)]


async def forget(connection: PersonConnection, memory_id: UUID) -> bool:
    """Delete one memory for good; False when the person has no such memory."""
    return await connection.execute(FORGET, connection.user_id, memory_id) > 0


async def forget_all(connection: PersonConnection) -> int:
    """Delete all memories of the person for good; how many there were."""
    return await connection.execute(FORGET_ALL, connection.user_id)


async def recall_by_vector(
    connection: PersonConnection, embedding: Embedding, limit: int
) -> list[tuple[Memory, float]]:
    """The person's memories nearest in meaning, best first, with their cosine similarity (-1 to 1).

    Exact: every valid memory with a vector of the same embedder is compared.
    """
    rows = await connection.fetch(
        RECALL_BY_VECTOR, connection.user_id, embedding.embedder, _half(embedding.vector), limit
    )
    return [(read(Memory, row), row["score"]) for row in rows]


async def recall_by_words(connection: PersonConnection, query: str, limit: int) -> list[tuple[Memory, float]]:
    """The person's memories that share any word with the query, best first, with `ts_rank` tempered by length.

    Words are compared by their stems, е and ё alike; of a query over 4,000 characters the head is taken. The scores
    order one answer and mean nothing across queries.
    """
    rows = await connection.fetch(RECALL_BY_WORDS, connection.user_id, language_of(query), query, limit)
    return [(read(Memory, row), row["score"]) for row in rows]


def _half(vector: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    return np.asarray(vector, dtype=np.float16)
