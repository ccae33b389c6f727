"""One update of Telegram, whichever way it came: taken in, or said why not."""

from __future__ import annotations

import structlog
from aiogram.types import Message, Update

from bot.channels.errors import ChannelError
from bot.channels.port import Incoming
from bot.channels.telegram.client import PLATFORM
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.formatted import pages
from bot.channels.telegram.incoming import Me, of_message, of_stop
from bot.channels.telegram.methods import Page
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.pacing import Urgency
from bot.channels.telegram.place import Place
from bot.channels.telegram.platform import TelegramPlatform
from bot.channels.telegram.presses import Presses
from bot.channels.telegram.show import outcome_text
from bot.locales import Translator
from bot.mind import Mind
from bot.turns.announcement import Announcement
from bot.turns.conversation import heard_language
from bot.turns.errors import MessageRefused
from bot.turns.inbox import CHANGEABLE, Inbox, Receipt
from bot.turns.metrics import message_refused
from db import chats
from db.database import Database
from db.errors import DatabaseError, TurnTaken

log = structlog.get_logger(__name__)


class Intake:
    """Hands updates in."""

    def __init__(
        self, inbox: Inbox, platform: TelegramPlatform, outbox: Outbox, database: Database, mind: Mind, errands: Errands
    ) -> None:
        self._inbox = inbox
        self._platform = platform
        self._outbox = outbox
        self._database = database
        self._errands = errands
        self._presses = Presses(inbox, outbox, mind, errands)
        self._refusing: set[str] = set()
        self._me: Me | None = None

    def introduce(self, me: Me) -> None:
        """Who the bot is; before any update."""
        self._me = me

    async def take(self, update: Update) -> None:
        """Take an update in; once this returns, Telegram may forget it.

        Raises:
            DatabaseError: it is not taken in, and has to come again.
        """
        if update.message is not None:
            await self._take_message(update.update_id, update.message)
        elif update.edited_message is not None:
            await self._ask_anew(update.update_id, update.edited_message)
        elif update.callback_query is not None:
            said = await self._presses.take(update.update_id, update.callback_query)
            if said is not None:
                await self._receive(said)
        elif update.stopped_message_generation is not None:
            await self._inbox.stop(of_stop(update.update_id, update.stopped_message_generation))
        elif update.my_chat_member is not None:
            changed = update.my_chat_member
            log.info("telegram.standing", chat=changed.chat.id, status=changed.new_chat_member.status)

    async def _take_message(self, update: int, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await self._move(message.chat.id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id is not None:
            await self._move(message.migrate_from_chat_id, message.chat.id)
        elif (incoming := self._read(update, message)) is not None:
            await self._receive(incoming)

    async def _ask_anew(self, update: int, message: Message) -> None:
        """A question that was changed is asked again if it is the session's last; what it was is stopped."""
        incoming = self._read(update, message)
        late = message.edit_date is None or message.edit_date - message.date.timestamp() > CHANGEABLE
        if incoming is None or late:
            return
        if await self._inbox.supersedes(incoming, lambda address: address.get("reply_to") == message.message_id):
            await self._receive(incoming)

    async def _move(self, old: int, new: int) -> None:
        """A group has become a supergroup: all that is known of it goes on there."""
        self._outbox.moved(old, new)
        async with self._database.nobody() as connection:
            sessions = await chats.move(connection, PLATFORM, str(old), str(new))
        log.info("telegram.chat_moved", old=old, new=new, sessions=sessions)

    def _read(self, update: int, message: Message) -> Incoming | None:
        assert self._me is not None
        return of_message(update, message, self._me)

    async def _receive(self, incoming: Incoming) -> None:
        try:
            receipt = await self._inbox.receive(incoming)
        except DatabaseError:
            raise
        except Exception as error:
            message_refused(type(error).__name__)
            if not (isinstance(error, MessageRefused) and error.is_silent):
                self._errands.run(self._refuse(incoming, error))
            return
        if receipt.is_new and receipt.ahead:
            self._errands.run(self._announce(incoming, receipt))

    async def _refuse(self, incoming: Incoming, error: Exception) -> None:
        """Say why a message is not taken in; in one place once at a time, however fast somebody writes there."""
        if incoming.address is None or incoming.place in self._refusing:
            return
        say = Translator(heard_language(incoming))
        place = Place.of(incoming.address)
        self._refusing.add(incoming.place)
        try:
            for content in pages(outcome_text(self._inbox.refusal(incoming, error), say)):
                await self._outbox.send(place, Page(content), Urgency.SOON)
        except ChannelError as failure:
            log.info("telegram.refusal_not_shown", reason=str(failure))
        finally:
            self._refusing.discard(incoming.place)

    async def _announce(self, incoming: Incoming, receipt: Receipt) -> None:
        """Show a question's place in the queue, in the very message that will show the answer."""
        assert incoming.address is not None
        announcement = Announcement(self._database, receipt.turn)
        reply = self._platform.reply(incoming.address, announcement, receipt.conversation.say)
        try:
            await reply.queue(receipt.ahead)
        except TurnTaken:
            # Its answer is on its way already.
            return
        except (ChannelError, DatabaseError) as failure:
            log.info("telegram.place_not_shown", reason=str(failure))
