"""Remembers a turn after its answer has been delivered. Errors here do not affect the turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog

from bot.memory.facts import MAX_KNOWN_FACTS, ExtractedFact, extract_facts, may_state_facts
from bot.memory.grounding import is_supported, own_sentences
from bot.memory.personal import PersonalMemory
from bot.memory.summary import MAX_TURNS, MIN_TURNS, summarise
from bot.memory.superseding import stated_changes
from consilium.errors import ConsiliumError
from db.infra.database import Database
from db.memory import memories as rows
from db.memory import session_summary
from db.memory.episodes import Episode, remember_turn
from db.memory.forgetting import any_forgotten, lock_question
from db.memory.memories import Memory, Origin
from inference.engines.port import Engine

log = structlog.get_logger(__name__)

MAX_EPISODE_CHARACTERS = 4000
"""Maximum length of an episode, in characters: longer messages and answers are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTurn:
    """A turn with its answer."""

    id: UUID
    user_id: UUID
    session_id: UUID
    question: str
    """The person's own message, without text that was added for the model."""
    answer: str
    said_at: datetime
    """When the message came in."""
    window_size: int
    """Number of past exchanges in the prompt."""
    chat: str | None = None
    """The group chat it was said in (`chat_key`); None in private."""
    seq: int | None = None
    """Its place in its session: 1, 2, 3, …; None if that is not known."""


@dataclass(frozen=True, slots=True)
class ExtractedMemories:
    """The memories that the engine extracted from a turn."""

    facts: tuple[Memory, ...] = ()
    ended_facts: int = 0
    """Number of known facts that no longer hold."""
    summary: Memory | None = None
    """The session's new summary, if it was updated."""


