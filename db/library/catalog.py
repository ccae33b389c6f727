"""A library's collections and documents, and what people are shown of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from db.infra.rows import JSONB, from_row, with_columns
from db.library.embeddings import INDEX_BUILD_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Collection as AnyOf
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from db.infra.connection import Connection
    from db.infra.text import Language


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection of a mind."""

    id: int
    mind: str
    name: str
    kind: str
    trust: str
    size: int
    """Chunks when they were last counted (`db.library.embeddings.settle`)."""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A file of a collection, as it was last read."""

    id: int
    collection_id: int
    uri: str
    given: bool
    """Named by hand, and not by the collection's patterns."""
    title: str
    language: str
    content_hash: str
    chunking_hash: str
    skipped: dict[str, Any] | None
    """Why it was left out, as it was written down."""
    notes: list[dict[str, Any]]
    """What was told about it, as it was written down."""


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk to be stored."""

    n: int
    lead: str
    content: str
    repeats: int
    place: str
    language: Language
    dated: date | None
    content_hash: str


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """What a collection holds."""

    name: str
    kind: str
    documents: int
    skipped: int
    chunks: int
    embedded: int
    """Chunks with a vector of the embedder asked about."""
    former: int
    """Chunks that have only the vector of another embedder."""


UPSERT_COLLECTION: Final = with_columns(
    CollectionRow,
    """
    INSERT INTO collections (mind, name, kind, trust) VALUES ($1, $2, $3, $4)
    ON CONFLICT (mind, name) DO UPDATE SET kind = excluded.kind, trust = excluded.trust
    RETURNING @columns
    """,
)
LIST_COLLECTIONS: Final = with_columns(CollectionRow, "SELECT @columns FROM collections WHERE mind = $1 ORDER BY name")
DELETE_OTHER_COLLECTIONS: Final = "DELETE FROM collections WHERE mind = $1 AND name <> ALL ($2::text[])"
LIST_DOCUMENTS: Final = with_columns(
    DocumentRow, "SELECT @columns FROM documents WHERE collection_id = $1 ORDER BY uri"
)
FIND_DOCUMENT: Final = with_columns(DocumentRow, "SELECT @columns FROM documents WHERE collection_id = $1 AND uri = $2")
# Two processes that read the same document take turns from here to the end of their transactions.
LOCK_DOCUMENT: Final = "SELECT pg_advisory_xact_lock($1, hashtext($2))"
UPSERT_DOCUMENT: Final = """
    INSERT INTO documents (collection_id, uri, given, title, language, content_hash, chunking_hash, skipped, notes)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb)
    ON CONFLICT (collection_id, uri) DO UPDATE SET
        given = excluded.given, title = excluded.title, language = excluded.language, read_at = now(),
        content_hash = excluded.content_hash, chunking_hash = excluded.chunking_hash, skipped = excluded.skipped,
        notes = excluded.notes
    RETURNING id
"""
DELETE_DOCUMENTS: Final = "DELETE FROM documents WHERE id = ANY ($1::bigint[])"
CHUNK_HASHES: Final = "SELECT id, content_hash FROM chunks WHERE document_id = $1 ORDER BY n"
INSERT_CHUNKS: Final = """
    INSERT INTO chunks (document_id, collection_id, n, lead, content, repeats, place, language, dated, content_hash)
    SELECT $1, $2, * FROM unnest(
        $3::int[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::date[], $10::text[]
    )
"""
UPDATE_CHUNK_POSITIONS: Final = """
    WITH kept AS (
        UPDATE chunks SET n = new.n, repeats = new.repeats, place = new.place, dated = new.dated
        FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::date[]) AS new (id, n, repeats, place, dated)
        WHERE chunks.id = new.id AND (chunks.n, chunks.repeats, chunks.place, chunks.dated)
            IS DISTINCT FROM (new.n, new.repeats, new.place, new.dated)
        RETURNING chunks.id, chunks.dated
    )
    UPDATE vectors SET dated = kept.dated FROM kept
    WHERE vectors.chunk_id = kept.id AND vectors.dated IS DISTINCT FROM kept.dated
