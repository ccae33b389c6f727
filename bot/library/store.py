"""Stores a document so that what has not changed of it keeps its vectors."""

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
from bot.library.sources import Source
from db.infra.connection import Connection
from db.library import catalog as rows
from db.library.catalog import NewChunk

_BATCH_SIZE: Final = 500


@dataclass(slots=True)
class ChunkChanges:
    """How a document's chunks differ from those it had."""

    added: int = 0
    kept: int = 0
    deleted: int = 0


async def store_document(
    connection: Connection, collection_id: int, document: Document, chunks: Iterator[Chunk]
) -> ChunkChanges | None:
    """Make the stored chunks of a document those it has now; None when another process has just done it.

    A chunk is the same as before when its text is, wherever in the document it has moved. The chunks are made as they
    are stored, in a thread, and never all of them in memory.

    Raises:
        NoText: it has no chunk; nothing is to be committed then.
    """
    source = document.source
    known = await rows.lock_document(connection, collection_id, source.uri)
    hashes = (document.content_hash, document.chunking_hash, source.added_by_hand)
    if known and known.skipped is None and (known.content_hash, known.chunking_hash, known.given) == hashes:
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
    )
    before: dict[str, deque[int]] = defaultdict(deque)
    for key, digest in await rows.chunk_hashes(connection, document_id):
        before[digest].append(key)
    changes = ChunkChanges()
    while batch := await asyncio.to_thread(lambda: [_to_new_chunk(chunk) for chunk in islice(chunks, _BATCH_SIZE)]):
        kept, new = [], []
        for row in batch:
            if same := before.get(row.content_hash):
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
    left = [key for keys in before.values() for key in keys]
    changes.deleted = await rows.delete_chunks(connection, left)
    return changes


async def store_refusal(
    connection: Connection, collection_id: int, source: Source, digest: str, chunking_hash: str, refusal: dict[str, Any]
) -> int:
    """Write down why a document is left out; what was stored of it before is deleted: how many chunks."""
    await rows.lock_document(connection, collection_id, source.uri)
    document_id = await rows.upsert_document(
        connection,
        collection_id,
        source.uri,
        given=source.added_by_hand,
        content_hash=digest,
        chunking_hash=chunking_hash,
        skipped=refusal,
    )
    chunks = await rows.chunk_hashes(connection, document_id)
    return await rows.delete_chunks(connection, [key for key, _ in chunks])


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
