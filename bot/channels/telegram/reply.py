"""One answer in a Telegram chat, shown while it is made.

A message is sent empty, written down, and only then shows anything of the answer: whoever takes a turn up after a
crash finds it and goes on in it, and nothing is said twice. In a private chat the last message is a draft, which
vanishes by itself, until the answer is whole.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from bot.channels.errors import DeliveryError
from bot.channels.port import Outcome, Parts
from bot.channels.telegram.formatted import pages
from bot.channels.telegram.markdown import render
from bot.channels.telegram.outbox import Outbox, Page
from bot.channels.telegram.pacing import Urgency
from bot.channels.telegram.place import Place
from bot.channels.telegram.show import PLACEHOLDER, answer_of, place_in_queue
from bot.locales import Translator
from consilium.errors import ConsiliumError
from db.errors import TurnTaken

EVERY: Final = 1.0
"""Seconds between two looks of an answer on its way."""
_LET_END: Final = 10.0
"""Seconds that a call which is being made is let end in."""
_EMPTY: Final = Page(PLACEHOLDER)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Shown:
    """A message of the answer, and what it shows; None when nobody knows."""

    id: int
    page: Page | None


class TelegramReply:
    """Shows one answer (`bot.channels.port.Reply`)."""

    def __init__(self, outbox: Outbox, place: Place, parts: Parts, say: Translator) -> None:
        self._outbox = outbox
        self._place = place
        self._parts = parts
        self._say = say
        self._shown = [_Shown(int(known), None) for known in parts.known]
        self._pieces: list[str] = []
        self._news = asyncio.Event()
        self._painter: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._broken: ConsiliumError | None = None

    async def queue(self, ahead: int) -> None:
        await self._show(0, Page(place_in_queue(ahead, self._say)), Urgency.SOON)

    async def open(self, mode: str) -> None:
        self._painter = asyncio.create_task(self._paint(), name="telegram-painter")

    async def write(self, text: str) -> None:
        if self._broken is not None:
            raise self._broken
        self._pieces.append(text)
        self._news.set()

    async def finish(self, outcome: Outcome) -> None:
        await self._stop_painting()
        if self._broken is not None:
            raise self._broken
        found = [Page(content) for content in pages(answer_of(outcome, self._say))]
        for n, page in enumerate(found):
            await self._show(n, page, Urgency.FINAL)
        for left in self._shown[len(found) :]:
            await self._outbox.delete(self._place, left.id)
        del self._shown[len(found) :]

    async def close(self) -> None:
        await self._stop_painting()

    async def _paint(self) -> None:
        """Show what has come so far, again and again."""
        try:
            while True:
                await self._outbox.turn(self._place, Urgency.LATER)
                self._idle.clear()
                try:
                    await self._paint_once()
                finally:
                    self._idle.set()
                await asyncio.sleep(EVERY)
                await self._news.wait()
        except (DeliveryError, TurnTaken) as error:
            self._broken = error

    async def _paint_once(self) -> None:
        self._news.clear()
        found = [Page(content) for content in pages(render("".join(self._pieces)))] or [_EMPTY]
        granted = True
        for n, page in enumerate(found):
            try:
                await self._show(n, page, Urgency.LATER, granted=granted)
            except DeliveryError as error:
                if not error.passing:
                    raise
                log.info("telegram.not_painted", reason=str(error))
                return
            granted = False

    async def _stop_painting(self) -> None:
        """A call that is being made is let end: it must not overtake what is shown next."""
        painter, self._painter = self._painter, None
        if painter is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_LET_END):
                await self._idle.wait()
        painter.cancel()
        with suppress(asyncio.CancelledError):
            await painter

    async def _show(self, n: int, page: Page, urgency: Urgency, *, granted: bool = False) -> None:
        """Have message number `n` show a page: sent anew if it is not there (any more), written down, then filled."""
        if n < len(self._shown):
            shown = self._shown[n]
            if shown.page == page or await self._outbox.edit(self._place, shown.id, page, urgency, granted=granted):
                shown.page = page
                return
            granted = False
        await self._begin(n, urgency, granted=granted)
        if page != _EMPTY:
            await self._outbox.edit(self._place, self._shown[n].id, page, urgency)
            self._shown[n].page = page

    async def _begin(self, n: int, urgency: Urgency, *, granted: bool) -> None:
        """Send an empty message and write it down."""
        place = self._place if n == 0 else self._place.unanswering
        sent = await self._outbox.send(place, _EMPTY, min(urgency, Urgency.SOON), granted=granted)
        try:
            await self._parts.record(n, str(sent))
        except TurnTaken:
            await self._outbox.delete(self._place, sent)
            raise
        self._shown[n : n + 1] = [_Shown(sent, _EMPTY)]