"""
DELETE_CHUNKS: Final = "DELETE FROM chunks WHERE id = ANY ($1::bigint[])"
COLLECTION_STATUSES: Final = with_columns(
    CollectionStatus,
    """
    SELECT @columns FROM (
        SELECT c.name, c.kind, d.documents, d.skipped, h.chunks, h.embedded, h.former
        FROM collections AS c
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE skipped IS NULL) AS documents,
                count(*) FILTER (WHERE skipped IS NOT NULL) AS skipped
            FROM documents WHERE collection_id = c.id
        ) AS d
        CROSS JOIN LATERAL (
            SELECT count(*) AS chunks, count(v.chunk_id) FILTER (WHERE e.name = $2) AS embedded,
                count(v.chunk_id) FILTER (WHERE e.name <> $2) AS former
            FROM chunks AS k LEFT JOIN vectors AS v ON v.chunk_id = k.id LEFT JOIN embedders AS e ON e.id = v.embedder
            WHERE k.collection_id = c.id
        ) AS h
        WHERE c.mind = $1
    ) AS counted
    ORDER BY name
    """,
)


async def upsert_collection(connection: Connection, mind: str, name: str, kind: str, trust: str) -> CollectionRow:
    """A mind's collection as its config says it is now; made if it is new."""
    row = await connection.fetchrow(UPSERT_COLLECTION, mind, name, kind, trust)
    assert row is not None
    return from_row(CollectionRow, row)


async def list_collections(connection: Connection, mind: str) -> list[CollectionRow]:
    """The collections of a mind, by name."""
    return [from_row(CollectionRow, row) for row in await connection.fetch(LIST_COLLECTIONS, mind)]


async def delete_other_collections(connection: Connection, mind: str, names: AnyOf[str]) -> int:
    """Delete those collections of a mind that are not among `names`, with all in them; how many there were."""
    return await connection.execute(DELETE_OTHER_COLLECTIONS, mind, list(names), deadline=INDEX_BUILD_TIMEOUT)


async def list_documents(connection: Connection, collection_id: int) -> list[DocumentRow]:
    """The documents of a collection, by URI."""
    return [_document_from_row(row) for row in await connection.fetch(LIST_DOCUMENTS, collection_id)]


async def lock_document(connection: Connection, collection_id: int, uri: str) -> DocumentRow | None:
    """The document as it is stored, if it is; no one else changes it before this transaction ends."""
    await connection.fetchval(LOCK_DOCUMENT, collection_id, uri)
    row = await connection.fetchrow(FIND_DOCUMENT, collection_id, uri)
    return _document_from_row(row) if row else None


