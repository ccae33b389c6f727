"""Shows an answer while it is generated, again and again as more of it arrives.

In a private chat the last message is a draft, which Telegram shows with a Stop button and removes by itself. In groups,
and where the message exists already, the message is edited instead.
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
from bot.text.thoughts import quote_thought
from consilium.errors import ConsiliumError
from db.errors import DatabaseError, TurnLeaseLost

RENDER_INTERVAL: Final = 1.0
"""Seconds between two updates of an answer."""
_DRAFT_REFRESH_INTERVAL: Final = 20.0
"""Seconds after which an unchanged draft is sent again; Telegram removes it after thirty."""
_TYPING_REFRESH_INTERVAL: Final = 4.5
"""Seconds after which the typing indicator is sent again; Telegram removes it after five."""
_STOP_TIMEOUT: Final = 10.0
"""Seconds that `stop` waits for a call that is under way."""

log = structlog.get_logger(__name__)


class AnswerMessages(Protocol):
    """The messages of the answer that is shown."""

    @property
    def message_count(self) -> int:
        """How many of them exist."""
        ...

    async def show(self, n: int, message: OutgoingMessage, priority: Priority, *, has_slot: bool = False) -> None:
        """Show content in message number `n`, which is sent first if it does not exist."""
        ...

    async def send_placeholder(self, n: int, priority: Priority, *, has_slot: bool = False) -> None:
        """Send a placeholder as message number `n`."""
        ...


class StreamRenderer:
    """Shows the text so far, at most once an interval, from `start` to `stop`."""

    def __init__(
        self,
        outbox: Outbox,
        place: Place,
        messages: AnswerMessages,
        say: Translator,
        *,
        interval: float = RENDER_INTERVAL,
    ) -> None:
        """
        Args:
            interval: seconds between two updates.
        """
        self._interval = interval
        self._outbox = outbox
        self._place = place
        self._messages = messages
        self._keyboard = stop_keyboard(say)
        self._text = ""
        self._thought = ""
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._uses_drafts = place.private
        self._last_draft: FormattedText | None = None
        self._error: ConsiliumError | TurnLeaseLost | None = None

    def start(self) -> None:
        """Begin to show the answer, at first only that one is coming."""
        self._changed.set()
        self._task = asyncio.create_task(self._render_until_stopped(), name="telegram-renderer")

    def append(self, text: str) -> None:
        """Add the next piece of the answer.

        Raises:
            DeliveryError: nothing can be shown any more.
            TurnLeaseLost: another worker shows the answer now.
        """
        self.raise_if_failed()
        self._text += text
        self._changed.set()

    def append_thought(self, text: str) -> None:
        """Add the next piece of what the model thinks; it is shown until the answer begins.

        Raises:
            DeliveryError, TurnLeaseLost: as `append`.
        """
        self.raise_if_failed()
        self._thought += text
        self._changed.set()

    def raise_if_failed(self) -> None:
        """Raise the error that ended the rendering, if there was one."""
        if self._error is not None:
            raise self._error

    async def stop(self) -> None:
        """Stop rendering, after a call that is under way: it must not overwrite what is shown next. Idempotent."""
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
                refresh = not await self._wait_for_text()
                await self._outbox.acquire_slot(
                    self._place, Priority.PROGRESS, counts_in_chat=not self._is_draft(self._messages.message_count)
                )
                self._changed.clear()
                self._idle.clear()
                try:
                    await self._render(refresh=refresh)
                finally:
                    self._idle.set()
                await asyncio.sleep(self._interval)
        except (ChannelError, DatabaseError, TurnLeaseLost) as error:
            self._error = error

    async def _wait_for_text(self) -> bool:
        """Wait for more text; False when what is shown has to be sent again first, or Telegram removes it."""
        if self._is_draft(self._messages.message_count):
            refresh_after: float | None = _DRAFT_REFRESH_INTERVAL
        else:
            refresh_after = None if self._text.strip() else _TYPING_REFRESH_INTERVAL
        try:
            async with asyncio.timeout(refresh_after):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _render(self, *, refresh: bool) -> None:
        try:
            shown = self._text if self._text.strip() else quote_thought(self._thought)
            contents = split_into_messages(render_markdown(shown)) or [FormattedText()]
            for n, content in enumerate(contents[:-1]):
                await self._messages.show(n, OutgoingMessage(content), Priority.PROGRESS)
            await self._render_last_message(len(contents) - 1, contents[-1], refresh=refresh)
        except TemporaryDeliveryError as error:
            # The next update or the finished answer shows what is missing now.
            log.info("telegram.progress_update_failed", reason=error)
            self._changed.set()

    async def _render_last_message(self, n: int, content: FormattedText, *, refresh: bool) -> None:
        has_slot = True
        if self._is_draft(n):
            try:
                if refresh or content != self._last_draft:
                    await self._outbox.show_draft(self._place, content, has_slot=True)
                    self._last_draft = content
                return
            except PermanentDeliveryError as error:
                # Older servers do not know drafts. Where the bot may not write at all, a message is refused as well.
                log.info("telegram.draft_rejected", reason=error)
                self._uses_drafts, has_slot = False, False
        if content.text:
            await self._messages.show(n, OutgoingMessage(content, self._keyboard), Priority.PROGRESS, has_slot=has_slot)
            return
        if n >= self._messages.message_count:
            await self._messages.send_placeholder(n, Priority.INTERACTIVE, has_slot=has_slot)
        with suppress(DeliveryError):
            await self._outbox.show_typing(self._place)

    def _is_draft(self, n: int) -> bool:
        """Whether message number `n` is shown as a draft: in private, while the message does not exist."""
        return self._uses_drafts and n >= self._messages.message_count
