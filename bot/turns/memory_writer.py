"""What is remembered of a turn once its answer is shown: first what was said, by and by what follows from it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Final
from uuid import UUID

import structlog

from bot.answering.draft import Draft
from bot.answering.pipeline import WINDOW_TURNS
from bot.core.conversation import Conversation
from bot.memory import FinishedTurn, TurnRecorder
from db.turns.turns import Turn

MAX_PENDING_EXTRACTIONS: Final = 200
"""Turns that wait for the engine to look at what they tell of a person; of more, the oldest are let go."""

EPISODE_BATCH_SIZE: Final = 4
"""Turns whose words are kept at once: the model embeds them together."""
SHUTDOWN_TIMEOUT: Final = 5.0
"""Seconds that a process which ends goes on keeping what was said."""

log = structlog.get_logger(__name__)


class MemoryWriter:
    """Remembers turns of this process beside the answers."""

    def __init__(self, rememberer: TurnRecorder, *, extract_facts: bool) -> None:
        """Set up.

        Args:
            draws: whether the engine is asked for facts and summaries.
        """
        self._rememberer = rememberer
        self._extract_facts = extract_facts
        self._pending_episodes: deque[FinishedTurn] = deque()
        """Turns whose words are to be kept."""
        self._pending_extractions: deque[FinishedTurn] = deque(maxlen=MAX_PENDING_EXTRACTIONS)
        """Turns that the engine is to look at."""
        self._recovered: set[UUID] = set()
        """Of those whose words are to be kept, the ones that another process may have kept meanwhile."""
        self._extracting = 0
        self._wakeup = asyncio.Event()

    @property
    def pending(self) -> int:
        """Turns in line, those included that are being remembered just now."""
        return len(self._pending_episodes) + len(self._pending_extractions) + self._extracting

    def enqueue(self, conversation: Conversation, turn: Turn, draft: Draft) -> None:
        """Have a turn remembered. Nobody waits for it: who has his answer is let go."""
        if draft.text:
            window_size = draft.prompt.exchanges if draft.prompt else 0
            self._pending_episodes.append(_finished_turn(conversation, turn, draft.text, window_size))
            self._wakeup.set()

    def enqueue_recovered(self, conversation: Conversation, turn: Turn) -> None:
        """Have a turn remembered whose process did not come to it. Told of one that is in line already, do nothing."""
        if turn.answer and all(one.id != turn.id for one in self._pending_episodes):
            # Nobody knows any more how much its prompt had room for; the next turn's summary makes up for it.
            self._pending_episodes.append(_finished_turn(conversation, turn, turn.answer, WINDOW_TURNS))
            self._recovered.add(turn.id)
            self._wakeup.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Remember as long as this is open. What was said is kept before it is left, if that takes no longer than
        `LEAVING`.
        """
        task = asyncio.create_task(self._run(), name="afterwards")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                    await self._save_episodes()

    async def _run(self) -> None:
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            await self._save_episodes()
            while self._pending_extractions:
                await self._extract(self._pending_extractions.popleft())
                await self._save_episodes()

    async def _save_episodes(self) -> None:
        # A turn stays in line until it is kept, and is kept once however often it is tried.
        while self._pending_episodes:
            some = list(islice(self._pending_episodes, EPISODE_BATCH_SIZE))
            told = (self._rememberer.save_episodes(finished) for finished in some)
            kept = await asyncio.gather(*told, return_exceptions=True)
            for finished, episodes in zip(some, kept, strict=True):
                self._pending_episodes.popleft()
                if isinstance(episodes, BaseException):
                    # A turn that cannot be remembered keeps no other from it.
                    log.error("memory.episodes_not_saved", turn=str(finished.id), exc_info=episodes)
                    continue
                is_late = finished.id in self._recovered
                self._recovered.discard(finished.id)
                if self._extract_facts and (episodes or not is_late):
                    self._pending_extractions.append(finished)

    async def _extract(self, finished: FinishedTurn) -> None:
        self._extracting = 1
        try:
            remembered = await self._rememberer.extract_memories(finished)
        except Exception:
            # A turn that cannot be looked at keeps no other from it.
            log.exception("memory.extraction_failed", turn=str(finished.id))
            return
        finally:
            self._extracting = 0
        log.info(
            "memory.extracted",
            facts=len(remembered.facts),
            ended=remembered.ended_facts,
            summary=remembered.summary is not None,
        )


def _finished_turn(conversation: Conversation, turn: Turn, answer: str, window_size: int) -> FinishedTurn:
    return FinishedTurn(
        id=turn.id,
        user_id=turn.user_id,
        session_id=turn.session_id,
        question=turn.question,
        answer=answer,
        said_at=turn.created_at,
        window_size=window_size,
        chat=conversation.session.group_chat,
    )
