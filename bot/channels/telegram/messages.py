"""Where a message goes, what it shows, and the Bot API calls that send, edit and draft it.

Formatting is sent as entities, never with a parse mode.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Final

from aiogram.methods import EditMessageText, SendChatAction, SendDocument, SendMessage, SendMessageDraft
from aiogram.types import BufferedInputFile, InlineKeyboardMarkup, InputRichMessage, LinkPreviewOptions, ReplyParameters

from bot.channels.telegram.formatting import FormattedText
from bot.core.messages import Address, File


@dataclass(frozen=True, slots=True)
class Place:
    """A chat, perhaps a topic in it, and the message there that is answered."""

    chat: int
    private: bool
    thread: int | None = None
    """The topic's id; None outside topics."""
    reply_to: int | None = None
    """Id of the message that is answered."""
    draft: int = 1
    """Id of the draft that shows the answer while it is generated; not 0, and different for each answer."""
    instead: int | None = None
    """Id of a message of the bot that shows the answer instead of a new message."""

    @classmethod
    def from_address(cls, address: Address) -> Place:
        """The place that was stored as an address."""
        return cls(**{name: address[name] for name in cls.__slots__ if name in address})

    @property
    def address(self) -> Address:
        """The form in which it is stored with a turn."""
        return asdict(self)

    @property
    def name(self) -> str:
        """The value of `Incoming.place`: each topic is a separate place."""
        return str(self.chat) if self.thread is None else f"{self.chat}/{self.thread}"

    @property
    def without_reply(self) -> Place:
        """The same place for the later messages of an answer: only the first is a reply."""
        return replace(self, reply_to=None)


_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """The content of one message."""

    formatted: FormattedText
    keyboard: InlineKeyboardMarkup | None = None
    rich_markdown: str | None = None
    """Markdown that Telegram renders itself, instead of `formatted`."""


def build_send_message(chat_id: int, place: Place, message: OutgoingMessage) -> SendMessage:
    """A new message, as a reply to the one it answers if that still exists."""
    reply = None
    if place.reply_to is not None:
        reply = ReplyParameters(message_id=place.reply_to, allow_sending_without_reply=True)
    return SendMessage(
        chat_id=chat_id,
        message_thread_id=place.thread,
        text=message.formatted.text,
        entities=message.formatted.entities(),
        parse_mode=None,
        link_preview_options=_NO_PREVIEW,
        reply_parameters=reply,
        reply_markup=message.keyboard,
    )


def build_edit_message(chat_id: int, message_id: int, message: OutgoingMessage) -> EditMessageText:
    """New content for a message."""
    rich = None if message.rich_markdown is None else InputRichMessage(markdown=message.rich_markdown)
    return EditMessageText(
        chat_id=chat_id,
        message_id=message_id,
        text=message.formatted.text if rich is None else None,
        entities=message.formatted.entities() if rich is None else None,
        rich_message=rich,
        parse_mode=None,
        link_preview_options=_NO_PREVIEW,
        reply_markup=message.keyboard,
    )


def build_draft(chat_id: int, place: Place, formatted: FormattedText) -> SendMessageDraft:
    """A draft with a Stop button. Telegram shows one without text as "Thinking…"."""
    return SendMessageDraft(
        chat_id=chat_id,
        draft_id=place.draft,
        message_thread_id=place.thread,
        text=formatted.text,
        entities=formatted.entities(),
        parse_mode=None,
        can_stop=True,
        keep_on_stop=True,
    )


def build_send_document(chat_id: int, place: Place, file: File) -> SendDocument:
    """A message with a file."""
    document = BufferedInputFile(file.content, file.name)
    return SendDocument(chat_id=chat_id, message_thread_id=place.thread, document=document, parse_mode=None)


def build_typing_action(chat_id: int, place: Place) -> SendChatAction:
    """The indicator that the bot is typing."""
    return SendChatAction(chat_id=chat_id, action="typing", message_thread_id=place.thread)
