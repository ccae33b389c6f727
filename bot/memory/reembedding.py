"""Gives every memory the current model's vector, in the background: after a change of model, or where none was made."""

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
"""Memories embedded at once."""


class Reembedder:
    """Works through everybody's memories in batches. Meanwhile old vectors are compared as long as their model is here
    (`PersonalMemory`), and otherwise words alone: nothing is forgotten.

    Several may run at once: they do some work twice, and no harm.
    """

    def __init__(self, database: Database, embedder: Embedder, *, idle_delay: float = 60.0) -> None:
        """Set up.

        Args:
            pause: seconds to wait when there is nothing to do, or something is away.
        """
        self._database = database
        self._embedder = embedder
        self._idle_delay = idle_delay

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                done = await self.embed_batch()
            except ConsiliumError as error:
                log.warning("memory.reembedding_failed", error=type(error).__name__, reason=str(error))
                done = 0
            if not done:
                await asyncio.sleep(self._idle_delay)

    async def embed_batch(self) -> int:
        """Embed one batch; how many memories have their vector now that had not. 0 when there is nothing to do.

        Raises:
            InferenceError: the model gives no vectors now.
            DatabaseError: the database is away.
        """
        name = self._embedder.name
        async with self._database.anonymous_transaction() as connection:
            lacking = await memories.list_unembedded(connection, name, BATCH_SIZE)
        whose: dict[UUID, list[UUID]] = defaultdict(list)
        for one in lacking:
            whose[one.user_id].append(one.id)
        found: list[tuple[UUID, memories.MemoryText]] = []
        for user_id, ids in whose.items():
            async with self._database.person_transaction(user_id) as connection:
                found += [(user_id, text) for text in await memories.load_texts(connection, ids, name)]
        vectors = await self._embedder.embed([text.content for _, text in found])
        done = 0
        for user_id in whose:
            async with self._database.person_transaction(user_id) as connection:
                for (owner, text), vector in zip(found, vectors, strict=True):
                    if owner == user_id:
                        done += await memories.save_embedding(connection, text, Embedding(name, vector))
        if done:
            log.info("memory.reembedded", memories=done, people=len(whose), model=name)
        return done
