"""One update of Telegram, whichever way it came: taken in, or said why not."""

from __future__ import annotations

import structlog
from aiogram.types import Update

from bot.channels.errors import DeliveryError
from bot.channels.port import Incoming
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.incoming import Me, of_message, of_stop
from bot.channels.telegram.platform import TelegramPlatform, Unrecorded
from bot.locales import Translator
from bot.turns.announcement import Announcement
from bot.turns.conversation import heard_language
from bot.turns.errors import MessageRefused
from bot.turns.inbox import Inbox, Receipt
from bot.turns.metrics import message_refused
from db.database import Database
from db.errors import DatabaseError, TurnTaken

log = structlog.get_logger(__name__)


class Intake:
    """Hands updates in."""

    def __init__(self, inbox: Inbox, platform: TelegramPlatform, database: Database, errands: Errands) -> None:
        self._inbox = inbox
        self._platform = platform
        self._database = database
        self._errands = errands
        self._me: Me | None = None

    def introduce(self, me: Me) -> None:
        """Who the bot is; before any update."""
        self._me = me

    async def take(self, update: Update) -> None:
        """Take an update in; once this returns, Telegram may forget it.

        Raises:
            DatabaseError: it is not taken in, and has to come again.
        """
        assert self._me is not None
        if update.message is not None:
            incoming = of_message(update.update_id, update.message, self._me)
            if incoming is not None:
                await self._receive(incoming)
        elif update.stopped_message_generation is not None:
            await self._inbox.stop(of_stop(update.update_id, update.stopped_message_generation))

    async def _receive(self, incoming: Incoming) -> None:
        try:
            receipt = await self._inbox.receive(incoming)
        except DatabaseError:
            raise
        except Exception as error:
            if not isinstance(error, MessageRefused):
                log.exception("telegram.not_taken_in", update=incoming.update)
            message_refused(type(error).__name__)
            self._errands.run(self._refuse(incoming, error))
            return
        if receipt.is_new and receipt.ahead:
            self._errands.run(self._announce(incoming, receipt))

    async def _refuse(self, incoming: Incoming, error: Exception) -> None:
        assert incoming.address is not None
        say = Translator(heard_language(incoming))
        reply = self._platform.reply(incoming.address, Unrecorded(), say)
        try:
            await reply.finish(self._inbox.refusal(incoming, error))
        except DeliveryError as failure:
            log.info("telegram.refusal_not_shown", reason=str(failure))

    async def _announce(self, incoming: Incoming, receipt: Receipt) -> None:
        """Show a question's place in the queue, in the very message that will show the answer."""
        assert incoming.address is not None
        announcement = Announcement(self._database, receipt.turn)
        reply = self._platform.reply(incoming.address, announcement, receipt.conversation.say)
        try:
            await reply.queue(receipt.ahead)
        except TurnTaken:
            return
        except (DeliveryError, DatabaseError) as failure:
            log.info("telegram.place_not_shown", reason=str(failure))
