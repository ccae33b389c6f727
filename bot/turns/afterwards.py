"""What is remembered of a turn once its answer is shown: at once what was said, by and by what follows from it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import structlog

from bot.recall.memory import FinishedTurn, Rememberer
from bot.turns.conversation import Conversation
from bot.turns.draft import Draft
from db.turns import Turn

MOST: Final = 200
"""Turns that wait for the engine to look at what they tell of a person; of more, the oldest are let go."""

log = structlog.get_logger(__name__)


class Afterwards:
    """Remembers turns of this process, one after another, beside the answers."""

    def __init__(self, rememberer: Rememberer, *, draws: bool) -> None:
        """Set up.

        Args:
            draws: whether the engine is asked for facts and summaries.
        """
        self._rememberer = rememberer
        self._draws = draws
        self._waiting: deque[FinishedTurn] = deque(maxlen=MOST)
        self._news = asyncio.Event()

    async def note(self, conversation: Conversation, turn: Turn, draft: Draft) -> None:
        """Remember what was said; what follows from it comes later. Nothing is raised for what cannot be done."""
        if not draft.text:
            return
        finished = FinishedTurn(
            turn.id,
            turn.user_id,
            turn.session_id,
            turn.question,
            draft.text,
            turn.created_at,
            in_view=draft.prompt.exchanges if draft.prompt else 0,
            chat=conversation.session.company,
        )
        await self._rememberer.keep_episodes(finished)
        if self._draws:
            self._waiting.append(finished)
            self._news.set()

    async def run(self) -> None:
        """Look at what turns tell of people, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                remembered = await self._rememberer.draw(self._waiting.popleft())
                log.info(
                    "memory.drawn",
                    facts=len(remembered.facts),
                    ended=remembered.ended,
                    summary=remembered.summary is not None,
                )
