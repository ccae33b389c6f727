"""A person's memory: saved with vectors, recalled by meaning, words, speaker and time together."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final
from uuid import UUID

import structlog

from bot.memory import forgetting
from bot.memory.evidence import worth_of
from bot.memory.forgetting import Forgotten
from bot.memory.question import Question, parse_question
from bot.memory.records import Record
from bot.memory.scoring import DEFAULT_WEIGHTS, ScoreWeights, rank_memories
from bot.memory.superseding import supersedes
from bot.text.words import fold, stem
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.memory import memories as rows
from db.memory import recall
from db.memory.forgetting import any_forgotten
from db.memory.memories import Embedding, Memory, MemoryKind, Origin
from db.memory.told import ToldMessage, list_told
from inference.embedding import Embedder, Purpose, knows_language
from inference.errors import InferenceError

log = structlog.get_logger(__name__)

_WORD: Final = re.compile(r"\w+(?:['’]\w+)?")

_REPETITIONS: Final = 12
"""How many times as many memories are looked at as are wanted, because some repeat each other or only ask."""

_MAX_TOLD_VECTORS: Final = 16
"""Messages that are embedded with a question because they are not remembered yet; older ones are compared by words."""

QuestionParser = Callable[[str, datetime, Sequence[str]], Question]
"""Parses a question, given the time it is asked and the names of the speakers in the person's memories."""


@dataclass(frozen=True, slots=True)
class RecalledMemory:
    """A memory and its score."""

    memory: Memory
    score: float
    """A weighted sum (`bot.memory.scoring`). Scores of different questions cannot be compared."""


@dataclass(frozen=True, slots=True)
class RecallSources:
    """What recall knows of a person before it knows what they ask."""

    speakers: Sequence[str]
    """The names of the speakers in their memories."""
    told: Sequence[ToldMessage]
    """Their messages that are not remembered yet, newest first."""
    stored_models: frozenset[str]
    """The models whose vectors their memories have, as far as previous models are compared at all."""
    has_memories: bool
    """Whether there are any that may be seen here."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to recall."""
        return not self.has_memories and not self.told


