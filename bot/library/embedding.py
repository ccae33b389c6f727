"""Embeds the chunks that have no vector of the current embedder yet, batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from bot.library.chunk.chunk import embedding_text
from bot.library.chunk_options import holds_dialogues
from bot.library.kept_vectors import KeptVectors, save_kept_vectors
from bot.minds import Mind
from db.infra.database import Database
from db.library import embeddings
from db.library.catalog import list_collections
from inference.embedding import Embedder

_BATCH_SIZE: Final = 32
"""Chunks embedded in one transaction: at most so many are embedded again after an interruption."""

_KEPT_BATCH_SIZE: Final = 512
"""Chunks that get vectors which need not be computed, in one transaction."""

EmbeddingProgress = Callable[[int, int], None]
"""Called with the number of chunks embedded so far and the total."""


async def use_kept_vectors(
    database: Database, embedder: Embedder, collections: Sequence[int], kept: KeptVectors
) -> int:
    """Give the chunks of the collections that have no vector of this embedder those that came with the mind; to how
    many. Each batch is committed by itself."""
    used, last = 0, 0
    while len(kept):
        async with database.anonymous_transaction() as connection:
            generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
            chunks = await embeddings.pending_chunks(connection, generation.id, collections, last, _KEPT_BATCH_SIZE)
            if not chunks:
                break
            vectors = {chunk.id: kept.of(embedding_text(chunk.lead, chunk.content)) for chunk in chunks}
            found = {number: vector for number, vector in vectors.items() if vector is not None}
            if found:
                await embeddings.save_vectors(connection, generation.id, list(found), np.stack(list(found.values())))
        used += len(found)
        last = chunks[-1].id
    return used


async def keep_vectors(database: Database, embedder: Embedder, mind: Mind) -> int:
    """Write the vectors of a mind's library into its folder, for other machines; how many there are.

    Those of dialogues and of documents that were added by hand or in a chat are not among them.

    Raises:
        OSError: the file cannot be written.
    """
    names = {name for name, each in mind.collections.items() if each.path and not holds_dialogues(each)}
    async with database.anonymous_transaction() as connection:
        generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
        ids = [each.id for each in await list_collections(connection, mind.name) if each.name in names]
        stored = await embeddings.stored_vectors(connection, generation.id, ids)
    texts = [embedding_text(each.lead, each.content) for each in stored]
    vectors = [each.embedding.to_numpy().astype(np.float16) for each in stored]
    return await asyncio.to_thread(save_kept_vectors, mind.folder, embedder.name, texts, vectors)


async def embed_pending(
    database: Database,
    embedder: Embedder,
    collections: Sequence[int],
    on_progress: EmbeddingProgress = lambda done, total: None,
) -> int:
    """Embed each chunk of the collections that has no vector of this embedder; returns how many there were.

    Each batch is committed by itself. Until a chunk has its new vector, a search finds it by its former one. Several
    processes may do this at once: each takes other chunks.
    """
    async with database.anonymous_transaction() as connection:
        generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
        total = await embeddings.count_pending(connection, generation.id, collections)
    if total:
        await embedder.embed([""])  # load the model now: it may take longer than a transaction may be idle
    done, last = 0, 0
    while total:
        on_progress(done, max(total, done))
        async with database.anonymous_transaction() as connection:
            generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
            chunks = await embeddings.pending_chunks(connection, generation.id, collections, last, _BATCH_SIZE)
            if not chunks:
                break
            vectors = await embedder.embed([embedding_text(chunk.lead, chunk.content) for chunk in chunks])
            await embeddings.save_vectors(connection, generation.id, [chunk.id for chunk in chunks], vectors)
        done += len(chunks)
        last = chunks[-1].id
    on_progress(done, max(total, done))
    return done


async def embed_document(
    database: Database,
    embedder: Embedder,
    collection_id: int,
    uri: str,
    *,
    total: int,
    on_progress: EmbeddingProgress,
) -> None:
    """Embed each chunk of a document; no connection is held while vectors are computed.

    Each batch is committed by itself. Chunks that are deleted meanwhile or embedded by another process are skipped.

    Args:
        total: number of the document's chunks, for `on_progress`.
    """
    done, last = 0, 0
    while True:
        on_progress(done, total)
        async with database.anonymous_transaction() as connection:
            generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
            chunks = await embeddings.pending_chunks_of_document(
                connection, generation.id, collection_id, uri, last, _BATCH_SIZE
            )
        if not chunks:
            return
        vectors = await embedder.embed([embedding_text(chunk.lead, chunk.content) for chunk in chunks])
        async with database.anonymous_transaction() as connection:
            generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
            still_pending = {
                chunk.id
                for chunk in await embeddings.pending_chunks_of_document(
                    connection, generation.id, collection_id, uri, last, _BATCH_SIZE
                )
            }
            rows = [row for row, chunk in enumerate(chunks) if chunk.id in still_pending]
            if rows:
                ids = [chunks[row].id for row in rows]
                await embeddings.save_vectors(connection, generation.id, ids, vectors[rows])
        done += len(chunks)
        last = chunks[-1].id


async def refresh_index(database: Database, embedder: Embedder) -> None:
    """Update the statistics after the library has changed, and build the index once it has grown enough."""
    async with database.anonymous_transaction() as connection:
        generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
        await embeddings.maintain_index(connection, generation.id)
