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

from bot.recall.memory import FinishedTurn, Rememberer
from bot.turns.conversation import Conversation
from bot.turns.draft import Draft
from bot.turns.pipeline import WINDOW_TURNS
from db.turns import Turn

MOST: Final = 200
"""Turns that wait for the engine to look at what they tell of a person; of more, the oldest are let go."""

AT_ONCE: Final = 4
"""Turns whose words are kept at once: the model embeds them together."""
LEAVING: Final = 5.0
"""Seconds that a process which ends goes on keeping what was said."""

log = structlog.get_logger(__name__)


class Afterwards:
    """Remembers turns of this process beside the answers."""

    def __init__(self, rememberer: Rememberer, *, draws: bool) -> None:
        """Set up.

        Args:
            draws: whether the engine is asked for facts and summaries.
        """
        self._rememberer = rememberer
        self._draws = draws
        self._said: deque[FinishedTurn] = deque()
        """Turns whose words are to be kept."""
        self._telling: deque[FinishedTurn] = deque(maxlen=MOST)
        """Turns that the engine is to look at."""
        self._late: set[UUID] = set()
        """Of those whose words are to be kept, the ones that another process may have kept meanwhile."""
        self._drawing = 0
        self._news = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Turns in line, those included that are being remembered just now."""
        return len(self._said) + len(self._telling) + self._drawing

    def note(self, conversation: Conversation, turn: Turn, draft: Draft) -> None:
        """Have a turn remembered. Nobody waits for it: who has his answer is let go."""
        if draft.text:
            in_view = draft.prompt.exchanges if draft.prompt else 0
            self._said.append(_finished(conversation, turn, draft.text, in_view))
            self._news.set()

    def catch_up(self, conversation: Conversation, turn: Turn) -> None:
        """Have a turn remembered whose process did not come to it. Told of one that is in line already, do nothing."""
        if turn.answer and all(one.id != turn.id for one in self._said):
            # Nobody knows any more how much its prompt had room for; the next turn's summary makes up for it.
            self._said.append(_finished(conversation, turn, turn.answer, WINDOW_TURNS))
            self._late.add(turn.id)
            self._news.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
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
                async with asyncio.timeout(LEAVING):
                    await self._keep_said()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._keep_said()
            while self._telling:
                await self._draw(self._telling.popleft())
                await self._keep_said()

    async def _keep_said(self) -> None:
        # A turn stays in line until it is kept, and is kept once however often it is tried.
        while self._said:
            some = list(islice(self._said, AT_ONCE))
            told = (self._rememberer.keep_episodes(finished) for finished in some)
            kept = await asyncio.gather(*told, return_exceptions=True)
            for finished, episodes in zip(some, kept, strict=True):
                self._said.popleft()
                if isinstance(episodes, BaseException):
                    # A turn that cannot be remembered keeps no other from it.
                    log.error("memory.not_kept", turn=str(finished.id), exc_info=episodes)
                    continue
                is_late = finished.id in self._late
                self._late.discard(finished.id)
                if self._draws and (episodes or not is_late):
                    self._telling.append(finished)

    async def _draw(self, finished: FinishedTurn) -> None:
        self._drawing = 1
        try:
            remembered = await self._rememberer.draw(finished)
        except Exception:
            # A turn that cannot be looked at keeps no other from it.
            log.exception("memory.not_drawn", turn=str(finished.id))
            return
        finally:
            self._drawing = 0
        log.info(
            "memory.drawn",
            facts=len(remembered.facts),
            ended=remembered.ended,
            summary=remembered.summary is not None,
        )


def _finished(conversation: Conversation, turn: Turn, answer: str, in_view: int) -> FinishedTurn:
    return FinishedTurn(
        turn.id,
        turn.user_id,
        turn.session_id,
        turn.question,
        answer,
        turn.created_at,
        in_view=in_view,
        chat=conversation.session.company,
    )