class PersonalMemory:
    """Saves, recalls, corrects and deletes the memories of one person at a time.

    `chat`, where a method takes it, is the group chat the person is in now; None is a private chat. In a group chat,
    until the transaction ends, the database shows only what was said in that chat.
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
            embedder: embeds new memories and questions. None, as in a process without models: memories are saved
                without a vector, which `Reembedder` adds later, and recalled by their words.
            previous_embedders: models whose vectors are compared, too, until `Reembedder` has replaced them.
            timezone: the zone in which "yesterday" begins and ends; None for the machine's.
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
    ) -> tuple[Memory, list[Memory]]:
        """Save a fact that the person asked to remember. Returns it, and the facts that it ends."""
        known = await rows.list_valid(connection, ("fact",))
        origin = Origin(session_id, source_turn_id, scope="chat" if chat else "private", chat=chat)
        embedding = await self.embed(content)
        fact = await rows.remember(connection, "fact", content, embedding=embedding, origin=origin)
        assert fact is not None
        ended = [old for old in known if supersedes(content, old.content)]
        for old in ended:
            await rows.expire(connection, old.id, fact.valid_from)
        return fact, ended

    async def save(
        self, user_id: UUID, kind: MemoryKind, content: str, origin: Origin, *, valid_from: datetime | None = None
    ) -> Memory | None:
        """Save a memory of any kind.

        None if it is an episode that was saved before, or if the person has had its turn forgotten in the meantime.

        Args:
            valid_from: when it was said or began to hold; None for now.
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
        sources: RecallSources | None = None,
    ) -> list[RecalledMemory]:
        """The person's memories that are relevant to `question`, best first.

        Among them is what they have said in turns that are not remembered yet, be it in another session, before
        `/new`, or while whoever remembers is busy or gone.

        Args:
            now: when it is asked, with a time zone; "yesterday" is relative to it. None for now.
            turns_in_prompt: turns that the model sees anyway, that of the question included; their messages and
                answers are left out.
            sources: the result of `load_sources` with the same `turns_in_prompt`, if it is there already.
        """
        if limit <= 0:
            return []
        if sources is None:
            async with self._database.person_transaction(user_id) as connection:
                sources = await self.load_sources(connection, chat=chat, turns_in_prompt=turns_in_prompt)
        if sources.is_empty:
            return []
        told = sources.told
        parsed = self._question_parser(
            question, now or datetime.now(self._timezone).astimezone(self._timezone), sources.speakers
        )
        previous = [embedder for embedder in self._previous_embedders if embedder.name in sources.stored_models]
        every = [*((self._embedder,) if self._embedder else ()), *previous]
        embedders = [embedder for embedder in every if knows_language(embedder.name, parsed.topic)]
        embeddings = [await _embed_or_none(embedder, parsed.topic, "query") for embedder in embedders]
        vectors = [embedding for embedding in embeddings if embedding]
        told_vectors = await self._embed_told(told) if self._embedder in embedders else {}
        async with self._database.person_transaction(user_id) as connection:
            await _enter_chat(connection, chat)
            # Anew: some may have been remembered or forgotten meanwhile.
            told = await list_told(connection, turns_in_prompt) if told else []
            known_vectors = {message.id: told_vectors[message] for message in told if message in told_vectors}
            query = recall.RecallQuery(parsed.topic, vectors, parsed.speakers, parsed.voice, told, known_vectors)
            features = await recall.compute_features(connection, query)
            ranked, scores = rank_memories(features, parsed, self._weights)
            # Each turn in the prompt can have two episodes among the best, and repetitions are dropped, too.
            best = [features.memory_id(row) for row in ranked[: _REPETITIONS * limit + 2 * len(turns_in_prompt)]]
            score_by_id = dict(zip(best, scores.tolist(), strict=False))
            told_memories = {message.id: message.as_memory(user_id) for message in told}
            stored = await recall.load_by_ids(connection, [id_ for id_ in best if id_ not in told_memories])
            by_id = told_memories | {memory.id: memory for memory in stored}
            memories = [by_id[id_] for id_ in best if id_ in by_id]
        recalled = [
            RecalledMemory(
                memory, score_by_id[memory.id] * worth_of(memory, question, about_questions=parsed.about_questions)
            )
            for memory in memories
            if memory.kind != "episode" or memory.source_turn_id not in turns_in_prompt
        ]
        recalled.sort(key=lambda hit: hit.score, reverse=True)
        return drop_repetitions(recalled)[:limit]

    async def _embed_told(self, told: Sequence[ToldMessage]) -> dict[ToldMessage, Embedding]:
        """The vectors of the newest of these messages; none if the model fails."""
        newest = told[:_MAX_TOLD_VECTORS]
        if not newest or self._embedder is None:
            return {}
        try:
            vectors = await self._embedder.embed([message.question for message in newest], "passage")
        except InferenceError as error:
            log.warning("memory.embedding_failed", model=self._embedder.name, purpose="passage", reason=error)
            return {}
        return {
            message: Embedding(self._embedder.name, vector) for message, vector in zip(newest, vectors, strict=True)
        }

    async def load_sources(
        self, connection: PersonConnection, *, chat: str | None = None, turns_in_prompt: Collection[UUID] = ()
    ) -> RecallSources:
        """What `recall` reads first, for those who have a transaction of the person open anyway."""
        await _enter_chat(connection, chat)
        told = await list_told(connection, turns_in_prompt)
        # A previous model is not even loaded for a person who has no vectors of it.
        overview = await recall.load_overview(connection, with_embedders=bool(self._previous_embedders))
        return RecallSources(overview.speakers, told, overview.embedders, overview.has_any)

    async def correct(self, connection: PersonConnection, memory_id: UUID, content: str) -> Memory | None:
        """Replace the text of a memory; None if the person has no such memory."""
        return await rows.correct(connection, memory_id, content, await self.embed(content))

    async def forget(
        self, connection: PersonConnection, records: Collection[Record], *, settled: Collection[Record] = ()
    ) -> Forgotten | None:
        """Delete records permanently, with everything that says the same (`bot.memory.forgetting`).

        None if the person has none of them.

        Args:
            settled: records that the person has been asked about already: they stay unless they are among `records`.
        """
        return await forgetting.forget(connection, records, self.embed, settled=settled)

    async def forget_all(self, connection: PersonConnection) -> int:
        """Delete all memories from all chats, and return their number."""
        return await forgetting.forget_all(connection)

    async def embed(self, text: str) -> Embedding | None:
        """The vector for a memory with this text; None without a model, or if it fails."""
        return await _embed_or_none(self._embedder, text, "passage") if self._embedder else None


def drop_repetitions(recalled: Sequence[RecalledMemory]) -> list[RecalledMemory]:
    """Of memories that say the same in the same words, one: a fact, or else the newest, in the place of the best."""
    kept: dict[tuple[object, ...], RecalledMemory] = {}
    for found in recalled:
        memory = found.memory
        key = ("passage", memory.id) if memory.kind == "passage" else (memory.voice, memory.speaker, *_words(memory))
        best = kept.get(key)
        if best is None:
            kept[key] = found
        elif _is_better(memory, best.memory):
            kept[key] = RecalledMemory(memory, best.score)
    return list(kept.values())


def _words(memory: Memory) -> Iterator[str]:
    """The stems of a memory's words in their order, and whether it asks."""
    yield from map(stem, _WORD.findall(fold(memory.content)))
    yield "?" if memory.content.rstrip().endswith("?") else ""


def _is_better(memory: Memory, other: Memory) -> bool:
    if (memory.kind == "fact") != (other.kind == "fact"):
        return memory.kind == "fact"
    return memory.valid_from > other.valid_from


def chat_key(platform: str, chat: str | None) -> str | None:
    """The key of a group chat in the memory; None for a private chat."""
    return f"{platform}:{chat}" if chat else None


async def _enter_chat(connection: PersonConnection, chat: str | None) -> None:
    if chat is not None:
        await rows.restrict_to_chat(connection, chat)


async def _embed_or_none(embedder: Embedder, text: str, purpose: Purpose) -> Embedding | None:
    """The text's vector; None if the model fails: then words alone have to do."""
    try:
        [vector] = await embedder.embed([text], purpose)
    except InferenceError as error:
        log.warning("memory.embedding_failed", model=embedder.name, purpose=purpose, reason=error)
        return None
    return Embedding(embedder.name, vector)
