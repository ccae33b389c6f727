"""What a Telegram message replies to, quotes or forwards, and kinds of content that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aiogram.types import (
    Chat,
    ExternalReplyInfo,
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
    User,
)

from bot.core.media import MediaKind
from bot.core.quotations import Quotation

Origin = MessageOriginUser | MessageOriginHiddenUser | MessageOriginChat | MessageOriginChannel
_OTHER_CONTENT: Final = ("contact", "dice", "poll", "venue", "location", "checklist", "game", "rich_message")
_MEDIA_KINDS: Final[dict[str, MediaKind]] = {
    "photo": "picture",
    "live_photo": "picture",
    "paid_media": "picture",
    "voice": "recording",
    "audio": "recording",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "story": "video",
    "sticker": "sticker",
    **dict.fromkeys(_OTHER_CONTENT, "other"),
}
READABLE_CONTENT: Final = frozenset({"text", "document"})
USER_CONTENT: Final = READABLE_CONTENT | _MEDIA_KINDS.keys()
"""Types of what people send; messages of all other types report events of the chat."""


def unread_kind(message: Message) -> MediaKind | None:
    """The kind of a message's content that cannot be read; None if it is text or a document."""
    return _MEDIA_KINDS.get(message.content_type)


def is_service_message(message: Message) -> bool:
    """Whether nobody wrote it: it reports that somebody joined, a topic was opened, a group was upgraded, …"""
    return message.content_type not in USER_CONTENT


def quotations_of_message(message: Message, bot_id: int) -> Iterator[Quotation]:
    """The message that this one replies to, or the part of it that is quoted, and this one itself if it is forwarded.

    Args:
        bot_id: of the bot's own account.
    """
    excerpt = message.quote.text if message.quote is not None else None
    original = message.reply_to_message
    # Every message of a topic replies to the one that opened the topic, unless it replies to another.
    if original is not None and not is_service_message(original):
        author = _author_name(original.from_user, original.sender_chat)
        is_own = original.from_user is not None and original.from_user.id == bot_id
        yield Quotation.clean(
            "reply", excerpt or _content(original), author=author, is_excerpt=excerpt is not None, is_own=is_own
        )
    elif isinstance(message.external_reply, ExternalReplyInfo) and excerpt:
        author, date = _describe_origin(message.external_reply.origin)
        yield Quotation.clean("reply", excerpt, author=author, date=date, is_excerpt=True)
    if message.forward_origin is not None:
        author, date = _describe_origin(message.forward_origin)
        yield Quotation.clean("forward", _content(message), author=author, date=date)


def unread_kinds(message: Message, bot_id: int) -> Iterator[MediaKind]:
    """What cannot be read of a message, and of the one that it replies to, unless that is the bot's own or quoted."""
    if (kind := unread_kind(message)) is not None:
        yield kind
    original = message.reply_to_message
    if original is None or is_service_message(original) or message.quote is not None:
        return
    if (original.from_user is None or original.from_user.id != bot_id) and (kind := unread_kind(original)) is not None:
        yield kind


def _content(message: Message) -> str:
    """A message's text; behind a caption, or in its place, what the caption belongs to."""
    text = message.text or message.caption or ""
    kind = unread_kind(message)
    attached = f"[{kind}]" if kind is not None else ""
    if message.document is not None:
        attached = f"[{message.document.file_name or 'file'}]"
    return "\n".join(part for part in (attached, text) if part)


def _author_name(user: User | None, chat: Chat | None) -> str:
    if chat is not None:
        return chat.title or chat.full_name
    return user.full_name if user is not None else ""


def _describe_origin(origin: Origin) -> tuple[str, str]:
    """The author of a message that comes from elsewhere, and the day when it was written."""
    match origin:
        case MessageOriginUser():
            author = origin.sender_user.full_name
        case MessageOriginHiddenUser():
            author = origin.sender_user_name
        case MessageOriginChat():
            author = _author_name(None, origin.sender_chat)
        case MessageOriginChannel():
            author = _author_name(None, origin.chat)
    return author, origin.date.date().isoformat()
