"""One answer in a Telegram chat, shown while it is generated.

Each message is first sent as a placeholder, then recorded, and only then filled with the answer. A worker that claims
the turn after a crash finds the message and goes on in it, so that no answer appears twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import structlog

from bot.channels.telegram.formatting import plain, split_into_messages
from bot.channels.telegram.keyboards import outcome_keyboard
from bot.channels.telegram.messages import OutgoingMessage, Place
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.rate_limiter import Priority
from bot.channels.telegram.rendering import PLACEHOLDER, queue_position_text, render_outcome, render_outcome_markdown
from bot.channels.telegram.stream_renderer import RENDER_INTERVAL, StreamRenderer
from bot.core.errors import PermanentDeliveryError
from bot.core.i18n import Translator
from bot.core.messages import Outcome
from bot.core.ports import Parts
from bot.minds import Mind
from db.errors import DatabaseError, DatabaseUnavailable, TurnLeaseLost

PLACEHOLDER_MESSAGE: Final = OutgoingMessage(PLACEHOLDER)
"""A message before it shows anything of the answer."""
RECORD_PATIENCE: Final = 2.0
"""Seconds for which a message that was sent may wait for a database that is away, before it is deleted again."""
RECORD_ATTEMPTS: Final = 5
"""How often it is sent, each time after the database has answered."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What all answers have in common."""

    mind: Mind
    rich: bool = False
    """Whether Telegram renders the Markdown of finished answers itself; some of its clients still show nothing then."""
    render_interval: float = RENDER_INTERVAL
    """Seconds between two updates of an answer that is being generated."""


@dataclass(slots=True)
class _SentMessage:
    """A message of the answer, and its content; None when that is unknown."""

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
        existing = [int(part) for part in parts.message_ids] or ([place.instead] if place.instead is not None else [])
        self._sent = [_SentMessage(message_id, None) for message_id in existing]
        self._renderer = StreamRenderer(outbox, place, self, say, interval=options.render_interval)

    @property
    def message_count(self) -> int:
        """How many messages of the answer exist."""
        return len(self._sent)

    async def show_queue_position(self, ahead: int) -> None:
        message = OutgoingMessage(queue_position_text(ahead, self._say))
        if self._sent:
            await self.show(0, message, Priority.INTERACTIVE)
            return
        # Sent as it is and never edited: a worker may claim the turn as soon as the message is recorded, and an edit
        # that comes after the answer would overwrite it.
        message_id = await self._send_recorded(0, message, Priority.INTERACTIVE, has_slot=False)
        self._sent.append(_SentMessage(message_id, message))

    async def show_status(self, text: str) -> None:
        await self.show(0, OutgoingMessage(plain(text)), Priority.INTERACTIVE)

    async def start(self, mode: str) -> None:
        self._renderer.start()

    async def write_thought(self, text: str) -> None:
        self._renderer.append_thought(text)

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
        """Show content in message number `n`, counted from 0; a message that does not exist (any more) is sent first.

        Raises:
            DeliveryError: it is not shown.
            TurnLeaseLost: another worker shows the answer now.
        """
        if n < len(self._sent):
            sent = self._sent[n]
            if sent.content != message:
                await self._parts.ensure_held()
            if sent.content == message or await self._outbox.edit(
                self._place, sent.id, message, priority, has_slot=has_slot
            ):
                sent.content = message
                return
            has_slot = False
        await self.send_placeholder(n, priority, has_slot=has_slot)
        if message != PLACEHOLDER_MESSAGE:
            await self._parts.ensure_held()
            await self._outbox.edit(self._place, self._sent[n].id, message, priority)
            self._sent[n].content = message

    async def send_placeholder(self, n: int, priority: Priority, *, has_slot: bool = False) -> None:
        """Send a placeholder as message number `n` and record it.

        Raises:
            DeliveryError: it was not sent, as far as is known.
            TurnLeaseLost: another worker shows the answer now; the placeholder has been deleted.
        """
        message_id = await self._send_recorded(
            n, PLACEHOLDER_MESSAGE, min(priority, Priority.INTERACTIVE), has_slot=has_slot
        )
        self._sent[n : n + 1] = [_SentMessage(message_id, PLACEHOLDER_MESSAGE)]

    async def _send_recorded(self, n: int, message: OutgoingMessage, priority: Priority, *, has_slot: bool) -> int:
        """Send what message number `n` shows first, and record it; its id.

        Until it is recorded, nobody but this process knows of the message. So it does not stay so while the database
        is away: it is deleted, and sent again once the database answers.
        """
        for attempts_left in reversed(range(RECORD_ATTEMPTS)):
            message_id = await self._send_first(n, message, priority, has_slot=has_slot)
            try:
                await self._record(n, message_id, patience=RECORD_PATIENCE)
            except DatabaseUnavailable:
                if not attempts_left:
                    raise
            else:
                break
            has_slot = False
        return message_id

    async def _send_first(self, n: int, message: OutgoingMessage, priority: Priority, *, has_slot: bool) -> int:
        """Send what message number `n` shows first; its id."""
        # A process that ends between the sending and the recording leaves a message that nobody knows of. The database
        # answers at this moment, so that this is a matter of milliseconds.
        await self._parts.ensure_held(now=True)
        place = self._place if n == 0 else self._place.without_reply
        try:
            return await self._outbox.send(place, message, priority, has_slot=has_slot)
        except PermanentDeliveryError as error:
            if self._place.thread is None or "thread not found" not in str(error):
                raise
        # The topic was deleted together with the question: answer in the chat itself.
        self._place = replace(self._place, thread=None, reply_to=None)
        return await self._outbox.send(self._place, message, priority)

    async def _record(self, n: int, message_id: int, *, patience: float | None = None) -> None:
        try:
            await self._parts.record(n, str(message_id), patience=patience)
        except (TurnLeaseLost, DatabaseError):
            # Nobody would ever fill it. If it was recorded after all, the next attempt finds it gone and sends another.
            await self._outbox.delete(self._place, message_id)
            raise

    async def _show_rich(self, outcome: Outcome) -> bool:
        """Let Telegram render the answer; False when that is switched off, does not apply, or Telegram refuses it."""
        markdown = render_outcome_markdown(outcome, self._say) if self._options.rich and not outcome.files else None
        if markdown is None:
            return False
        message = OutgoingMessage(PLACEHOLDER, outcome_keyboard(outcome, self._options.mind, self._say), markdown)
        try:
            await self.show(0, message, Priority.FINAL)
        except PermanentDeliveryError as error:
            log.warning("telegram.rich_message_rejected", reason=error)
            return False
        await self._delete_after(1)
        return True

    async def _show_messages(self, outcome: Outcome) -> None:
        messages = [OutgoingMessage(content) for content in split_into_messages(render_outcome(outcome, self._say))]
        messages[-1] = replace(messages[-1], keyboard=outcome_keyboard(outcome, self._options.mind, self._say))
        for n, message in enumerate(messages):
            await self.show(n, message, Priority.FINAL)
        for n, file in enumerate(outcome.files, len(messages)):
            if n >= len(self._sent):
                await self._parts.ensure_held(now=True)
                message_id = await self._outbox.send_document(self._place, file)
                await self._record(n, message_id)
                self._sent.append(_SentMessage(message_id, None))
        await self._delete_after(len(messages) + len(outcome.files))

    async def _delete_after(self, count: int) -> None:
        """Delete the messages after the first `count`: an earlier attempt showed more than this one."""
        for sent in self._sent[count:]:
            await self._parts.ensure_held()
            await self._outbox.delete(self._place, sent.id)
        del self._sent[count:]
