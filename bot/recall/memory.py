"""A person's memory: kept with its vector, recalled by meaning and by words together."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from db import memory as rows
from db import sessions
from db.connection import PersonConnection
from db.database import Database
from db.memory import Embedding, Memory
from inference.embedding import Embedder, Purpose

CANDIDATES = 50
"""How many each way of recalling may propose."""
MIN_SIMILARITY = 0.2
"""Cosine under which a memory that shares no word with the question has nothing to do with it."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory and how well it fits: cosine similarity plus the words' rank over the best rank, 0 to 2."""

    memory: Memory
    score: float


class PersonalMemory:
    """Remembers, recalls and forgets for one person at a time."""

    def __init__(self, database: Database, embedder: Embedder | None) -> None:
        self._database = database
        self._embedder = embedder

    async def remember(
        self, connection: PersonConnection, content: str, session_id: UUID, source_turn_id: UUID
    ) -> Memory:
        """Keep what the person asked to keep; without an embedder it is recalled by its words alone."""
        embedding = None if self._embedder is None else await self._embed(self._embedder, content, "passage")
        return await rows.remember(
            connection,
            "fact",
            content,
            embedding=embedding,
            session_id=session_id,
            source_turn_id=source_turn_id,
        )

    async def recall(self, user_id: UUID, question: str, limit: int, *, chat: str | None = None) -> list[Recalled]:
        """What the person has told that bears on `question`, best first.

        The scores are added rather than the ranks: ranks throw away how much better the best is.

        Args:
            chat: the chat with others that he is in (`Session.company`); what he told anywhere else does not exist
                there.
        """
        if limit == 0:
            return []
        embedding = None if self._embedder is None else await self._embed(self._embedder, question, "query")
        async with self._database.person(user_id) as connection:
            by_meaning = await rows.recall_by_vector(connection, embedding, CANDIDATES) if embedding else []
            by_words = await rows.recall_by_words(connection, question, CANDIDATES)
            if chat is not None:
                here = await sessions.in_company(connection, chat)
                by_meaning = [found for found in by_meaning if found[0].session_id in here]
                by_words = [found for found in by_words if found[0].session_id in here]
        found = {memory.id: memory for memory, _ in (*by_meaning, *by_words)}
        similarity = {memory.id: score for memory, score in by_meaning}
        rank = {memory.id: score for memory, score in by_words}
        best_rank = max(rank.values(), default=1.0)
        scored = [
            Recalled(memory, max(similarity.get(key, 0.0), 0.0) + rank.get(key, 0.0) / best_rank)
            for key, memory in found.items()
            if key in rank or similarity.get(key, 0.0) >= MIN_SIMILARITY
        ]
        return sorted(scored, key=lambda recalled: recalled.score, reverse=True)[:limit]

    async def all(self, connection: PersonConnection) -> list[Memory]:
        """Everything that holds now, oldest first."""
        return await rows.all_valid(connection)

    async def forget(self, connection: PersonConnection, memory_id: UUID) -> bool:
        """Delete one memory for good, vector included; False when it was not there."""
        return await rows.forget(connection, memory_id)

    async def forget_all(self, connection: PersonConnection) -> int:
        """Delete everything remembered; how many there were."""
        return await rows.forget_all(connection)

    async def _embed(self, embedder: Embedder, text: str, purpose: Purpose) -> Embedding:
        [vector] = await embedder.embed([text], purpose)
        return Embedding(embedder.name, vector)
