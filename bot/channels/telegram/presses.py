"""Buttons that are pressed."""

from __future__ import annotations

from dataclasses import replace

import structlog
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import CallbackQuery, Message

from bot.channels.errors import ChannelError
from bot.channels.port import Incoming
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.formatted import plain
from bot.channels.telegram.incoming import language_of_user, of_press, place_of
from bot.channels.telegram.keyboards import Says, Shows, Stale, mixer, read_press
from bot.channels.telegram.methods import Page
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.pacing import Urgency
from bot.locales import Translator, system_language
from bot.mind import Mind
from bot.turns.inbox import Inbox

log = structlog.get_logger(__name__)


class Presses:
    """Does what a press means, or says what it says."""

    def __init__(self, inbox: Inbox, outbox: Outbox, mind: Mind, errands: Errands) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._mind = mind
        self._errands = errands

    async def take(self, update: int, query: CallbackQuery) -> Incoming | None:
        """What a press says, to be received as a message; None when there is nothing more to do.

        Raises:
            DatabaseError: it has to come again.
        """
        say = Translator(language_of_user(query.from_user) or system_language())
        press = read_press(query.data or "", self._mind)
        message, said = query.message, None
        told: str | None = None
        if not isinstance(message, Message) or isinstance(press, Stale):
            told = say("These buttons are out of date.")
        elif not _is_his(query, message):
            told = say("These buttons are for the one who asked.")
        elif isinstance(press, Says):
            said = of_press(update, query, message, press.command, replaces=press.replaces)
        elif isinstance(press, Shows):
            self._errands.run(self._show(update, message, press))
        else:
            stopped = await self._inbox.stop(of_press(update, query, message, "/stop"))
            told = say("Stopped.") if stopped else say("Nothing is being answered right now.")
        self._errands.run(self._answer(query.id, told))
        return said

    async def _answer(self, query_id: str, text: str | None) -> None:
        try:
            await self._outbox.call(AnswerCallbackQuery(callback_query_id=query_id, text=text))
        except ChannelError as error:
            log.info("telegram.press_not_answered", reason=str(error))

    async def _show(self, update: int, message: Message, press: Shows) -> None:
        say = Translator(press.language)
        text = say("Chosen: {mode}. “Apply” makes it answer.", mode=press.mix.mode)
        page = Page(plain(text), mixer(press.mix, self._mind, say))
        place = replace(place_of(message, update), reply_to=None)
        try:
            await self._outbox.edit(place, message.message_id, page, Urgency.SOON)
        except ChannelError as error:
            log.info("telegram.mix_not_shown", reason=str(error))


def _is_his(query: CallbackQuery, message: Message) -> bool:
    """Whether who presses is who asked; in private there is nobody else."""
    asked = message.reply_to_message
    writer = asked.from_user if asked is not None else None
    return message.chat.type == "private" or writer is None or writer.id == query.from_user.id
