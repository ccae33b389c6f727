"""What is remembered of a turn once it is over. It never touches the turn: an answer given stays given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog

from bot.memory.facts import MAX_KNOWN_FACTS, ExtractedFact, extract_facts
from bot.memory.personal import PersonalMemory
from bot.memory.summary import MAX_TURNS, MIN_TURNS, summarise
from consilium.errors import ConsiliumError
from db.infra.database import Database
from db.memory import memories as rows
from db.memory import session_summary
from db.memory.forgetting import any_forgotten
from db.memory.memories import Memory, Origin
from inference.engines.port import Engine

log = structlog.get_logger(__name__)

MAX_EPISODE_CHARACTERS = 4000
"""Of a message or an answer that are kept as an episode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTurn:
    """A turn that has its answer."""

    id: UUID
    user_id: UUID
    session_id: UUID
    question: str
    """As the person wrote it; text that was put beside it for the model must not be in it."""
    answer: str
    said_at: datetime
    """When the message came."""
    in_view: int
    """How many past exchanges the prompt had room for."""
    chat: str | None = None
    """The chat with others it was said in (`chat_key`); None in private."""


@dataclass(frozen=True, slots=True)
class ExtractedMemories:
    """What came of it, beside the episodes."""

    facts: tuple[Memory, ...] = ()
    ended_facts: int = 0
    """Facts that no longer hold."""
    summary: Memory | None = None


class TurnRecorder:
    """Remembers turns: what was said, what it tells of the person, and what the window has lost."""

    def __init__(self, database: Database, engine: Engine, memory: PersonalMemory, *, timeout: float = 30) -> None:
        """Set up.

        Args:
            seconds: how long the engine may take over the facts, and again over the summary.
        """
        self._database = database
        self._engine = engine
        self._memory = memory
        self._timeout = timeout

    async def save_episodes(self, turn: FinishedTurn) -> int:
        """Remember what was said, without the engine; how many episodes are new. Told of it again, it does nothing
        twice.

        Never raises for what the embedder or the database do: what could not be done is left, and logged.
        """
        try:
            return await self._save_episodes(turn)
        except ConsiliumError as error:
            _log_failure(turn, error)
            return 0

    async def extract_memories(self, turn: FinishedTurn) -> ExtractedMemories:
        """Remember what a turn tells of the person, and what the window has lost: both are the engine's work. Raises as
        little as `keep_episodes`.
        """
        facts, ended, summary = list[Memory](), 0, None
        try:
            facts, ended = await self._extract_facts(turn)
            summary = await self._update_summary(turn)
        except ConsiliumError as error:
            _log_failure(turn, error)
        return ExtractedMemories(tuple(facts), ended, summary)

    async def _save_episodes(self, turn: FinishedTurn) -> int:
        """The message and the answer, each as it was."""
        said = ((turn.question, _memory_origin(turn)), (turn.answer, _memory_origin(turn, by_mind=True)))
        episodes = [(content, origin) for text, origin in said if (content := text.strip()[:MAX_EPISODE_CHARACTERS])]
        embeddings = await asyncio.gather(*(self._memory.embed(content) for content, _ in episodes))
        async with self._database.person_transaction(turn.user_id) as connection:
            if await any_forgotten(connection, [turn.id]):
                episodes = []
            kept = [
                await rows.remember(
                    connection, "episode", content, embedding=embedding, origin=origin, valid_from=turn.said_at
                )
                for (content, origin), embedding in zip(episodes, embeddings, strict=False)
            ]
            await session_summary.mark_remembered(connection, turn.id)
        return sum(episode is not None for episode in kept)

    async def _extract_facts(self, turn: FinishedTurn) -> tuple[list[Memory], int]:
        async with self._database.person_transaction(turn.user_id) as connection:
            if await rows.list_by_turn(connection, turn.id, "fact"):
                return [], 0
        known = await self._recall_known_facts(turn)
        drawn = await extract_facts(
            self._engine, turn.question, [memory.content for memory in known], timeout_seconds=self._timeout
        )
        kept: list[Memory] = []
        for fact in drawn:
            if fact.action != "end":
                memory = await self._memory.save(
                    turn.user_id, "fact", fact.text, _memory_origin(turn), valid_from=turn.said_at
                )
                kept += [memory] if memory else []
        return kept, await self._end_outdated_facts(turn, known, drawn)

    async def _recall_known_facts(self, turn: FinishedTurn) -> list[Memory]:
        found = await self._memory.recall(turn.user_id, turn.question, 4 * MAX_KNOWN_FACTS, chat=turn.chat)
        return [one.memory for one in found if one.memory.kind == "fact"][:MAX_KNOWN_FACTS]

    async def _end_outdated_facts(
        self, turn: FinishedTurn, known: Sequence[Memory], extracted: Sequence[ExtractedFact]
    ) -> int:
        over = {known[fact.replaced_index].id for fact in extracted if fact.replaced_index is not None}
        if not over:
            return 0
        async with self._database.person_transaction(turn.user_id) as connection:
            return sum([await rows.expire(connection, memory_id, turn.said_at) for memory_id in over])

    async def _update_summary(self, turn: FinishedTurn) -> Memory | None:
        async with self._database.person_transaction(turn.user_id) as connection:
            before = await session_summary.current_summary(connection, turn.session_id)
            unseen = await session_summary.list_turns_out_of_window(
                connection,
                turn.session_id,
                window_size=turn.in_view,
                after=before.source_turn_id if before else None,
                limit=MAX_TURNS,
            )
        if len(unseen) < MIN_TURNS:
            return None
        content = await summarise(
            self._engine, before.content if before else None, unseen, timeout_seconds=self._timeout
        )
        origin = _memory_origin(turn, until=unseen[-1].id)
        embedding = await self._memory.embed(content)
        async with self._database.person_transaction(turn.user_id) as connection:
            return await session_summary.replace_summary(
                connection,
                before,
                content,
                origin,
                embedding=embedding,
                moment=datetime.now(UTC),
                turn_ids=[one.id for one in unseen],
            )


def _log_failure(turn: FinishedTurn, error: ConsiliumError) -> None:
    log.warning("memory.recording_failed", turn=str(turn.id), error=type(error).__name__, reason=str(error))


def _memory_origin(turn: FinishedTurn, *, by_mind: bool = False, until: UUID | None = None) -> Origin:
    return Origin(
        turn.session_id,
        until or turn.id,
        voice="mind" if by_mind else "person",
        scope="chat" if turn.chat else "private",
        chat=turn.chat,
    )
