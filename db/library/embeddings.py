"""Vectors of the library's chunks, those of several embedders side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgvector import HalfVector

from db.infra.rows import from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from db.infra.connection import Connection

INDEX_THRESHOLD: Final = 50_000
"""Vectors over which an index is worth its errors; up to there, comparing them all takes some tens of milliseconds."""
INDEX_BUILD_TIMEOUT: Final = 3600.0
"""Seconds that making the index may take, and that a change of vectors may wait for it."""


@dataclass(frozen=True, slots=True)
class EmbedderRow:
    """The vectors of one embedder."""

    id: int
    name: str
    """Model and version."""
    dimensions: int
    indexed: bool


@dataclass(frozen=True, slots=True)
class PendingChunk:
    """A chunk that has no vector of an embedder yet."""

    id: int
    lead: str
    content: str


@dataclass(frozen=True, slots=True)
class StoredVector:
    """The vector of a chunk, with the text that it was computed from."""

    lead: str
    content: str
    embedding: HalfVector


FIND_EMBEDDER: Final = with_columns(EmbedderRow, "SELECT @columns FROM embedders WHERE name = $1 FOR KEY SHARE")
# Not ON CONFLICT alone: each try would use up one of the few numbers that the ids have.
INSERT_EMBEDDER: Final = "INSERT INTO embedders (name, dimensions) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
FIND_EMBEDDERS: Final = with_columns(
    EmbedderRow, "SELECT @columns FROM embedders WHERE name = ANY ($1::text[]) ORDER BY id"
)
# Another process that embeds takes other chunks; it has these only when this one's transaction has failed.
PENDING_CHUNKS: Final = with_columns(
    PendingChunk,
    """
    SELECT @columns FROM chunks AS c
    WHERE collection_id = ANY ($2::int[]) AND id > $3
        AND NOT EXISTS (SELECT FROM vectors AS v WHERE v.chunk_id = c.id AND v.embedder = $1)
    ORDER BY id
    LIMIT $4
    FOR NO KEY UPDATE SKIP LOCKED
    """,
)
PENDING_CHUNKS_OF_DOCUMENT: Final = with_columns(
    PendingChunk,
    """
    SELECT @columns FROM chunks AS c
    WHERE document_id = (SELECT d.id FROM documents AS d WHERE d.collection_id = $2 AND d.uri = $3) AND id > $4
        AND NOT EXISTS (SELECT FROM vectors AS v WHERE v.chunk_id = c.id AND v.embedder = $1)
    ORDER BY id
    LIMIT $5
    FOR NO KEY UPDATE
    """,
)
ALLOW_EMBEDDING: Final = "SELECT set_config('idle_in_transaction_session_timeout', '15min', true)"
"""The transaction is idle while the vectors of its chunks are computed."""
COUNT_PENDING: Final = """
    SELECT count(*) FROM chunks AS c
    WHERE collection_id = ANY ($2::int[])
        AND NOT EXISTS (SELECT FROM vectors AS v WHERE v.chunk_id = c.id AND v.embedder = $1)
"""
# Without documents that were named by hand: they are on this machine only.
STORED_VECTORS: Final = """
    SELECT c.lead, c.content, v.embedding
    FROM vectors AS v JOIN chunks AS c ON c.id = v.chunk_id JOIN documents AS d ON d.id = c.document_id
    WHERE v.embedder = $1 AND v.collection_id = ANY ($2::int[]) AND NOT d.given
    ORDER BY c.id
"""
# The new vector takes the place of any other embedder's in one step: a search finds the chunk by the one or the other.
SAVE_VECTORS: Final = """
    WITH replaced AS (DELETE FROM vectors WHERE chunk_id = ANY ($2::bigint[]) AND embedder <> $1)
    INSERT INTO vectors (chunk_id, embedder, collection_id, language, dated, embedding)
    SELECT c.id, $1, c.collection_id, c.language, c.dated, new.embedding
    FROM unnest($2::bigint[], $3::halfvec[]) AS new (id, embedding) JOIN chunks AS c USING (id)
    ON CONFLICT (chunk_id, embedder) DO NOTHING
"""
MAINTAIN_INDEX: Final = "SELECT settle_library($1::smallint, $2::bigint)"


async def get_or_create_embedder(connection: Connection, name: str, dimensions: int) -> EmbedderRow:
    """The embedder's generation, made if it is new; it stays as long as this transaction."""
    row = await connection.fetchrow(FIND_EMBEDDER, name)
    if row is None:
        await connection.execute(INSERT_EMBEDDER, name, dimensions)
        row = await connection.fetchrow(FIND_EMBEDDER, name)
    assert row is not None
    return from_row(EmbedderRow, row)


async def find_embedders(connection: Connection, names: Sequence[str]) -> list[EmbedderRow]:
    """Those of the named embedders that have made vectors."""
    return [from_row(EmbedderRow, row) for row in await connection.fetch(FIND_EMBEDDERS, list(names))]


async def count_pending(connection: Connection, embedder: int, collections: Sequence[int]) -> int:
    """How many chunks of the collections have no vector of the embedder."""
    found: int = await connection.fetchval(COUNT_PENDING, embedder, list(collections))
    return found


async def pending_chunks(
    connection: Connection, embedder: int, collections: Sequence[int], after_id: int, limit: int
) -> list[PendingChunk]:
    """Chunks with an id over `after` that have no vector of the embedder and that no other process is embedding.

    They are this transaction's until it ends, which may take as long as an embedder on a busy machine needs for them.
    """
    await connection.execute(ALLOW_EMBEDDING)
    rows = await connection.fetch(PENDING_CHUNKS, embedder, list(collections), after_id, limit)
    return [from_row(PendingChunk, row) for row in rows]


async def pending_chunks_of_document(
    connection: Connection, embedder: int, collection: int, uri: str, after_id: int, limit: int
) -> list[PendingChunk]:
    """Those of one document. They are this transaction's until it ends."""
    rows = await connection.fetch(PENDING_CHUNKS_OF_DOCUMENT, embedder, collection, uri, after_id, limit)
    return [from_row(PendingChunk, row) for row in rows]


async def save_vectors(connection: Connection, embedder: int, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
    """Store chunks' vectors, instead of those of any other embedder; chunks that are gone are passed over."""
    await connection.execute(
        SAVE_VECTORS, embedder, list(ids), [HalfVector(vector) for vector in vectors], deadline=INDEX_BUILD_TIMEOUT
    )


async def stored_vectors(connection: Connection, embedder: int, collections: Sequence[int]) -> list[StoredVector]:
    """The vectors of collections by an embedder, without those of documents that were named by hand."""
    return [from_row(StoredVector, row) for row in await connection.fetch(STORED_VECTORS, embedder, list(collections))]


async def maintain_index(connection: Connection, embedder: int, threshold: int = INDEX_THRESHOLD) -> None:
    """After a change of the library: count, gather statistics, make the index if it is time, drop what is of no use.

    With an index to make it takes minutes; searches go on meanwhile.
    """
    await connection.execute(MAINTAIN_INDEX, embedder, threshold, deadline=INDEX_BUILD_TIMEOUT)