async def upsert_document(
    connection: Connection,
    collection_id: int,
    uri: str,
    *,
    given: bool,
    title: str = "",
    language: str = "",
    content_hash: str,
    chunking_hash: str,
    skipped: dict[str, Any] | None = None,
    notes: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Store what is known of a document; its id."""
    why = json.dumps(skipped) if skipped else None
    told = json.dumps(list(notes))
    found: int = await connection.fetchval(
        UPSERT_DOCUMENT, collection_id, uri, given, title, language, content_hash, chunking_hash, why, told
    )
    return found


async def delete_documents(connection: Connection, ids: Sequence[int]) -> int:
    """Delete documents with their chunks; how many there were."""
    return await connection.execute(DELETE_DOCUMENTS, list(ids), deadline=INDEX_BUILD_TIMEOUT)


async def chunk_hashes(connection: Connection, document_id: int) -> list[tuple[int, str]]:
    """Id and content hash of a document's chunks, in order."""
    return [(row["id"], row["content_hash"]) for row in await connection.fetch(CHUNK_HASHES, document_id)]


async def insert_chunks(
    connection: Connection, document_id: int, collection_id: int, chunks: Sequence[NewChunk]
) -> None:
    """Store new chunks, without vectors."""
    columns = zip(
        *((c.n, c.lead, c.content, c.repeats, c.place, c.language, c.dated, c.content_hash) for c in chunks),
        strict=True,
    )
    await connection.execute(INSERT_CHUNKS, document_id, collection_id, *map(list, columns))


async def update_chunk_positions(connection: Connection, unchanged: Sequence[tuple[int, NewChunk]]) -> None:
    """Chunks whose text has not changed, at the places where they are now."""
    columns = zip(*((key, c.n, c.repeats, c.place, c.dated) for key, c in unchanged), strict=True)
    await connection.execute(UPDATE_CHUNK_POSITIONS, *map(list, columns), deadline=INDEX_BUILD_TIMEOUT)


async def delete_chunks(connection: Connection, ids: Sequence[int]) -> int:
    """Delete chunks with their vectors; how many there were."""
    return await connection.execute(DELETE_CHUNKS, list(ids), deadline=INDEX_BUILD_TIMEOUT)


async def collection_statuses(connection: Connection, mind: str, embedder: str) -> list[CollectionStatus]:
    """What each collection of a mind holds, by name."""
    return [from_row(CollectionStatus, row) for row in await connection.fetch(COLLECTION_STATUSES, mind, embedder)]


def _document_from_row(row: Mapping[str, Any]) -> DocumentRow:
    skipped = json.loads(row["skipped"]) if row["skipped"] else None
    return from_row(DocumentRow, {**row, "skipped": skipped, "notes": json.loads(row["notes"])})


@dataclass(frozen=True, slots=True)
class CollectionOverview:
    """One collection."""

    name: str
    kind: str
    documents: int
    skipped: int
    chunks: int
    changed_at: datetime | None
    """When one of its documents was last read again."""


@dataclass(frozen=True, slots=True)
class SkippedDocument:
    """A document that was left out."""

    uri: str
    why: dict[str, Any] = field(metadata=JSONB)
    """As it was written down."""


COLLECTION_OVERVIEWS: Final = with_columns(
    CollectionOverview,
    """
    SELECT @columns FROM (
        SELECT c.name, c.kind, d.documents, d.skipped, d.changed_at,
            (SELECT count(*) FROM chunks AS k WHERE k.collection_id = c.id) AS chunks
        FROM collections AS c
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE skipped IS NULL) AS documents,
                count(*) FILTER (WHERE skipped IS NOT NULL) AS skipped, max(read_at) AS changed_at
            FROM documents WHERE collection_id = c.id
        ) AS d
        WHERE c.mind = $1
    ) AS counted
    ORDER BY name
    """,
)
LIST_SKIPPED_DOCUMENTS: Final = with_columns(
    SkippedDocument,
    """
    SELECT @columns FROM (
        SELECT d.uri, d.skipped AS why
        FROM documents AS d JOIN collections AS c ON c.id = d.collection_id
        WHERE c.mind = $1 AND c.name = ANY ($2::text[]) AND d.skipped IS NOT NULL
    ) AS skipped
    ORDER BY uri
    LIMIT $3
    """,
)


async def collection_overviews(connection: Connection, mind: str) -> list[CollectionOverview]:
    """Each collection of a mind, by name."""
    return [from_row(CollectionOverview, row) for row in await connection.fetch(COLLECTION_OVERVIEWS, mind)]


async def list_skipped_documents(
    connection: Connection, mind: str, names: AnyOf[str], limit: int
) -> list[SkippedDocument]:
    """Documents of the named collections that were left out, by URI; no more than `most`."""
    return [
        from_row(SkippedDocument, row)
        for row in await connection.fetch(LIST_SKIPPED_DOCUMENTS, mind, list(names), limit)
    ]
