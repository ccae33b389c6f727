"""Handles one update of Telegram, whether it was polled or posted."""

from __future__ import annotations

import time
from typing import Any

import structlog
from aiogram.types import Message, Update

from bot.channels.telegram.callback_queries import CallbackQueries
from bot.channels.telegram.client import PLATFORM
from bot.channels.telegram.dispatch import BackgroundTasks
from bot.channels.telegram.formatting import FormattedText, plain, split_into_messages
from bot.channels.telegram.incoming import (
    BotIdentity,
    incoming_from_message,
    incoming_from_stop,
    language_of_user,
    message_part,
    reply_place,
    sender_id,
)
from bot.channels.telegram.messages import OutgoingMessage, Place
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.platform import TelegramPlatform
from bot.channels.telegram.rate_limiter import Priority
from bot.channels.telegram.rendering import render_outcome
from bot.core.conversation import detect_message_language
from bot.core.errors import ChannelError, MessageNotStored, MessageRefused, describe_error
from bot.core.i18n import Translator, system_language
from bot.core.messages import Incoming
from bot.intake.inbox import EDIT_WINDOW, Inbox, Receipt
from bot.intake.joining import expected_key, pause_for
from bot.intake.queued_turn_parts import QueuedTurnParts
from bot.intake.redelivery import Redelivery
from bot.minds import Mind
from bot.turns.metrics import message_refused
from consilium.errors import ConsiliumError
from db.errors import DatabaseError, TurnLeaseLost
from db.infra.database import Database
from db.people import chats

log = structlog.get_logger(__name__)


