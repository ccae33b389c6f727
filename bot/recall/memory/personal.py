"""A person's memory: kept with its vector, recalled by meaning, words and time together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog

from bot.recall.memory import forgetting
from bot.recall.memory.question import Question, read_question
from bot.recall.memory.weighing import WEIGHTS, Weights, weigh
from db import memory as rows
from db import recall
from db.connection import PersonConnection
from db.database import Database
from db.forgetting import is_forgotten
from db.memory import Embedding, Memory, MemoryKind, Origin
from inference.embedding import Embedder, Purpose
from inference.errors import InferenceError

log = structlog.get_logger(__name__)

Reader = Callable[[str, datetime, Sequence[str]], Question]
"""Reads a question, asked at a moment by somebody whose memories are told under these names."""

SHOWN: tuple[MemoryKind, ...] = ("fact", "summary", "document")
"""What a person is shown of his memory; episodes are his own messages over again."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory and how well it fits."""

    memory: Memory
    score: float
    """Sum of the weighted parts (`bot.recall.memory.weighing`): it orders one answer, and means nothing across
    questions."""


class PersonalMemory:
    """Remembers, recalls and forgets for one person at a time.

    Where a method takes `chat`, it is the chat with others in which the person is now: nothing said in private, or in
    another chat, exists there until the transaction ends. None is the person alone with the mind.
    """

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None,
        *,
        former: Sequence[Embedder] = (),
        weights: Weights = WEIGHTS,
        reader: Reader = read_question,
    ) -> None:
        """Set up.

        Args:
            embedder: the model of the vectors to come. Without one, as in a light process, memories are kept without
                a vector, which the `Reembedder` makes later, and recalled by their words.
            former: models that are still here, whose vectors are compared until they have been replaced.
        """
        self._database = database
        self._embedder = embedder
        self._former = tuple(former)
        self._weights = weights
        self._reader = reader

    async def remember(
        self,
        connection: PersonConnection,
        content: str,
        session_id: UUID,
        source_turn_id: UUID,
        *,
        chat: str | None = None,
    ) -> Memory:
        """Keep what the person asked to keep."""
        origin = Origin(session_id, source_turn_id, scope="chat" if chat else "private", chat=chat)
        embedding = await self.embedded(content)
        kept = await rows.remember(connection, "fact", content, embedding=embedding, origin=origin)
        assert kept is not None
        return kept

    async def keep(
        self, user_id: UUID, kind: MemoryKind, content: str, origin: Origin, *, since: datetime | None = None
    ) -> Memory | None:
        """Keep a memory of any kind; None when it is an episode that was kept before, or of a turn that the person has
        had forgotten meanwhile.

        Args:
            since: when it was said, or began to hold; now, if not given.
        """
        embedding = await self.embedded(content)
        async with self._database.person(user_id) as connection:
            if origin.turn_id is not None and await is_forgotten(connection, [origin.turn_id]):
                return None
            return await rows.remember(connection, kind, content, embedding=embedding, origin=origin, valid_from=since)

    async def recall(
        self,
        user_id: UUID,
        question: str,
        limit: int,
        *,
        chat: str | None = None,
        now: datetime | None = None,
        beyond: Collection[UUID] = (),
        speakers: Sequence[str] | None = None,
    ) -> list[Recalled]:
        """What the person has told that bears on `question`, best first.

        Args:
            now: when it is asked, in the person's zone; "yesterday" is counted from it.
            beyond: turns that are before the model's eyes already; their episodes are left out.
            speakers: as `speakers` gives them, if they have been looked up already.
        """
        if limit <= 0:
            return []
        made: Collection[str] = ()
        if speakers is None or self._former:
            async with self._database.person(user_id) as connection:
                speakers = await self.speakers(connection, chat=chat) if speakers is None else speakers
                # A former model is not even loaded for a person who has none of its vectors any more.
                made = await recall.embedders(connection) if self._former else ()
        asked = self._reader(question, now or datetime.now(UTC), speakers)
        former = [embedder for embedder in self._former if embedder.name in made]
        compared_by = [*((self._embedder,) if self._embedder else ()), *former]
        embeddings = [await _embedded(embedder, asked.topic, "query") for embedder in compared_by]
        vectors = [embedding for embedding in embeddings if embedding]
        async with self._database.person(user_id) as connection:
            await _enter(connection, chat)
            compared = recall.Asked(asked.topic, vectors, asked.speakers, asked.voice)
            features = await recall.compare(connection, compared)
            ranked, scores = weigh(features, asked, self._weights)
            # Two episodes a turn may fall away again.
            best = [features.id(row) for row in ranked[: limit + 2 * len(beyond)]]
            score = dict(zip(best, scores.tolist(), strict=False))
            memories = await recall.by_ids(connection, best)
        kept = (memory for memory in memories if memory.kind != "episode" or memory.source_turn_id not in beyond)
        return [Recalled(memory, score[memory.id]) for memory in kept][:limit]

    async def speakers(self, connection: PersonConnection, *, chat: str | None = None) -> list[str]:
        """The names that the person's memories are told under."""
        await _enter(connection, chat)
        return await recall.speakers(connection)

    async def all(self, connection: PersonConnection, *, chat: str | None = None) -> list[Memory]:
        """The facts, summaries and documents that hold now, oldest first."""
        await _enter(connection, chat)
        return await rows.all_valid(connection, SHOWN)

    async def episodes(self, connection: PersonConnection, *, chat: str | None = None) -> int:
        """How many messages and answers are remembered."""
        await _enter(connection, chat)
        return await rows.count(connection, "episode")

    async def correct(self, connection: PersonConnection, memory_id: UUID, content: str) -> Memory | None:
        """Put other words in the place of a memory's; None when it was not there."""
        return await rows.correct(connection, memory_id, content, await self.embedded(content))

    async def forget(self, connection: PersonConnection, memory_id: UUID) -> bool:
        """Delete one memory for good, vector included; False when it was not there.

        With it goes what it was drawn from and what repeats it (`bot.recall.memory.forgetting`).
        """
        return await forgetting.forget(connection, memory_id)

    async def forget_all(self, connection: PersonConnection) -> int:
        """Delete everything remembered, wherever it was said; how many there were."""
        return await forgetting.forget_all(connection)

    async def embedded(self, text: str) -> Embedding | None:
        """The vector a memory of this text is kept with, if there is a model and it can give one now."""
        return await _embedded(self._embedder, text, "passage") if self._embedder else None


def chat_key(platform: str, chat: str | None) -> str | None:
    """What a chat with others is called here; None in private."""
    return f"{platform}:{chat}" if chat else None


async def _enter(connection: PersonConnection, chat: str | None) -> None:
    if chat is not None:
        await rows.enter_chat(connection, chat)


async def _embedded(embedder: Embedder, text: str, purpose: Purpose) -> Embedding | None:
    """The text's vector; None when the model cannot give one now, for words are better than nothing."""
    try:
        [vector] = await embedder.embed([text], purpose)
    except InferenceError as error:
        log.warning("memory.not_embedded", model=embedder.name, purpose=purpose, reason=str(error))
        return None
    return Embedding(embedder.name, vector)
