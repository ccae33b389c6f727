"""What messages show, and the calls of the Bot API that show it. Looks are said by entities, never by a parse mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiogram.methods import EditMessageText, SendChatAction, SendDocument, SendMessage, SendMessageDraft
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputRichMessage,
    LinkPreviewOptions,
    ReplyParameters,
)

from bot.channels.port import File
from bot.channels.telegram.formatted import Formatted
from bot.channels.telegram.place import Place

_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, slots=True)
class Page:
    """What one message shows."""

    content: Formatted
    keyboard: InlineKeyboardMarkup | None = None
    rich: str | None = None
    """Markdown that Telegram lays out itself, in the place of `content`."""


def sending(chat: int, place: Place, page: Page) -> SendMessage:
    """A new message; under the one it answers, if that is still there."""
    reply = None
    if place.reply_to is not None:
        reply = ReplyParameters(message_id=place.reply_to, allow_sending_without_reply=True)
    return SendMessage(
        chat_id=chat,
        message_thread_id=place.thread,
        text=page.content.text,
        entities=page.content.entities(),
        parse_mode=None,
        link_preview_options=_NO_PREVIEW,
        reply_parameters=reply,
        reply_markup=page.keyboard,
    )


def editing(chat: int, message_id: int, page: Page) -> EditMessageText:
    """A message that shows something else from now on."""
    rich = None if page.rich is None else InputRichMessage(markdown=page.rich)
    return EditMessageText(
        chat_id=chat,
        message_id=message_id,
        text=page.content.text if rich is None else None,
        entities=page.content.entities() if rich is None else None,
        rich_message=rich,
        parse_mode=None,
        link_preview_options=_NO_PREVIEW,
        reply_markup=page.keyboard,
    )


def drafting(chat: int, place: Place, content: Formatted) -> SendMessageDraft:
    """What is being written, with a button to stop it; nothing yet is shown as that."""
    return SendMessageDraft(
        chat_id=chat,
        draft_id=place.draft,
        message_thread_id=place.thread,
        text=content.text,
        entities=content.entities(),
        parse_mode=None,
        can_stop=True,
        keep_on_stop=True,
    )


def handing(chat: int, place: Place, file: File) -> SendDocument:
    """A file."""
    document = BufferedInputFile(file.content, file.name)
    return SendDocument(chat_id=chat, message_thread_id=place.thread, document=document, parse_mode=None)


def acting(chat: int, place: Place) -> SendChatAction:
    """That something is being written."""
    return SendChatAction(chat_id=chat, action="typing", message_thread_id=place.thread)
