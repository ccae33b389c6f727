"""What is remembered of a turn once its answer is shown: first what was said, by and by what follows from it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Final

import structlog

from bot.recall.memory import FinishedTurn, Rememberer
from bot.turns.conversation import Conversation
from bot.turns.draft import Draft
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
        self._news = asyncio.Event()

    def note(self, conversation: Conversation, turn: Turn, draft: Draft) -> None:
        """Have a turn remembered. Nobody waits for it: who has his answer is let go."""
        if not draft.text:
            return
        self._said.append(
            FinishedTurn(
                turn.id,
                turn.user_id,
                turn.session_id,
                turn.question,
                draft.text,
                turn.created_at,
                in_view=draft.prompt.exchanges if draft.prompt else 0,
                chat=conversation.session.company,
            )
        )
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
            await asyncio.gather(*(self._rememberer.keep_episodes(finished) for finished in some))
            for _ in some:
                self._said.popleft()
            if self._draws:
                self._telling.extend(some)

    async def _draw(self, finished: FinishedTurn) -> None:
        remembered = await self._rememberer.draw(finished)
        log.info(
            "memory.drawn",
            facts=len(remembered.facts),
            ended=remembered.ended,
            summary=remembered.summary is not None,
        )
