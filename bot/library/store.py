"""Stores a document; chunks that have not changed keep their vectors."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from bot.library.chunk import Chunk
from bot.library.documents import Document
from bot.library.parse.errors import NoText
from bot.library.parse.notes import note_to_record
from bot.library.sources import Source
from db.infra.connection import Connection
from db.library import catalog as rows
from db.library.catalog import NewChunk

_BATCH_SIZE: Final = 500


@dataclass(slots=True)
class ChunkChanges:
    """How many of a document's chunks differ from those stored before."""

    added: int = 0
    kept: int = 0
    deleted: int = 0


async def store_document(
    connection: Connection, collection_id: int, document: Document, chunks: Iterator[Chunk]
) -> ChunkChanges | None:
    """Replace the stored chunks of a document by `chunks`; returns None when another process has just done so.

    A chunk is unchanged if its text is, wherever in the document it has moved. Chunks are computed in a thread while
    they are stored, a batch at a time in memory.

    Raises:
        NoText: it has no chunk; the transaction must not be committed then.
    """
    source = document.source
    stored = await rows.lock_document(connection, collection_id, source.uri)
    hashes = (document.content_hash, document.chunking_hash, source.added_by_hand)
    if stored and stored.skipped is None and (stored.content_hash, stored.chunking_hash, stored.given) == hashes:
        return None
    document_id = await rows.upsert_document(
        connection,
        collection_id,
        source.uri,
        given=source.added_by_hand,
        title=document.title,
        language=document.language,
        content_hash=document.content_hash,
        chunking_hash=document.chunking_hash,
        notes=[note_to_record(told) for told in document.notes],
    )
    # Ids of the stored chunks that are not among the new ones so far, by content hash.
    unclaimed: dict[str, deque[int]] = defaultdict(deque)
    for chunk_id, digest in await rows.chunk_hashes(connection, document_id):
        unclaimed[digest].append(chunk_id)
    changes = ChunkChanges()
    while batch := await asyncio.to_thread(lambda: [_to_new_chunk(chunk) for chunk in islice(chunks, _BATCH_SIZE)]):
        kept, new = [], []
        for row in batch:
            if same := unclaimed.get(row.content_hash):
                kept.append((same.popleft(), row))
            else:
                new.append(row)
        if kept:
            await rows.update_chunk_positions(connection, kept)
        if new:
            await rows.insert_chunks(connection, document_id, collection_id, new)
        changes.kept += len(kept)
        changes.added += len(new)
    if not changes.kept + changes.added:
        raise NoText
    obsolete = [chunk_id for ids in unclaimed.values() for chunk_id in ids]
    changes.deleted = await rows.delete_chunks(connection, obsolete)
    return changes


async def store_refusal(
    connection: Connection,
    collection_id: int,
    source: Source,
    refusal: dict[str, Any],
    *,
    content_hash: str,
    chunking_hash: str,
) -> int:
    """Store why a document is left out and delete its chunks; returns how many there were.

    Args:
        refusal: as `refusal_to_record` returns it.
        content_hash: of the file; empty when it could not be read.
    """
    await rows.lock_document(connection, collection_id, source.uri)
    document_id = await rows.upsert_document(
        connection,
        collection_id,
        source.uri,
        given=source.added_by_hand,
        content_hash=content_hash,
        chunking_hash=chunking_hash,
        skipped=refusal,
    )
    chunks = await rows.chunk_hashes(connection, document_id)
    return await rows.delete_chunks(connection, [chunk_id for chunk_id, _ in chunks])


def _to_new_chunk(chunk: Chunk) -> NewChunk:
    return NewChunk(
        n=chunk.n,
        lead=chunk.lead,
        content=chunk.content,
        repeats=chunk.repeats,
        place=chunk.place,
        language=chunk.language,
        dated=chunk.dated,
        content_hash=chunk.content_hash,
    )
