"""Buttons that are pressed."""

from __future__ import annotations

from dataclasses import replace

import structlog
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import CallbackQuery, Message

from bot.channels.telegram.background import BackgroundTasks
from bot.channels.telegram.formatting import plain
from bot.channels.telegram.incoming import incoming_from_button, language_of_user, reply_place
from bot.channels.telegram.keyboards import ExpiredButton, RunCommand, ShowMix, mixer_keyboard, parse_callback_data
from bot.channels.telegram.messages import OutgoingMessage
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.rate_limiter import Priority
from bot.core.errors import ChannelError
from bot.core.i18n import Translator, system_language
from bot.core.messages import Incoming
from bot.intake.inbox import Inbox
from bot.minds import Mind

log = structlog.get_logger(__name__)


class CallbackQueries:
    """Does what a press means, or says what it says."""

    def __init__(self, inbox: Inbox, outbox: Outbox, mind: Mind, background: BackgroundTasks) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._mind = mind
        self._background = background

    async def handle(self, update_id: int, query: CallbackQuery) -> Incoming | None:
        """What a press says, to be received as a message; None when there is nothing more to do.

        Raises:
            DatabaseError: it has to come again.
        """
        say = Translator(language_of_user(query.from_user) or system_language())
        press = parse_callback_data(query.data or "", self._mind)
        message, said = query.message, None
        told: str | None = None
        if not isinstance(message, Message) or isinstance(press, ExpiredButton):
            told = say("These buttons are out of date.")
        elif not _is_from_asker(query, message):
            told = say("These buttons are for the one who asked.")
        elif isinstance(press, RunCommand):
            said = incoming_from_button(
                update_id, query, message, press.command, replaces_message=press.replaces_message
            )
        elif isinstance(press, ShowMix):
            self._background.start(self._show_mix(update_id, message, press))
        else:
            stopped = await self._inbox.stop(incoming_from_button(update_id, query, message, "/stop"))
            told = say("Stopped.") if stopped else say("Nothing is being answered right now.")
        self._background.start(self._answer_query(query.id, told))
        return said

    async def _answer_query(self, query_id: str, text: str | None) -> None:
        try:
            await self._outbox.call(AnswerCallbackQuery(callback_query_id=query_id, text=text))
        except ChannelError as error:
            log.info("telegram.callback_answer_failed", reason=str(error))

    async def _show_mix(self, update_id: int, message: Message, action: ShowMix) -> None:
        say = Translator(action.language)
        text = say("Chosen: {mode}. “Apply” makes it answer.", mode=action.mix.mode)
        page = OutgoingMessage(plain(text), mixer_keyboard(action.mix, self._mind, say))
        place = replace(reply_place(message, update_id), reply_to=None)
        try:
            await self._outbox.edit(place, message.message_id, page, Priority.INTERACTIVE)
        except ChannelError as error:
            log.info("telegram.mixer_update_failed", reason=str(error))


def _is_from_asker(query: CallbackQuery, message: Message) -> bool:
    """Whether who presses is who asked; in private there is nobody else."""
    asked = message.reply_to_message
    writer = asked.from_user if asked is not None else None
    return message.chat.type == "private" or writer is None or writer.id == query.from_user.id
