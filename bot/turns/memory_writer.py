"""Remembers turns after their answers are shown: first their text, and in the background what follows from it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import islice
from typing import Final
from uuid import UUID

import structlog

from bot.answering.draft import Draft
from bot.core.conversation import WINDOW_TURNS, Conversation
from bot.memory import FinishedTurn, TurnRecorder
from db.turns.turns import Turn

MAX_PENDING_EXTRACTIONS: Final = 200
"""Turns that wait for the engine to extract facts from them; beyond this the oldest are dropped."""
EPISODE_BATCH_SIZE: Final = 8
"""Turns whose text is saved at once: the model embeds them together."""
MAX_WAITING_EPISODES: Final = 64
"""Turns whose text waits while this process answers further questions, which somebody is waiting for."""
MAX_LINGER: Final = 10.0
"""Seconds for which it waits then, at most. What a person has said is recalled from their turns until it is saved."""
SHUTDOWN_TIMEOUT: Final = 5.0
"""Seconds for which an ending process goes on saving text."""

log = structlog.get_logger(__name__)


class MemoryWriter:
    """Remembers turns of this process in the background, while answers go on."""

    def __init__(self, recorder: TurnRecorder, *, extract_facts: bool) -> None:
        """Set up.

        Args:
            extract_facts: whether the engine is asked for facts and summaries.
        """
        self._recorder = recorder
        self._extract_facts = extract_facts
        self._pending_episodes: deque[FinishedTurn] = deque()
        """Turns whose text is to be saved."""
        self._pending_extractions: deque[FinishedTurn] = deque(maxlen=MAX_PENDING_EXTRACTIONS)
        """Turns that the engine is to extract facts from."""
        self._recovered: set[UUID] = set()
        """Pending turns of other processes: their text may have been saved already."""
        self._waiting_since = 0.0
        """When the first of the turns whose text is to be saved came, on the monotonic clock."""
        self._extracting = 0
        self._answering = 0
        """Turns that are being answered in this process, and are to be remembered soon."""
        self._wakeup = asyncio.Event()

    @property
    def pending(self) -> int:
        """Turns that wait to be remembered or are being remembered."""
        return len(self._pending_episodes) + len(self._pending_extractions) + self._extracting

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While this is open, a turn is being answered that will be enqueued perhaps."""
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1
            if not self._answering:
                self._wakeup.set()

    def enqueue(self, conversation: Conversation, turn: Turn, draft: Draft) -> None:
        """Have a turn remembered; returns at once."""
        if draft.text:
            window_size = draft.prompt.exchanges if draft.prompt else 0
            self._add(_finished_turn(conversation, turn, draft.text, window_size))

    def enqueue_recovered(self, conversation: Conversation, turn: Turn) -> None:
        """Have a turn remembered that another process did not get to. A turn that is pending already is ignored."""
        if turn.answer and all(pending.id != turn.id for pending in self._pending_episodes):
            # How many exchanges its prompt had room for is not known any more; the next turn's summary covers the gap.
            self._recovered.add(turn.id)
            self._add(_finished_turn(conversation, turn, turn.answer, WINDOW_TURNS))

    def _add(self, finished: FinishedTurn) -> None:
        if not self._pending_episodes:
            self._waiting_since = time.monotonic()
        self._pending_episodes.append(finished)
        self._wakeup.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Remember turns while this is open. Pending text is saved at the end, if that takes no longer than
        `SHUTDOWN_TIMEOUT`.
        """
        task = asyncio.create_task(self._run(), name="memory-writer")
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
            await self._linger()
            await self._save_episodes()
            while self._pending_extractions:
                await self._extract(self._pending_extractions.popleft())
                if not self._may_linger:
                    await self._save_episodes()

    @property
    def _may_linger(self) -> bool:
        """Whether texts may wait: answers go before them, but not for ever."""
        is_early = time.monotonic() < self._waiting_since + MAX_LINGER
        return is_early and bool(self._answering) and 0 < len(self._pending_episodes) < MAX_WAITING_EPISODES

    async def _linger(self) -> None:
        while self._may_linger:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._waiting_since + MAX_LINGER - time.monotonic()):
                    await self._wakeup.wait()
            self._wakeup.clear()

    async def _save_episodes(self) -> None:
        # A turn stays pending until its text is saved, and is saved once however often that is tried.
        while self._pending_episodes:
            batch = list(islice(self._pending_episodes, EPISODE_BATCH_SIZE))
            saved = await asyncio.gather(
                *(self._recorder.save_episodes(finished) for finished in batch), return_exceptions=True
            )
            for finished, episodes in zip(batch, saved, strict=True):
                self._pending_episodes.popleft()
                if isinstance(episodes, BaseException):
                    # One turn that cannot be remembered must not block the others.
                    log.error("memory.episodes_not_saved", turn=str(finished.id), exc_info=episodes)
                    continue
                is_recovered = finished.id in self._recovered
                self._recovered.discard(finished.id)
                if self._extract_facts and (episodes or not is_recovered):
                    self._pending_extractions.append(finished)
                elif episodes:
                    await self._recorder.note_changes(finished)

    async def _extract(self, finished: FinishedTurn) -> None:
        self._extracting = 1
        try:
            extracted = await self._recorder.extract_memories(finished)
        except Exception:
            # One turn that cannot be read must not block the others.
            log.exception("memory.extraction_failed", turn=str(finished.id))
            return
        finally:
            self._extracting = 0
        log.info(
            "memory.extracted",
            facts=len(extracted.facts),
            ended=extracted.ended_facts,
            summary=extracted.summary is not None,
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
        seq=turn.seq,
    )