class TurnRecorder:
    """Remembers turns: their texts as episodes, facts about the person, and a summary of what left the window."""

    def __init__(self, database: Database, engine: Engine, memory: PersonalMemory, *, timeout: float = 30) -> None:
        """Set up.

        Args:
            timeout: seconds the engine may take for the facts, and again for the summary.
        """
        self._database = database
        self._engine = engine
        self._memory = memory
        self._timeout = timeout

    async def save_episodes(self, turn: FinishedTurn) -> int:
        """Save message and answer as episodes, and return how many are new. It does not use the engine. Idempotent.

        If something that the answer was made with has been forgotten in the meantime, only what is left of the message
        is saved.

        Errors of the embedder and the database are logged and not raised.
        """
        try:
            return await self._save_episodes(turn)
        except ConsiliumError as error:
            _log_failure(turn, error)
            return 0

    async def extract_memories(self, turn: FinishedTurn) -> ExtractedMemories:
        """Extract facts and update the summary, both with the engine.

        Errors of the embedder and the database are logged and not raised.
        """
        facts, ended_facts, summary = list[Memory](), 0, None
        try:
            facts, ended_facts = await self._extract_facts(turn)
            summary = await self._update_summary(turn)
        except ConsiliumError as error:
            _log_failure(turn, error)
        return ExtractedMemories(tuple(facts), ended_facts, summary)

    async def _save_episodes(self, turn: FinishedTurn) -> int:
        texts = ((turn.question, _memory_origin(turn)), (turn.answer, _memory_origin(turn, by_mind=True)))
        episodes = [(content, origin) for text, origin in texts if (content := text.strip()[:MAX_EPISODE_CHARACTERS])]
        embeddings = await asyncio.gather(*(self._memory.embed(content) for content, _ in episodes))
        async with self._database.person_transaction(turn.user_id, by_key=True) as connection:
            kept = await lock_question(connection, turn.id)
            if kept is not None and kept.forgotten:
                left = "" if kept.remembered else kept.question.strip()[:MAX_EPISODE_CHARACTERS]
                # The vector of a part of the message is computed in the background.
                vectors = {text: vector for (text, _), vector in zip(episodes, embeddings, strict=True)}
                episodes = [(left, _memory_origin(turn))] if left else []
                embeddings = [vectors.get(left)] if left else []
            return await remember_turn(
                connection,
                turn.id,
                [
                    Episode(content, origin, embedding)
                    for (content, origin), embedding in zip(episodes, embeddings, strict=True)
                ],
                said_at=turn.said_at,
            )

    async def _extract_facts(self, turn: FinishedTurn) -> tuple[list[Memory], int]:
        # Most messages ask and state nothing: there is nothing to look up for them.
        if not own_sentences(turn.question):
            return [], 0
        async with self._database.person_transaction(turn.user_id) as connection:
            if await rows.list_by_turn(connection, turn.id, "fact"):
                return [], 0
        known = await self._recall_known_facts(turn) if may_state_facts(turn.question) else []
        extracted = await extract_facts(
            self._engine, turn.question, [memory.content for memory in known], timeout_seconds=self._timeout
        )
        saved: list[Memory] = []
        for fact in extracted:
            if fact.action != "end":
                memory = await self._memory.save(
                    turn.user_id, "fact", fact.text, _memory_origin(turn), valid_from=turn.said_at
                )
                saved += [memory] if memory else []
        ended = await self._end_outdated_facts(turn, known, extracted)
        # What the engine has overlooked.
        return saved + await self._note_changes(turn, [fact.content for fact in saved]), ended

    async def note_changes(self, turn: FinishedTurn) -> int:
        """Note what the message says that ends a known fact, without the engine; how many facts it notes. Idempotent.

        Errors of the embedder and the database are logged and not raised.
        """
        try:
            if not own_sentences(turn.question):
                return 0
            async with self._database.person_transaction(turn.user_id) as connection:
                if await rows.list_by_turn(connection, turn.id, "fact"):
                    return 0
            return len(await self._note_changes(turn, ()))
        except ConsiliumError as error:
            _log_failure(turn, error)
            return 0

    async def _note_changes(self, turn: FinishedTurn, saved: Sequence[str]) -> list[Memory]:
        """End the facts that the message ends by rule, and note what says so if no saved fact does."""
        sentences = own_sentences(turn.question)
        async with self._database.person_transaction(turn.user_id) as connection:
            if turn.chat is not None:
                await rows.restrict_to_chat(connection, turn.chat)
            facts = await rows.list_valid(connection, ("fact",))
        facts = [fact for fact in facts if fact.source_turn_id != turn.id]
        noted: list[Memory] = []
        for sentence, ended in stated_changes(sentences, [fact.content for fact in facts]):
            is_noted = any(is_supported(fact, sentence) for fact in saved)
            embedding = None if is_noted else await self._memory.embed(sentence)
            async with self._database.person_transaction(turn.user_id) as connection:
                if await any_forgotten(connection, [turn.id]):
                    return noted
                if not is_noted:
                    memory = await rows.remember(
                        connection,
                        "fact",
                        sentence,
                        embedding=embedding,
                        origin=_memory_origin(turn),
                        valid_from=turn.said_at,
                    )
                    noted += [memory] if memory else []
                for index in ended:
                    await rows.expire(connection, facts[index].id, turn.said_at)
        return noted

    async def _recall_known_facts(self, turn: FinishedTurn) -> list[Memory]:
        recalled = await self._memory.recall(
            turn.user_id, turn.question, 4 * MAX_KNOWN_FACTS, chat=turn.chat, turns_in_prompt={turn.id}
        )
        return [hit.memory for hit in recalled if hit.memory.kind == "fact"][:MAX_KNOWN_FACTS]

    async def _end_outdated_facts(
        self, turn: FinishedTurn, known: Sequence[Memory], extracted: Sequence[ExtractedFact]
    ) -> int:
        outdated = {known[fact.replaced_index].id for fact in extracted if fact.replaced_index is not None}
        if not outdated:
            return 0
        async with self._database.person_transaction(turn.user_id) as connection:
            return sum([await rows.expire(connection, memory_id, turn.said_at) for memory_id in outdated])

    async def _update_summary(self, turn: FinishedTurn) -> Memory | None:
        # A later turn of the session looks for itself.
        if turn.seq is not None and turn.seq - turn.window_size < MIN_TURNS:
            return None
        async with self._database.person_transaction(turn.user_id) as connection:
            previous = await session_summary.current_summary(connection, turn.session_id)
            turns = await session_summary.list_turns_out_of_window(
                connection,
                turn.session_id,
                window_size=turn.window_size,
                after=previous.source_turn_id if previous else None,
                limit=MAX_TURNS,
            )
        if len(turns) < MIN_TURNS:
            return None
        content = await summarise(
            self._engine, previous.content if previous else None, turns, timeout_seconds=self._timeout
        )
        origin = _memory_origin(turn, turn_id=turns[-1].id)
        embedding = await self._memory.embed(content)
        async with self._database.person_transaction(turn.user_id) as connection:
            return await session_summary.replace_summary(
                connection,
                previous,
                content,
                origin,
                embedding=embedding,
                moment=datetime.now(UTC),
                turn_ids=[summarised.id for summarised in turns],
            )


def _log_failure(turn: FinishedTurn, error: ConsiliumError) -> None:
    log.warning("memory.recording_failed", turn=str(turn.id), error=type(error).__name__, reason=error)


def _memory_origin(turn: FinishedTurn, *, by_mind: bool = False, turn_id: UUID | None = None) -> Origin:
    """The origin of a memory of this turn, or of an earlier one of its session."""
    return Origin(
        turn.session_id,
        turn_id or turn.id,
        voice="mind" if by_mind else "person",
        scope="chat" if turn.chat else "private",
        chat=turn.chat,
    )