class UpdateHandler:
    """Passes updates to the inbox, and shows refusals and queue positions."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        platform: TelegramPlatform,
        outbox: Outbox,
        database: Database,
        mind: Mind,
        background: BackgroundTasks,
        redelivery: Redelivery | None = None,
    ) -> None:
        self._inbox = inbox
        self._platform = platform
        self._outbox = outbox
        self._database = database
        self._background = background
        self._redelivery = redelivery or Redelivery(database, PLATFORM)
        self._callback_queries = CallbackQueries(inbox, outbox, mind, background)
        self._places_being_refused: set[str] = set()
        self._expected_parts: dict[tuple[str, str, str], float] = {}
        """Until when a group's message may go on with one for the bot; by place, sender and key of the parts."""
        self._bot_identity: BotIdentity | None = None

    def set_bot_identity(self, bot: BotIdentity) -> None:
        """Set which account the bot has; required before the first update."""
        self._bot_identity = bot

    async def handle(self, update: Update) -> None:
        """Handle an update; once this returns, Telegram need not deliver it again: what it asks for is stored, or its
        sender is told that it is not.

        Raises:
            Exception: the update was not handled; Telegram has to deliver it again.
        """
        update_id = str(update.update_id)
        try:
            await self._handle(update)
        except Exception as error:
            failure = await self._redelivery.give_up(update_id, error)
            if failure is None:
                raise
            self._tell_given_up(update, failure)
        else:
            self._redelivery.succeeded(update_id)

    async def _handle(self, update: Update) -> None:
        if update.message is not None:
            await self._handle_message(update.update_id, update.message)
        elif update.edited_message is not None:
            await self._handle_edit(update.update_id, update.edited_message)
        elif update.callback_query is not None:
            command = await self._callback_queries.handle(update.update_id, update.callback_query)
            if command is not None:
                await self._receive(command)
        elif update.stopped_message_generation is not None:
            await self._inbox.stop(incoming_from_stop(update.update_id, update.stopped_message_generation))
        elif update.my_chat_member is not None:
            change = update.my_chat_member
            log.info("telegram.membership_changed", chat=change.chat.id, status=change.new_chat_member.status)

    async def _handle_message(self, update_id: int, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await self._migrate_chat(message.chat.id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id is not None:
            await self._migrate_chat(message.migrate_from_chat_id, message.chat.id)
        elif (incoming := self._parse_message(update_id, message)) is not None:
            await self._receive(incoming)

    async def _handle_edit(self, update_id: int, message: Message) -> None:
        """Ask an edited question again if it is the last one of its session and was edited soon enough."""
        incoming = self._parse_message(update_id, message)
        too_late = message.edit_date is None or message.edit_date - message.date.timestamp() > EDIT_WINDOW
        if incoming is None or too_late:
            return
        if await self._inbox.supersedes_last_question(
            incoming, lambda address: address.get("reply_to") == message.message_id
        ):
            await self._receive(incoming)

    async def _migrate_chat(self, old: int, new: int) -> None:
        """A group has become a supergroup with another id: move its sessions there."""
        self._outbox.record_migration(old, new)
        async with self._database.anonymous_transaction() as connection:
            sessions = await chats.move(connection, PLATFORM, str(old), str(new))
        log.info("telegram.chat_migrated", old=old, new=new, sessions=sessions)

    def _parse_message(self, update_id: int, message: Message) -> Incoming | None:
        assert self._bot_identity is not None
        return incoming_from_message(update_id, message, self._bot_identity, is_continuation=self._is_expected(message))

    def _is_expected(self, message: Message) -> bool:
        """Whether a message goes on with one that was for the bot: of its parts only the first mentions the bot."""
        part, person = message_part(message), sender_id(message)
        place = reply_place(message, 0).name
        return (
            part is not None
            and person is not None
            and self._expected_parts.get((place, person, part.key), 0.0) > time.monotonic()
        )

    def _expect_parts(self, incoming: Incoming) -> None:
        """Note that further parts of a group's message may come."""
        awaited, pause = expected_key(incoming), pause_for(incoming)
        if incoming.chat is None or awaited is None or pause is None:
            return
        now = time.monotonic()
        self._expected_parts = {key: until for key, until in self._expected_parts.items() if until > now}
        self._expected_parts[incoming.place, incoming.person, awaited] = now + pause.total_seconds()

    async def _receive(self, incoming: Incoming) -> None:
        self._expect_parts(incoming)
        try:
            receipt = await self._inbox.receive(incoming)
        except DatabaseError:
            raise
        except ConsiliumError as error:
            message_refused(type(error).__name__)
            if not (isinstance(error, MessageRefused) and error.is_silent):
                self._background.start(self._show_refusal(incoming, error))
            return
        if receipt.is_new and receipt.turns_ahead:
            self._background.start(self._show_queue_position(incoming, receipt))

    async def _show_refusal(self, incoming: Incoming, error: Exception) -> None:
        """Say why a message was refused; in each place one at a time, however fast a person writes there."""
        if incoming.address is None or incoming.place in self._places_being_refused:
            return
        say = Translator(detect_message_language(incoming))
        place = Place.from_address(incoming.address)
        self._places_being_refused.add(incoming.place)
        try:
            for content in split_into_messages(render_outcome(self._inbox.refusal_outcome(incoming, error), say)):
                await self._outbox.send(place, OutgoingMessage(content), Priority.INTERACTIVE)
        except ChannelError as failure:
            log.info("telegram.refusal_delivery_failed", reason=failure)
        finally:
            self._places_being_refused.discard(incoming.place)

    def _tell_given_up(self, update: Update, failure: MessageNotStored) -> None:
        """Tell the sender of an update that it is not stored, where they wait for something."""
        query = update.callback_query
        message = query.message if query is not None else update.message or update.edited_message
        sender = query.from_user if query is not None else getattr(message, "from_user", None)
        if not isinstance(message, Message):
            return
        say = Translator(language_of_user(sender) or system_language())
        text = plain(f"⚠️ {describe_error(failure, say.language, say.translate)}")
        self._background.start(self._send_notice(reply_place(message, update.update_id), text))

    async def refuse_unreadable(self, raw: Any, error: Exception) -> None:
        """Give up an update that cannot be parsed, and tell its chat, if that much of it can be read."""
        fields = raw if isinstance(raw, dict) else {}
        failure = await self._redelivery.bury(str(fields.get("update_id", "")), error)
        message = fields.get("message")
        chat = message.get("chat") if isinstance(message, dict) else None
        if not (isinstance(chat, dict) and isinstance(chat.get("id"), int) and chat.get("type") == "private"):
            return
        sender = message.get("from") if isinstance(message, dict) else None
        code = str(sender.get("language_code", "")) if isinstance(sender, dict) else ""
        say = Translator("ru" if code.startswith("ru") else "en")
        text = plain(f"⚠️ {describe_error(failure, say.language, say.translate)}")
        self._background.start(self._send_notice(Place(chat=chat["id"], private=True), text))

    async def _send_notice(self, place: Place, text: FormattedText) -> None:
        try:
            await self._outbox.send(place, OutgoingMessage(text), Priority.INTERACTIVE)
        except ChannelError as failure:
            log.warning("telegram.refusal_delivery_failed", reason=failure)

    async def _show_queue_position(self, incoming: Incoming, receipt: Receipt) -> None:
        """Show a question's place in the queue, in the message that will show its answer."""
        assert incoming.address is not None
        parts = QueuedTurnParts(self._database, receipt.turn)
        reply = self._platform.reply(incoming.address, parts, receipt.conversation.say)
        try:
            await reply.show_queue_position(receipt.turns_ahead)
        except TurnLeaseLost:
            # The answer has begun, so there is no queue to show any more.
            return
        except (ChannelError, DatabaseError) as failure:
            log.info("telegram.queue_position_delivery_failed", reason=failure)
