"""Vectors for chunks that have none of the current embedder, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bot.library.chunk.chunk import embedding_text
from db.infra.database import Database
from db.library import embeddings
from inference.embedding import Embedder

_BATCH_SIZE: Final = 32
"""Chunks embedded in one transaction: what a kill in the middle loses at most."""

EmbeddingProgress = Callable[[int, int], None]
"""Told how many are done, and of how many."""


async def embed_pending(
    database: Database,
    embedder: Embedder,
    collections: Sequence[int],
    on_progress: EmbeddingProgress = lambda done, total: None,
) -> int:
    """Give each chunk of the collections a vector of this embedder, instead of another's; how many got one.

    Each batch is committed by itself. Meanwhile, and after any interruption, a search finds each chunk by whichever
    vector it has. Several processes may do this at once: each takes other chunks.
    """
    async with database.anonymous_transaction() as connection:
        generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
        total = await embeddings.count_pending(connection, generation.id, collections)
    if total:
        await embedder.embed([""])  # loads the model, which may take longer than a transaction may stand idle
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
    database: Database, embedder: Embedder, collection: int, uri: str, total: int, on_progress: EmbeddingProgress
) -> None:
    """Give each chunk of a document a vector; no connection is held while they are made.

    Each batch is committed by itself. Chunks that go meanwhile, or get their vector from somebody else, are passed
    over.
    """
    done, last = 0, 0
    while True:
        on_progress(done, total)
        async with database.anonymous_transaction() as connection:
            generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
            chunks = await embeddings.pending_chunks_of_document(
                connection, generation.id, collection, uri, last, _BATCH_SIZE
            )
        if not chunks:
            return
        vectors = await embedder.embed([embedding_text(chunk.lead, chunk.content) for chunk in chunks])
        async with database.anonymous_transaction() as connection:
            generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
            still = {
                chunk.id
                for chunk in await embeddings.pending_chunks_of_document(
                    connection, generation.id, collection, uri, last, _BATCH_SIZE
                )
            }
            wanted = [n for n, chunk in enumerate(chunks) if chunk.id in still]
            if wanted:
                await embeddings.save_vectors(
                    connection, generation.id, [chunks[n].id for n in wanted], vectors[wanted]
                )
        done += len(chunks)
        last = chunks[-1].id


async def refresh_index(database: Database, embedder: Embedder) -> None:
    """After the library has changed: statistics, and the index once there is so much that it is worth one."""
    async with database.anonymous_transaction() as connection:
        generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
        await embeddings.maintain_index(connection, generation.id)
