"""One answer in a Telegram chat, shown while it is made.

A message is sent empty, written down, and only then shows anything of the answer: whoever takes a turn up after a
crash finds it and goes on in it, and nothing is said twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from bot.channels.telegram.formatting import plain, split_into_messages
from bot.channels.telegram.keyboards import outcome_keyboard
from bot.channels.telegram.messages import OutgoingMessage, Place
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.rate_limiter import Priority
from bot.channels.telegram.rendering import PLACEHOLDER, queue_position_text, render_outcome, render_outcome_markdown
from bot.channels.telegram.stream_renderer import StreamRenderer
from bot.core.errors import PermanentDeliveryError
from bot.core.i18n import Translator
from bot.core.messages import Outcome
from bot.core.ports import Parts
from bot.minds import Mind
from db.errors import TurnLeaseLost

PLACEHOLDER_MESSAGE = OutgoingMessage(PLACEHOLDER)
"""A message that shows nothing of the answer yet."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What all answers have in common."""

    mind: Mind
    rich: bool = False
    """Whether Telegram lays whole answers out itself; some of its clients show nothing of them yet."""


@dataclass(slots=True)
class _SentMessage:
    """A message of the answer, and what it shows; None when nobody knows."""

    id: int
    content: OutgoingMessage | None


class TelegramReply:
    """Shows one answer (`bot.core.ports.Reply`)."""

    def __init__(self, outbox: Outbox, place: Place, parts: Parts, say: Translator, options: RenderOptions) -> None:
        self._outbox = outbox
        self._place = place
        self._parts = parts
        self._say = say
        self._options = options
        known = [int(known) for known in parts.message_ids] or ([place.instead] if place.instead is not None else [])
        self._sent = [_SentMessage(id_, None) for id_ in known]
        self._renderer = StreamRenderer(outbox, place, self, say)

    @property
    def message_count(self) -> int:
        """How many messages of the answer there are."""
        return len(self._sent)

    async def show_queue_position(self, ahead: int) -> None:
        await self.show(0, OutgoingMessage(queue_position_text(ahead, self._say)), Priority.INTERACTIVE)

    async def show_status(self, text: str) -> None:
        await self.show(0, OutgoingMessage(plain(text)), Priority.INTERACTIVE)

    async def start(self, mode: str) -> None:
        self._renderer.start()

    async def write(self, text: str) -> None:
        self._renderer.append(text)

    async def finish(self, outcome: Outcome) -> None:
        await self._renderer.stop()
        self._renderer.raise_if_failed()
        if not await self._show_rich(outcome):
            await self._show_messages(outcome)

    async def close(self) -> None:
        await self._renderer.stop()

    async def show(self, n: int, message: OutgoingMessage, priority: Priority, *, has_slot: bool = False) -> None:
        """Have message number `n` show a page: sent anew if it is not there (any more), written down, then filled.

        Raises:
            DeliveryError: it does not show it.
            TurnLeaseLost: another attempt shows the answer now.
        """
        if n < len(self._sent):
            shown = self._sent[n]
            if shown.content == message or await self._outbox.edit(
                self._place, shown.id, message, priority, has_slot=has_slot
            ):
                shown.content = message
                return
            has_slot = False
        await self.send_placeholder(n, priority, has_slot=has_slot)
        if message != PLACEHOLDER_MESSAGE:
            await self._outbox.edit(self._place, self._sent[n].id, message, priority)
            self._sent[n].content = message

    async def send_placeholder(self, n: int, priority: Priority, *, has_slot: bool = False) -> None:
        """Send an empty message as number `n` and write it down.

        Raises:
            DeliveryError: it is not there, or nobody knows.
            TurnLeaseLost: another attempt shows the answer now; the message has been taken away.
        """
        sent = await self._send_placeholder_message(n, min(priority, Priority.INTERACTIVE), has_slot=has_slot)
        await self._record(n, sent)
        self._sent[n : n + 1] = [_SentMessage(sent, PLACEHOLDER_MESSAGE)]

    async def _send_placeholder_message(self, n: int, priority: Priority, *, has_slot: bool) -> int:
        place = self._place if n == 0 else self._place.without_reply
        try:
            return await self._outbox.send(place, PLACEHOLDER_MESSAGE, priority, has_slot=has_slot)
        except PermanentDeliveryError as error:
            if self._place.thread is None or "thread not found" not in str(error):
                raise
        # The topic has been deleted, and the question with it.
        self._place = replace(self._place, thread=None, reply_to=None)
        return await self._outbox.send(self._place, PLACEHOLDER_MESSAGE, priority)

    async def _record(self, n: int, message_id: int) -> None:
        try:
            await self._parts.record(n, str(message_id))
        except TurnLeaseLost:
            await self._outbox.delete(self._place, message_id)
            raise

    async def _show_rich(self, outcome: Outcome) -> bool:
        """Let Telegram lay the answer out; False when that is not wanted, or it will not."""
        markdown = render_outcome_markdown(outcome, self._say) if self._options.rich and not outcome.files else None
        if markdown is None:
            return False
        page = OutgoingMessage(PLACEHOLDER, outcome_keyboard(outcome, self._options.mind, self._say), markdown)
        try:
            await self.show(0, page, Priority.FINAL)
        except PermanentDeliveryError as error:
            log.warning("telegram.rich_message_rejected", reason=str(error))
            return False
        await self._delete_after(1)
        return True

    async def _show_messages(self, outcome: Outcome) -> None:
        found = [OutgoingMessage(content) for content in split_into_messages(render_outcome(outcome, self._say))]
        found[-1] = replace(found[-1], keyboard=outcome_keyboard(outcome, self._options.mind, self._say))
        for n, page in enumerate(found):
            await self.show(n, page, Priority.FINAL)
        for n, file in enumerate(outcome.files, len(found)):
            if n >= len(self._sent):
                sent = await self._outbox.send_document(self._place, file)
                await self._record(n, sent)
                self._sent.append(_SentMessage(sent, None))
        await self._delete_after(len(found) + len(outcome.files))

    async def _delete_after(self, count: int) -> None:
        """Take away what an earlier attempt showed beyond the end of this one's."""
        for left in self._sent[count:]:
            await self._outbox.delete(self._place, left.id)
        del self._sent[count:]
