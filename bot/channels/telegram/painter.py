"""An answer on its way, shown again and again as more of it comes.

In a private chat the last message is a draft, which Telegram shows with a button to stop it and forgets by itself;
elsewhere, and where a message is there already, it is edited.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Protocol

import structlog

from bot.channels.errors import ChannelError, DeliveryError, DeliveryFailed, Undeliverable
from bot.channels.telegram.formatted import Formatted, pages
from bot.channels.telegram.keyboards import stopping
from bot.channels.telegram.markdown import render
from bot.channels.telegram.methods import Page
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.pacing import Urgency
from bot.channels.telegram.place import Place
from bot.locales import Translator
from consilium.errors import ConsiliumError
from db.errors import DatabaseError

EVERY: Final = 1.0
"""Seconds between two looks of an answer."""
_DRAFTS_LAST: Final = 20.0
"""Seconds after which a draft is shown again as it is; Telegram forgets it after thirty."""
_TYPING_LASTS: Final = 4.5
_LET_END: Final = 10.0
"""Seconds that a call which is being made is let end in."""

log = structlog.get_logger(__name__)


class Messages(Protocol):
    """The messages of an answer that is painted."""

    @property
    def begun(self) -> int:
        """How many there are."""
        ...

    async def show(self, n: int, page: Page, urgency: Urgency, *, granted: bool = False) -> None:
        """Have message number `n` show a page; it is sent if it is not there."""
        ...

    async def begin(self, n: int, urgency: Urgency, *, granted: bool = False) -> None:
        """Send message number `n`, with nothing in it yet."""
        ...


class Painter:
    """Shows what has been written so far, from `start` to `stop`."""

    def __init__(self, outbox: Outbox, place: Place, messages: Messages, say: Translator) -> None:
        self._outbox = outbox
        self._place = place
        self._messages = messages
        self._keyboard = stopping(say)
        self._text = ""
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._drafts = place.private
        self._drafted: Formatted | None = None
        self._broken: ConsiliumError | None = None

    def start(self) -> None:
        """Begin to show it, at first that there is something to come."""
        self._news.set()
        self._task = asyncio.create_task(self._paint(), name="telegram-painter")

    def add(self, text: str) -> None:
        """More has come.

        Raises:
            DeliveryError: nothing can be shown any more.
            TurnTaken: another attempt shows the answer now.
        """
        self.check()
        self._text += text
        self._news.set()

    def check(self) -> None:
        """Raise what has ended it, if anything has."""
        if self._broken is not None:
            raise self._broken

    async def stop(self) -> None:
        """Show no more. A call that is being made is let end: it must not overtake what is shown next. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_LET_END):
                await self._idle.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _paint(self) -> None:
        try:
            while True:
                renewed = not await self._wait()
                await self._outbox.turn(self._place, Urgency.LATER, message=not self._is_draft(self._messages.begun))
                self._news.clear()
                self._idle.clear()
                try:
                    await self._paint_once(renewed=renewed)
                finally:
                    self._idle.set()
                await asyncio.sleep(EVERY)
        except (ChannelError, DatabaseError) as error:
            self._broken = error

    async def _wait(self) -> bool:
        """Wait until more has come; False when what is shown has to be shown again meanwhile."""
        drafting, begun = self._is_draft(self._messages.begun), bool(self._text.strip())
        seconds = _DRAFTS_LAST if drafting else None if begun else _TYPING_LASTS
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _paint_once(self, *, renewed: bool) -> None:
        try:
            found = pages(render(self._text)) or [Formatted()]
            for n, content in enumerate(found[:-1]):
                await self._messages.show(n, Page(content), Urgency.LATER)
            await self._paint_last(len(found) - 1, found[-1], renewed=renewed)
        except DeliveryFailed as error:
            # What is not shown now is shown with the next piece, or in the end.
            log.info("telegram.not_painted", reason=str(error))
            self._news.set()

    async def _paint_last(self, n: int, content: Formatted, *, renewed: bool) -> None:
        granted = True
        if self._is_draft(n):
            try:
                if renewed or content != self._drafted:
                    await self._outbox.draft(self._place, content, granted=True)
                    self._drafted = content
                return
            except Undeliverable as error:
                # Not every server knows drafts. Where nothing can be shown at all, a message is refused as well.
                log.info("telegram.no_drafts", reason=str(error))
                self._drafts, granted = False, False
        if content.text:
            await self._messages.show(n, Page(content, self._keyboard), Urgency.LATER, granted=granted)
            return
        if n >= self._messages.begun:
            await self._messages.begin(n, Urgency.SOON, granted=granted)
        with suppress(DeliveryError):
            await self._outbox.typing(self._place)

    def _is_draft(self, n: int) -> bool:
        """Whether page `n` is shown as a draft: where no message shows it yet, in private."""
        return self._drafts and n >= self._messages.begun
