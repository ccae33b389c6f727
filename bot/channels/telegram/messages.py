"""Where a message goes, what it shows, and the Bot API calls that send, edit and draft it.

Formatting is sent as entities, never by a parse mode.
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
    """A chat, perhaps a topic of it, and the message there that is answered."""

    chat: int
    private: bool
    thread: int | None = None
    """The topic; None outside of topics."""
    reply_to: int | None = None
    """The message that is answered."""
    draft: int = 1
    """The id of what is shown while the answer is made; another one for each answer."""
    instead: int | None = None
    """A message of the bot's that the answer is shown in, instead of in a new one."""

    @classmethod
    def from_address(cls, address: Address) -> Place:
        """Read it back."""
        return cls(**{name: address[name] for name in cls.__slots__ if name in address})

    @property
    def address(self) -> Address:
        """As it is kept with a turn."""
        return asdict(self)

    @property
    def name(self) -> str:
        """As in `Incoming.place`: each topic is a place of its own."""
        return str(self.chat) if self.thread is None else f"{self.chat}/{self.thread}"

    @property
    def without_reply(self) -> Place:
        """For messages that go on where one has answered."""
        return replace(self, reply_to=None)


_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """What one message shows."""

    formatted: FormattedText
    keyboard: InlineKeyboardMarkup | None = None
    rich_markdown: str | None = None
    """Markdown that Telegram lays out itself, in the place of `formatted`."""


def build_send_message(chat_id: int, place: Place, message: OutgoingMessage) -> SendMessage:
    """A new message; under the one it answers, if that is still there."""
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
    """A message that shows something else from now on."""
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
    """What is being written, with a button to stop it; nothing yet is shown as that."""
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
    """A file."""
    document = BufferedInputFile(file.content, file.name)
    return SendDocument(chat_id=chat_id, message_thread_id=place.thread, document=document, parse_mode=None)


def build_typing_action(chat_id: int, place: Place) -> SendChatAction:
    """That something is being written."""
    return SendChatAction(chat_id=chat_id, action="typing", message_thread_id=place.thread)
