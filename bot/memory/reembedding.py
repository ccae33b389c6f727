"""Embeds memories in the background that have no vector of the current model."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from uuid import UUID

import structlog

from consilium.errors import ConsiliumError
from db.infra.database import Database
from db.memory import memories
from db.memory.memories import Embedding
from inference.embedding import Embedder

log = structlog.get_logger(__name__)

BATCH_SIZE = 64
"""Memories that are embedded in one call."""


class Reembedder:
    """Embeds everybody's memories in batches: those of another model, and those without a vector.

    Until then a memory is recalled by the vector of its old model, if that model is still configured, and by its words
    (`PersonalMemory`). Several processes can run one each: they do some work twice, without harm.
    """

    def __init__(self, database: Database, embedder: Embedder, *, idle_delay: float = 60.0) -> None:
        """Set up.

        Args:
            idle_delay: seconds to wait when there is nothing to do, or after an error.
        """
        self._database = database
        self._embedder = embedder
        self._idle_delay = idle_delay

    async def run(self) -> None:
        """Embed batches until cancelled."""
        while True:
            try:
                count = await self.embed_batch()
            except ConsiliumError as error:
                log.warning("memory.reembedding_failed", error=type(error).__name__, reason=error)
                count = 0
            if not count:
                await asyncio.sleep(self._idle_delay)

    async def embed_batch(self) -> int:
        """Embed one batch, and return how many memories got a vector; 0 when there is nothing to do.

        Raises:
            InferenceError: the model does not answer.
            DatabaseError: the database does not answer.
        """
        name = self._embedder.name
        async with self._database.anonymous_transaction() as connection:
            unembedded = await memories.list_unembedded(connection, name, BATCH_SIZE)
        ids_by_user: dict[UUID, list[UUID]] = defaultdict(list)
        for row in unembedded:
            ids_by_user[row.user_id].append(row.id)
        texts: list[tuple[UUID, memories.MemoryText]] = []
        for user_id, ids in ids_by_user.items():
            async with self._database.person_transaction(user_id) as connection:
                texts += [(user_id, text) for text in await memories.load_texts(connection, ids, name)]
        vectors = await self._embedder.embed([text.content for _, text in texts])
        count = 0
        for user_id in ids_by_user:
            async with self._database.person_transaction(user_id) as connection:
                for (owner, text), vector in zip(texts, vectors, strict=True):
                    if owner == user_id:
                        count += await memories.save_embedding(connection, text, Embedding(name, vector))
        if count:
            log.info("memory.reembedded", memories=count, people=len(ids_by_user), model=name)
        return count
