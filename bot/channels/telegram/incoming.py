"""What Telegram's updates say, as the inbox takes it. Pure: nothing is asked and nothing is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiogram.types import CallbackQuery, Message, MessageGenerationStopped, User

from bot.channels.telegram.client import PLATFORM
from bot.channels.telegram.messages import Place
from bot.core.i18n import LANGUAGES, Language
from bot.core.messages import FileRef, Incoming

_COMMAND: Final = re.compile(r"/(?P<name>[^\W\d_]\w*)(?:@(?P<bot>\w+))?")


_USER_CONTENT_TYPES: Final = frozenset(
    {"text", "photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker", "story"}
    | {"live_photo", "paid_media", "contact", "dice", "poll", "venue", "location", "checklist", "game", "rich_message"}
)
"""What people send; everything else says that something happened in the chat."""


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """The bot itself, as Telegram knows it."""

    id: int
    username: str
    commands: frozenset[str] = frozenset()
    """What it answers in a group though it is not named."""


def incoming_from_message(update_id: int, message: Message, bot: BotIdentity) -> Incoming | None:
    """A message that is for the bot: any in private; in a group a command, a mention, or a reply to it."""
    person = _sender_id(message)
    if person is None or _is_service_message(message):
        return None
    private = message.chat.type == "private"
    text = message.text or message.caption or ""
    if not private:
        if not _is_addressed_to(message, text, bot):
            return None
        text = _without_mention(text, bot)
    return Incoming(
        platform=PLATFORM,
        person=person,
        place=reply_place(message, update_id).name,
        text=text,
        language=language_of_user(message.from_user),
        update=str(update_id),
        address=reply_place(message, update_id).address,
        chat=None if private else str(message.chat.id),
        files=_files(message),
    )


def incoming_from_button(
    update_id: int, query: CallbackQuery, message: Message, text: str, *, replaces_message: bool = False
) -> Incoming:
    """What pressing a button under a message says, in words; the answer may take the place of that message."""
    place = reply_place(message, update_id)
    place = replace(place, reply_to=None, instead=message.message_id if replaces_message else None)
    return Incoming(
        platform=PLATFORM,
        person=str(query.from_user.id),
        place=place.name,
        text=text,
        language=language_of_user(query.from_user),
        update=str(update_id),
        address=place.address,
        chat=None if place.private else str(place.chat),
    )


def incoming_from_stop(update_id: int, stopped: MessageGenerationStopped) -> Incoming:
    """The Stop button of a private chat: its chat is the person's."""
    place = Place(stopped.chat.id, private=True, thread=stopped.message_thread_id, draft=update_id)
    return Incoming(PLATFORM, str(stopped.chat.id), place.name, "/stop", update=str(update_id), address=place.address)


def reply_place(message: Message, update_id: int) -> Place:
    """Where a message is answered: under it, in its topic."""
    return Place(
        chat=message.chat.id,
        private=message.chat.type == "private",
        thread=message.message_thread_id if message.is_topic_message else None,
        reply_to=message.message_id,
        draft=update_id or 1,
    )


def language_of_user(user: User | None) -> Language | None:
    """The language of a person's Telegram, if it is one of ours."""
    code = (user.language_code or "") if user else ""
    return next((language for language in LANGUAGES if code.split("-")[0] == language), None)


def _sender_id(message: Message) -> str | None:
    """Who wrote: a person, or a chat that speaks for one; no other bot."""
    if message.sender_chat is not None:
        return str(message.sender_chat.id)
    if message.from_user is None or message.from_user.is_bot:
        return None
    return str(message.from_user.id)


def _is_service_message(message: Message) -> bool:
    """Whether nobody wrote it: somebody joined, a topic was opened, a group moved."""
    return message.content_type not in _USER_CONTENT_TYPES


def _is_addressed_to(message: Message, text: str, bot: BotIdentity) -> bool:
    if command := _COMMAND.match(text):
        if command["bot"] is not None:
            return command["bot"].casefold() == bot.username.casefold()
        if command["name"].casefold() in bot.commands:
            return True
    answered = message.reply_to_message
    # Every message of a topic answers the one that opened it, unless it answers another.
    if answered and answered.from_user and answered.from_user.id == bot.id and not _is_service_message(answered):
        return True
    return any(
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
