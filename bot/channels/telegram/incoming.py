"""Telegram's updates as messages for the inbox. Pure functions: nothing is called and nothing is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiogram.types import CallbackQuery, Message, MessageGenerationStopped, User

from bot.channels.telegram.client import PLATFORM
from bot.channels.telegram.formatting import utf16_length
from bot.channels.telegram.messages import Place
from bot.channels.telegram.quotations import is_service_message, quotations_of_message, unread_kinds
from bot.core.i18n import LANGUAGES, Language
from bot.core.messages import FileRef, Incoming, MessagePart

_COMMAND: Final = re.compile(r"/(?P<name>[^\W\d_]\w*)(?:@(?P<bot>\w+))?")
_SHORTEST_CUT_TEXT: Final = 2048
"""UTF-16 code units: Telegram's clients cut a text that is too long for one message between a half and all of 4,096."""
_LONGEST_REMARK: Final = 300
"""UTF-16 code units of what people write about messages that they forward."""


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """The bot's own account."""

    id: int
    username: str
    commands: frozenset[str] = frozenset()
    """Names of the commands that it answers in a group without being mentioned."""


def incoming_from_message(
    update_id: int, message: Message, bot: BotIdentity, *, is_continuation: bool = False
) -> Incoming | None:
    """The message if it is for the bot: any in private; in a group a command, a mention of the bot or a reply to it.

    Args:
        is_continuation: whether it is known to go on with a message that was for the bot.
    """
    person = sender_id(message)
    if person is None or is_service_message(message) or message.is_automatic_forward:
        return None
    private = message.chat.type == "private"
    is_forward = message.forward_origin is not None
    text = "" if is_forward else message.text or message.caption or ""
    if not private:
        if not (is_continuation or _is_addressed_to(message, text, bot)):
            return None
        text = _without_mention(text, bot)
    sender_is_chat = message.sender_chat is not None
    files = _files(message)
    unread = list(unread_kinds(message, bot.id))
    if sender_is_chat and files:
        # A document goes into a person's memory, and a chat has none.
        files, unread = (), [*unread, "file"]
    return Incoming(
        platform=PLATFORM,
        person=person,
        place=reply_place(message, update_id).name,
        text=text,
        language=language_of_user(message.from_user),
        update=str(update_id),
        name=_sender_name(message.from_user),
        address=reply_place(message, update_id).address,
        chat=None if private else str(message.chat.id),
        files=files,
        quotations=tuple(quotations_of_message(message, bot.id)),
        unread=tuple(unread),
        part=message_part(message),
        sender_is_chat=sender_is_chat,
    )


def message_part(message: Message) -> MessagePart | None:
    """What a message may be a part of: several forwarded at once, maybe behind a remark about them, an album, or a text
    that was cut. None if nothing."""
    if message.forward_origin is not None:
        return MessagePart("forward")
    if message.media_group_id is not None:
        return MessagePart(f"album:{message.media_group_id}")
    if message.text is None:
        return None
    is_long = utf16_length(message.text) > _SHORTEST_CUT_TEXT
    if not is_long and message.reply_to_message is not None:
        # Only the first part of a text that was cut replies to something, and a remark about a forward does not.
        return None
    is_remark = utf16_length(message.text) <= _LONGEST_REMARK and not _COMMAND.match(message.text)
    return MessagePart("text", awaits_more=is_long, may_introduce_forwards=is_remark)


def incoming_from_button(
    update_id: int, query: CallbackQuery, message: Message, text: str, *, replaces_message: bool = False
) -> Incoming:
    """A pressed button as a message with the text it stands for; the answer may replace the button's message."""
    place = reply_place(message, update_id)
    place = replace(place, reply_to=None, instead=message.message_id if replaces_message else None)
    question = message.reply_to_message
    # A person who writes in the name of a chat presses its buttons as themselves.
    chat_sender = question.sender_chat if question is not None else None
    return Incoming(
        platform=PLATFORM,
        person=str(query.from_user.id if chat_sender is None else chat_sender.id),
        place=place.name,
        text=text,
        language=language_of_user(query.from_user),
        update=str(update_id),
        name=_sender_name(query.from_user),
        address=place.address,
        chat=None if place.private else str(place.chat),
        sender_is_chat=chat_sender is not None,
    )


def incoming_from_stop(update_id: int, stopped: MessageGenerationStopped) -> Incoming:
    """Telegram's own Stop button, which only private chats have: the chat's id is the person's."""
    place = Place(stopped.chat.id, private=True, thread=stopped.message_thread_id, draft=update_id)
    return Incoming(PLATFORM, str(stopped.chat.id), place.name, "/stop", update=str(update_id), address=place.address)


def reply_place(message: Message, update_id: int) -> Place:
    """Where a message is answered: as a reply to it, in its topic."""
    return Place(
        chat=message.chat.id,
        private=message.chat.type == "private",
        thread=message.message_thread_id if message.is_topic_message else None,
        reply_to=message.message_id,
        draft=update_id or 1,
    )


def language_of_user(user: User | None) -> Language | None:
    """The language of a person's Telegram client, if it is one of ours."""
    code = (user.language_code or "") if user else ""
    return next((language for language in LANGUAGES if code.split("-")[0] == language), None)


def sender_id(message: Message) -> str | None:
    """The id of the person who wrote, or of the chat they write as; None for bots."""
    if message.sender_chat is not None:
        return str(message.sender_chat.id)
    if message.from_user is None or message.from_user.is_bot:
        return None
    return str(message.from_user.id)


def _sender_name(user: User | None) -> str | None:
    if user is None:
        return None
    return user.full_name if user.username is None else f"{user.full_name}, @{user.username}"


def _is_addressed_to(message: Message, text: str, bot: BotIdentity) -> bool:
    """Whether a message of a group is for the bot; what is forwarded there says nothing of that in its own text."""
    if command := _COMMAND.match(text):
        if command["bot"] is not None:
            return command["bot"].casefold() == bot.username.casefold()
        if command["name"].casefold() in bot.commands:
            return True
    original = message.reply_to_message
    # Every message of a topic replies to the one that opened the topic, unless it replies to another.
    if original and original.from_user and original.from_user.id == bot.id and not is_service_message(original):
        return True
    return message.forward_origin is None and any(
        (entity.type == "mention" and entity.extract_from(text).casefold() == f"@{bot.username}".casefold())
        or (entity.type == "text_mention" and entity.user is not None and entity.user.id == bot.id)
        for entity in message.entities or message.caption_entities or ()
    )


def _without_mention(text: str, bot: BotIdentity) -> str:
    return re.sub(rf"(?<![\w/@])@{re.escape(bot.username)}\b[,:]?\s*", "", text, flags=re.IGNORECASE).strip()


def _files(message: Message) -> Sequence[FileRef]:
    document = message.document
    if document is None:
        return ()
    handle = {"file": document.file_id, "chat": message.chat.id}
    return (FileRef(document.file_name or document.file_unique_id, document.file_size or 0, handle),)
