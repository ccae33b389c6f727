"""What a library holds, as people are shown it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from db.rows import JSONB, from_row, with_columns

if TYPE_CHECKING:
    from collections.abc import Collection as AnyOf
    from datetime import datetime

    from db.connection import Connection


@dataclass(frozen=True, slots=True)
class CollectionOverview:
    """One collection."""

    name: str
    kind: str
    documents: int
    skipped: int
    chunks: int
    changed_at: datetime | None
    """When a document of it was last read anew."""


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
