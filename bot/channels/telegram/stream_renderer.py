"""An answer on its way, shown again and again as more of it comes.

In a private chat the last message is a draft, which Telegram shows with a button to stop it and forgets by itself;
elsewhere, and where a message is there already, it is edited.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Protocol

import structlog

from bot.channels.telegram.formatting import FormattedText, split_into_messages
from bot.channels.telegram.keyboards import stop_keyboard
from bot.channels.telegram.markdown import render_markdown
from bot.channels.telegram.messages import OutgoingMessage, Place
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.rate_limiter import Priority
from bot.core.errors import ChannelError, DeliveryError, PermanentDeliveryError, TemporaryDeliveryError
from bot.core.i18n import Translator
from consilium.errors import ConsiliumError
from db.errors import DatabaseError, TurnLeaseLost

RENDER_INTERVAL: Final = 1.0
"""Seconds between two looks of an answer."""
_DRAFT_REFRESH_INTERVAL: Final = 20.0
"""Seconds after which a draft is shown again as it is; Telegram forgets it after thirty."""
_TYPING_REFRESH_INTERVAL: Final = 4.5
_STOP_TIMEOUT: Final = 10.0
"""Seconds that a call which is being made is let end in."""

log = structlog.get_logger(__name__)


class AnswerMessages(Protocol):
    """The messages of an answer that is painted."""

    @property
    def message_count(self) -> int:
        """How many there are."""
        ...

    async def show(self, n: int, message: OutgoingMessage, priority: Priority, *, has_slot: bool = False) -> None:
        """Have message number `n` show a page; it is sent if it is not there."""
        ...

    async def send_placeholder(self, n: int, priority: Priority, *, has_slot: bool = False) -> None:
        """Send message number `n`, with nothing in it yet."""
        ...


class StreamRenderer:
    """Shows what has been written so far, from `start` to `stop`."""

    def __init__(self, outbox: Outbox, place: Place, messages: AnswerMessages, say: Translator) -> None:
        self._outbox = outbox
        self._place = place
        self._messages = messages
        self._keyboard = stop_keyboard(say)
        self._text = ""
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._uses_drafts = place.private
        self._last_draft: FormattedText | None = None
        self._error: ConsiliumError | TurnLeaseLost | None = None

    def start(self) -> None:
        """Begin to show it, at first that there is something to come."""
        self._changed.set()
        self._task = asyncio.create_task(self._render_until_stopped(), name="telegram-painter")

    def append(self, text: str) -> None:
        """More has come.

        Raises:
            DeliveryError: nothing can be shown any more.
            TurnLeaseLost: another attempt shows the answer now.
        """
        self.raise_if_failed()
        self._text += text
        self._changed.set()

    def raise_if_failed(self) -> None:
        """Raise what has ended it, if anything has."""
        if self._error is not None:
            raise self._error

    async def stop(self) -> None:
        """Show no more. A call that is being made is let end: it must not overtake what is shown next. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self._idle.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _render_until_stopped(self) -> None:
        try:
            while True:
                renewed = not await self._wait_for_text()
                await self._outbox.acquire_slot(
                    self._place, Priority.PROGRESS, counts_in_chat=not self._is_draft(self._messages.message_count)
                )
                self._changed.clear()
                self._idle.clear()
                try:
                    await self._render(refresh=renewed)
                finally:
                    self._idle.set()
                await asyncio.sleep(RENDER_INTERVAL)
        except (ChannelError, DatabaseError, TurnLeaseLost) as error:
            self._error = error

    async def _wait_for_text(self) -> bool:
        """Wait until more has come; False when what is shown has to be shown again meanwhile."""
        drafting, begun = self._is_draft(self._messages.message_count), bool(self._text.strip())
        seconds = _DRAFT_REFRESH_INTERVAL if drafting else None if begun else _TYPING_REFRESH_INTERVAL
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _render(self, *, refresh: bool) -> None:
        try:
            found = split_into_messages(render_markdown(self._text)) or [FormattedText()]
            for n, content in enumerate(found[:-1]):
                await self._messages.show(n, OutgoingMessage(content), Priority.PROGRESS)
            await self._render_last_message(len(found) - 1, found[-1], refresh=refresh)
        except TemporaryDeliveryError as error:
            # What is not shown now is shown with the next piece, or in the end.
            log.info("telegram.progress_update_failed", reason=str(error))
            self._changed.set()

    async def _render_last_message(self, n: int, content: FormattedText, *, refresh: bool) -> None:
        granted = True
        if self._is_draft(n):
            try:
                if refresh or content != self._last_draft:
                    await self._outbox.show_draft(self._place, content, has_slot=True)
                    self._last_draft = content
                return
            except PermanentDeliveryError as error:
                # Not every server knows drafts. Where nothing can be shown at all, a message is refused as well.
                log.info("telegram.draft_rejected", reason=str(error))
                self._uses_drafts, granted = False, False
        if content.text:
            await self._messages.show(n, OutgoingMessage(content, self._keyboard), Priority.PROGRESS, has_slot=granted)
            return
        if n >= self._messages.message_count:
            await self._messages.send_placeholder(n, Priority.INTERACTIVE, has_slot=granted)
        with suppress(DeliveryError):
            await self._outbox.show_typing(self._place)

    def _is_draft(self, n: int) -> bool:
        """Whether page `n` is shown as a draft: where no message shows it yet, in private."""
        return self._uses_drafts and n >= self._messages.message_count
