"""A person's memory: kept with its vector, recalled by meaning, words and time together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

import structlog

from bot.memory import forgetting
from bot.memory.question import Question, parse_question
from bot.memory.scoring import DEFAULT_WEIGHTS, ScoreWeights, rank_memories
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.memory import memories as rows
from db.memory import recall
from db.memory.forgetting import any_forgotten
from db.memory.memories import Embedding, Memory, MemoryKind, Origin
from inference.embedding import Embedder, Purpose
from inference.errors import InferenceError

log = structlog.get_logger(__name__)

QuestionParser = Callable[[str, datetime, Sequence[str]], Question]
"""Reads a question, asked at a moment by somebody whose memories are told under these names."""

VISIBLE_KINDS: tuple[MemoryKind, ...] = ("fact", "summary", "document")
"""What a person is shown of his memory; episodes are his own messages over again."""


@dataclass(frozen=True, slots=True)
class RecalledMemory:
    """A memory and how well it fits."""

    memory: Memory
    score: float
    """Sum of the weighted parts (`bot.memory.scoring`): it orders one answer, and means nothing across
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
        previous_embedders: Sequence[Embedder] = (),
        weights: ScoreWeights = DEFAULT_WEIGHTS,
        question_parser: QuestionParser = parse_question,
        timezone: tzinfo | None = None,
    ) -> None:
        """Set up.

        Args:
            embedder: the model of the vectors to come. Without one, as in a light process, memories are kept without
                a vector, which the `Reembedder` makes later, and recalled by their words.
            zone: where "yesterday" begins and ends; the machine's zone if not given.
            former: models that are still here, whose vectors are compared until they have been replaced.
        """
        self._database = database
        self._embedder = embedder
        self._previous_embedders = tuple(previous_embedders)
        self._weights = weights
        self._question_parser = question_parser
        self._timezone = timezone

    async def add_fact(
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
        embedding = await self.embed(content)
        kept = await rows.remember(connection, "fact", content, embedding=embedding, origin=origin)
        assert kept is not None
        return kept

    async def save(
        self, user_id: UUID, kind: MemoryKind, content: str, origin: Origin, *, valid_from: datetime | None = None
    ) -> Memory | None:
        """Keep a memory of any kind; None when it is an episode that was kept before, or of a turn that the person has
        had forgotten meanwhile.

        Args:
            since: when it was said, or began to hold; now, if not given.
        """
        embedding = await self.embed(content)
        async with self._database.person_transaction(user_id) as connection:
            if origin.turn_id is not None and await any_forgotten(connection, [origin.turn_id]):
                return None
            return await rows.remember(
                connection, kind, content, embedding=embedding, origin=origin, valid_from=valid_from
            )

    async def recall(
        self,
        user_id: UUID,
        question: str,
        limit: int,
        *,
        chat: str | None = None,
        now: datetime | None = None,
        turns_in_prompt: Collection[UUID] = (),
        speakers: Sequence[str] | None = None,
    ) -> list[RecalledMemory]:
        """What the person has told that bears on `question`, best first.

        Args:
            now: when it is asked; "yesterday" is counted from it, in its zone.
            beyond: turns that are before the model's eyes already; their episodes are left out.
            speakers: as `speakers` gives them, if they have been looked up already.
        """
        if limit <= 0:
            return []
        made: Collection[str] = ()
        if speakers is None or self._previous_embedders:
            async with self._database.person_transaction(user_id) as connection:
                speakers = await self.list_speakers(connection, chat=chat) if speakers is None else speakers
                # A former model is not even loaded for a person who has none of its vectors any more.
                made = await recall.list_embedders(connection) if self._previous_embedders else ()
        asked = self._question_parser(
            question, now or datetime.now(self._timezone).astimezone(self._timezone), speakers
        )
        former = [embedder for embedder in self._previous_embedders if embedder.name in made]
        compared_by = [*((self._embedder,) if self._embedder else ()), *former]
        embeddings = [await _embed_or_none(embedder, asked.topic, "query") for embedder in compared_by]
        vectors = [embedding for embedding in embeddings if embedding]
        async with self._database.person_transaction(user_id) as connection:
            await _enter_chat(connection, chat)
            compared = recall.RecallQuery(asked.topic, vectors, asked.speakers, asked.voice)
            features = await recall.compute_features(connection, compared)
            ranked, scores = rank_memories(features, asked, self._weights)
            # Two episodes a turn may fall away again.
            best = [features.memory_id(row) for row in ranked[: limit + 2 * len(turns_in_prompt)]]
            score = dict(zip(best, scores.tolist(), strict=False))
            memories = await recall.load_by_ids(connection, best)
        kept = (
            memory for memory in memories if memory.kind != "episode" or memory.source_turn_id not in turns_in_prompt
        )
        return [RecalledMemory(memory, score[memory.id]) for memory in kept][:limit]

    async def list_speakers(self, connection: PersonConnection, *, chat: str | None = None) -> list[str]:
        """The names that the person's memories are told under."""
        await _enter_chat(connection, chat)
        return await recall.list_speakers(connection)

    async def list_visible(self, connection: PersonConnection, *, chat: str | None = None) -> list[Memory]:
        """The facts, summaries and documents that hold now, oldest first."""
        await _enter_chat(connection, chat)
        return await rows.list_valid(connection, VISIBLE_KINDS)

    async def count_episodes(self, connection: PersonConnection, *, chat: str | None = None) -> int:
        """How many messages and answers are remembered."""
        await _enter_chat(connection, chat)
        return await rows.count(connection, "episode")

    async def correct(self, connection: PersonConnection, memory_id: UUID, content: str) -> Memory | None:
        """Put other words in the place of a memory's; None when it was not there."""
        return await rows.correct(connection, memory_id, content, await self.embed(content))

    async def forget(self, connection: PersonConnection, memory_id: UUID) -> bool:
        """Delete one memory for good, vector included; False when it was not there.

        With it goes what it was drawn from and what repeats it (`bot.memory.forgetting`).
        """
        return await forgetting.forget(connection, memory_id)

    async def forget_all(self, connection: PersonConnection) -> int:
        """Delete everything remembered, wherever it was said; how many there were."""
        return await forgetting.forget_all(connection)

    async def embed(self, text: str) -> Embedding | None:
        """The vector a memory of this text is kept with, if there is a model and it can give one now."""
        return await _embed_or_none(self._embedder, text, "passage") if self._embedder else None


def chat_key(platform: str, chat: str | None) -> str | None:
    """What a chat with others is called here; None in private."""
    return f"{platform}:{chat}" if chat else None


async def _enter_chat(connection: PersonConnection, chat: str | None) -> None:
    if chat is not None:
        await rows.restrict_to_chat(connection, chat)


async def _embed_or_none(embedder: Embedder, text: str, purpose: Purpose) -> Embedding | None:
    """The text's vector; None when the model cannot give one now, for words are better than nothing."""
    try:
        [vector] = await embedder.embed([text], purpose)
    except InferenceError as error:
        log.warning("memory.embedding_failed", model=embedder.name, purpose=purpose, reason=str(error))
        return None
    return Embedding(embedder.name, vector)
