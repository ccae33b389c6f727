"""What a library holds, as people are shown it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from db.rows import DOCUMENT, read, sql

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
class LeftOut:
    """A document that was left out."""

    uri: str
    why: dict[str, Any] = field(metadata=DOCUMENT)
    """As it was written down."""


OVERVIEW: Final = sql(
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
LEFT_OUT: Final = sql(
    LeftOut,
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


async def overview(connection: Connection, mind: str) -> list[CollectionOverview]:
    """Each collection of a mind, by name."""
    return [read(CollectionOverview, row) for row in await connection.fetch(OVERVIEW, mind)]


async def left_out(connection: Connection, mind: str, names: AnyOf[str], most: int) -> list[LeftOut]:
    """Documents of the named collections that were left out, by URI; no more than `most`."""
    return [read(LeftOut, row) for row in await connection.fetch(LEFT_OUT, mind, list(names), most)]
