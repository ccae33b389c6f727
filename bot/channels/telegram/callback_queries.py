"""Callback queries: what happens when a person presses a button."""

from __future__ import annotations

from dataclasses import replace

import structlog
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import CallbackQuery, Message

from bot.channels.telegram.dispatch import BackgroundTasks
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
    """Does what a pressed button asks for, or turns it into a message for the inbox."""

    def __init__(self, inbox: Inbox, outbox: Outbox, mind: Mind, background: BackgroundTasks) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._mind = mind
        self._background = background

    async def handle(self, update_id: int, query: CallbackQuery) -> Incoming | None:
        """The command that the button stands for, to be received as a message; None when nothing more is to be done.

        Raises:
            Exception: the query was not handled; Telegram has to deliver it again.
        """
        say = Translator(language_of_user(query.from_user) or system_language())
        action = parse_callback_data(query.data or "", self._mind)
        message = query.message
        command: Incoming | None = None
        notice: str | None = None
        if not isinstance(message, Message) or isinstance(action, ExpiredButton):
            notice = say("These buttons are out of date.")
        elif not _is_from_asker(query, message):
            notice = say("Only the person who asked can use these buttons.")
        elif isinstance(action, RunCommand):
            command = incoming_from_button(
                update_id, query, message, action.command, replaces_message=action.replaces_message
            )
        elif isinstance(action, ShowMix):
            self._background.start(self._show_mix(update_id, message, action))
        else:
            stopped = await self._inbox.stop(incoming_from_button(update_id, query, message, "/stop"))
            notice = say("Stopped.") if stopped else say("Nothing is being answered right now.")
        self._background.start(self._answer_query(query.id, notice))
        return command

    async def _answer_query(self, query_id: str, notice: str | None) -> None:
        try:
            await self._outbox.call(AnswerCallbackQuery(callback_query_id=query_id, text=notice))
        except ChannelError as error:
            log.info("telegram.callback_answer_failed", reason=error)

    async def _show_mix(self, update_id: int, message: Message, action: ShowMix) -> None:
        say = Translator(action.language)
        text = say("Chosen: {mode}. Press “Apply” to use it.", mode=action.mix.mode)
        menu = OutgoingMessage(plain(text), mixer_keyboard(action.mix, self._mind, say))
        place = replace(reply_place(message, update_id), reply_to=None)
        try:
            await self._outbox.edit(place, message.message_id, menu, Priority.INTERACTIVE)
        except ChannelError as error:
            log.info("telegram.mixer_update_failed", reason=error)


def _is_from_asker(query: CallbackQuery, message: Message) -> bool:
    """Whether the button was pressed by the person whose message was answered; always so in a private chat."""
    question = message.reply_to_message
    if question is not None and question.sender_chat is not None:
        # Nobody knows who wrote in the chat's name, and whoever presses acts in its name.
        return True
    asker = question.from_user if question is not None else None
    return message.chat.type == "private" or asker is None or asker.id == query.from_user.id
