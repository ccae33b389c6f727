"""What is remembered of a turn once it is over. It never touches the turn: an answer given stays given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog

from bot.recall.memory.facts import MOST_KNOWN, Drawn, draw_facts
from bot.recall.memory.personal import PersonalMemory
from bot.recall.memory.summary import FEWEST_TURNS, MOST_TURNS, sum_up
from consilium.errors import ConsiliumError
from db import memory as rows
from db import told
from db.database import Database
from db.forgetting import is_forgotten
from db.memory import Memory, Origin
from inference.engine.port import Engine

log = structlog.get_logger(__name__)

MAX_CHARACTERS = 4000
"""Of a message or an answer that are kept as an episode."""


@dataclass(frozen=True, slots=True)
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
class Remembered:
    """What came of it, beside the episodes."""

    facts: tuple[Memory, ...] = ()
    ended: int = 0
    """Facts that no longer hold."""
    summary: Memory | None = None


class Rememberer:
    """Remembers turns: what was said, what it tells of the person, and what the window has lost."""

    def __init__(self, database: Database, engine: Engine, memory: PersonalMemory, *, seconds: float = 30) -> None:
        """Set up.

        Args:
            seconds: how long the engine may take over the facts, and again over the summary.
        """
        self._database = database
        self._engine = engine
        self._memory = memory
        self._seconds = seconds

    async def keep_episodes(self, turn: FinishedTurn) -> int:
        """Remember what was said, without the engine; how many episodes are new. Told of it again, it does nothing
        twice.

        Never raises for what the embedder or the database do: what could not be done is left, and logged.
        """
        try:
            return await self._keep_episodes(turn)
        except ConsiliumError as error:
            _incomplete(turn, error)
            return 0

    async def draw(self, turn: FinishedTurn) -> Remembered:
        """Remember what a turn tells of the person, and what the window has lost: both are the engine's work. Raises as
        little as `keep_episodes`.
        """
        facts, ended, summary = list[Memory](), 0, None
        try:
            facts, ended = await self._keep_facts(turn)
            summary = await self._keep_summary(turn)
        except ConsiliumError as error:
            _incomplete(turn, error)
        return Remembered(tuple(facts), ended, summary)

    async def _keep_episodes(self, turn: FinishedTurn) -> int:
        """The message and the answer, each as it was."""
        said = ((turn.question, _origin(turn)), (turn.answer, _origin(turn, by_mind=True)))
        episodes = [(content, origin) for text, origin in said if (content := text.strip()[:MAX_CHARACTERS])]
        embeddings = await asyncio.gather(*(self._memory.embedded(content) for content, _ in episodes))
        async with self._database.person(turn.user_id) as connection:
            if await is_forgotten(connection, [turn.id]):
                episodes = []
            kept = [
                await rows.remember(
                    connection, "episode", content, embedding=embedding, origin=origin, valid_from=turn.said_at
                )
                for (content, origin), embedding in zip(episodes, embeddings, strict=False)
            ]
            await told.mark_remembered(connection, turn.id)
        return sum(episode is not None for episode in kept)

    async def _keep_facts(self, turn: FinishedTurn) -> tuple[list[Memory], int]:
        async with self._database.person(turn.user_id) as connection:
            if await rows.drawn_from(connection, turn.id, "fact"):
                return [], 0
        known = await self._known(turn)
        drawn = await draw_facts(
            self._engine, turn.question, [memory.content for memory in known], seconds=self._seconds
        )
        kept: list[Memory] = []
        for fact in drawn:
            if fact.action != "end":
                memory = await self._memory.keep(turn.user_id, "fact", fact.text, _origin(turn), since=turn.said_at)
                kept += [memory] if memory else []
        return kept, await self._end(turn, known, drawn)

    async def _known(self, turn: FinishedTurn) -> list[Memory]:
        found = await self._memory.recall(turn.user_id, turn.question, 4 * MOST_KNOWN, chat=turn.chat)
        return [one.memory for one in found if one.memory.kind == "fact"][:MOST_KNOWN]

    async def _end(self, turn: FinishedTurn, known: Sequence[Memory], drawn: Sequence[Drawn]) -> int:
        over = {known[fact.replaces].id for fact in drawn if fact.replaces is not None}
        if not over:
            return 0
        async with self._database.person(turn.user_id) as connection:
            return sum([await rows.end(connection, memory_id, turn.said_at) for memory_id in over])

    async def _keep_summary(self, turn: FinishedTurn) -> Memory | None:
        async with self._database.person(turn.user_id) as connection:
            before = await told.summary_of(connection, turn.session_id)
            unseen = await told.unseen(
                connection,
                turn.session_id,
                in_view=turn.in_view,
                after=before.source_turn_id if before else None,
                limit=MOST_TURNS,
            )
        if len(unseen) < FEWEST_TURNS:
            return None
        content = await sum_up(self._engine, before.content if before else None, unseen, seconds=self._seconds)
        origin = _origin(turn, until=unseen[-1].id)
        embedding = await self._memory.embedded(content)
        async with self._database.person(turn.user_id) as connection:
            return await told.replace_summary(
                connection,
                before,
                content,
                origin,
                embedding=embedding,
                moment=datetime.now(UTC),
                taken_in=[one.id for one in unseen],
            )


def _incomplete(turn: FinishedTurn, error: ConsiliumError) -> None:
    log.warning("memory.incomplete", turn=str(turn.id), error=type(error).__name__, reason=str(error))


def _origin(turn: FinishedTurn, *, by_mind: bool = False, until: UUID | None = None) -> Origin:
    return Origin(
        turn.session_id,
        until or turn.id,
        voice="mind" if by_mind else "person",
        scope="chat" if turn.chat else "private",
        chat=turn.chat,
    )
