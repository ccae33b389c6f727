"""Exports of Telegram Desktop (`result.json`): one chat, or all chats of an account.

Their form is that of `export_output_json.cpp` in Telegram Desktop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from bot.library.parse.chats.conversation import Attachment, AttachmentKind, Conversation, ConversationKind, Message
from bot.library.parse.chats.fields import OnSkip, object_of, objects_of, text_of, time_of
from bot.library.parse.chats.json_stream import BadValue, JsonStream
from bot.library.parse.chats.message_lists import is_message_list, message_lists, read_messages, read_messages_of
from bot.library.parse.decoding import open_text

_ACCOUNT_LISTS: Final = ("chats", "left_chats")
_KINDS: Final = {
    "personal_chat": ConversationKind.PRIVATE,
    "bot_chat": ConversationKind.BOT,
    "private_group": ConversationKind.GROUP,
    "private_supergroup": ConversationKind.GROUP,
    "public_supergroup": ConversationKind.GROUP,
    "private_channel": ConversationKind.CHANNEL,
    "public_channel": ConversationKind.CHANNEL,
    "saved_messages": ConversationKind.SAVED,
}
_SAVED_TITLE: Final = "Saved Messages"
"""Telegram's own name of the chat that its export leaves without one."""
_MEDIA: Final = {
    "sticker": AttachmentKind.STICKER,
    "video_message": AttachmentKind.VIDEO,
    "video_file": AttachmentKind.VIDEO,
    "voice_message": AttachmentKind.VOICE,
    "animation": AttachmentKind.ANIMATION,
    "audio_file": AttachmentKind.AUDIO,
}
_OTHER_MEDIA: Final = {
    "game_title": "",
    "invoice_information": "title",
    "todo_list": "title",
    "giveaway_information": "",
    "giveaway_results": "",
    "paid_stars_amount": "",
}
"""Keys of what is attached and has no kind of its own, and the key of the name within."""
_MAX_OFFSET: Final = timedelta(hours=15)
_OFFSET_STEP: Final = 900
"""Seconds: offsets of time zones are multiples of it."""


def is_chat(root: dict[str, Any]) -> bool:
    """Whether a file with these members (see `exports.root_members`) is the export of one chat."""
    return "messages" in root and "type" in root


def is_account(root: dict[str, Any]) -> bool:
    """Whether a file with these members (see `exports.root_members`) is the export of an account."""
    return any(name in root for name in _ACCOUNT_LISTS)


def read_chat(path: Path, root: dict[str, Any], on_skip: OnSkip) -> Conversation:
    """The conversation of the export of a chat."""
    head = _head(root)
    return Conversation(head.title, head.kind, read_messages_of(path, _message, on_skip))


def read_account(path: Path, on_skip: OnSkip) -> Iterator[Conversation]:
    """The conversations of the export of an account, in its order."""
    heads = list(_account_heads(path))
    with open_text(path) as text:
        stream = JsonStream(text)
        stops = (None for _ in _chats(stream) for _ in message_lists(stream))
        for _, head in zip(stops, heads, strict=False):
            messages = read_messages(stream, _message, on_skip)
            yield Conversation(head.title, head.kind, messages)
            for _unread in messages:
                pass


@dataclass(frozen=True, slots=True)
class _Head:
    """What an export says about a chat."""

    title: str
    kind: ConversationKind


def _head(chat: dict[str, Any]) -> _Head:
    kind = _KINDS.get(text_of(chat.get("type")), ConversationKind.UNKNOWN)
    title = text_of(chat.get("name")) or (_SAVED_TITLE if kind is ConversationKind.SAVED else text_of(chat.get("id")))
    return _Head(title, kind)


def _account_heads(path: Path) -> Iterator[_Head]:
    """Of each chat with messages. A pass of its own: what a chat is called may stand behind its messages."""
    with open_text(path) as text:
        stream = JsonStream(text)
        for _ in _chats(stream):
            chat: dict[str, Any] = {}
            lists = 0
            for key in stream.members():
                if key in ("name", "type", "id"):
                    chat[key] = _value(stream)
                else:
                    lists += is_message_list(key, stream)
                    stream.skip()
            yield from repeat(_head(chat), lists)


def _chats(stream: JsonStream) -> Iterator[None]:
    """Stops at each chat of an account."""
    for key in stream.members():
        if key not in _ACCOUNT_LISTS or stream.peek() != "{":
            stream.skip()
            continue
        for inner in stream.members():
            if inner != "list" or stream.peek() != "[":
                stream.skip()
                continue
            for _ in stream.items():
                if stream.peek() == "{":
                    yield
                else:
                    stream.skip()


def _value(stream: JsonStream) -> Any:
    try:
        return stream.value()
    except BadValue:
        return None


def _message(record: dict[str, Any]) -> Message | None:
    if record["type"] != "message":
        # Else it is "service" or "unsupported"; the latter has nothing but its id.
        return None
    forwarded = "forwarded_from" in record
    return Message(
        text_of(record.get("id")),
        text_of(record.get("from")),
        _time(record),
        _plain_text(record.get("text", record.get("text_entities", ""))).strip(),
        speaker_id=text_of(record.get("from_id")),
        # A message of another chat has its number there, and another message may have it here.
        reply_to="" if "reply_to_peer_id" in record else text_of(record.get("reply_to_message_id")),
        forwarded_from=text_of(record["forwarded_from"]) if forwarded else None,
        edited="edited" in record,
        attachments=tuple(_attachments(record)),
    )


def _time(record: dict[str, Any]) -> datetime:
    """When it was sent, by the exporting computer's clock, with the time zone that follows from both times."""
    if "date_unixtime" not in record:
        return time_of(record["date"])
    sent = datetime.fromtimestamp(int(record["date_unixtime"]), UTC)
    try:
        offset = time_of(record["date"]).replace(tzinfo=UTC) - sent
    except (KeyError, ValueError):
        return sent
    if abs(offset) > _MAX_OFFSET or offset.total_seconds() % _OFFSET_STEP:
        return sent
    return sent.astimezone(timezone(offset) if offset else UTC)


def _plain_text(value: Any) -> str:
    """A text that is a string, or a list of strings and of entities such as links, whose addresses are left out."""
    parts = value if isinstance(value, list) else [value]
    return "".join(part["text"] if isinstance(part, dict) else part for part in parts)


def _attachments(record: dict[str, Any]) -> Iterator[Attachment]:
    if "photo" in record:
        yield Attachment(AttachmentKind.PHOTO)
    if "file" in record or "media_type" in record:
        kind = _MEDIA.get(text_of(record.get("media_type")), AttachmentKind.FILE)
        is_named = kind in (AttachmentKind.FILE, AttachmentKind.AUDIO)
        yield Attachment(kind, _audio_name(record) if is_named else text_of(record.get("sticker_emoji")))
    if "poll" in record:
        poll = object_of(record["poll"])
        lines = [poll.get("question", ""), *(answer.get("text", "") for answer in objects_of(poll.get("answers")))]
        yield Attachment(AttachmentKind.POLL, "\n".join(_plain_text(line).strip() for line in lines))
    if "contact_information" in record:
        contact = object_of(record["contact_information"])
        names = (text_of(contact.get(key)) for key in ("first_name", "last_name"))
        yield Attachment(AttachmentKind.CONTACT, " ".join(filter(None, names)))
    if "location_information" in record or "place_name" in record:
        places = (text_of(record.get(key)) for key in ("place_name", "address"))
        yield Attachment(AttachmentKind.LOCATION, ", ".join(filter(None, places)))
    for key, inner in _OTHER_MEDIA.items():
        if key in record:
            name = object_of(record[key]).get(inner, "") if inner else record[key]
            yield Attachment(AttachmentKind.OTHER, _plain_text(name) if isinstance(name, (str, list)) else "")


def _audio_name(record: dict[str, Any]) -> str:
    """Of music its performer and title, of another file its name."""
    song = " – ".join(filter(None, (text_of(record.get(key)) for key in ("performer", "title"))))
    return song or text_of(record.get("file_name"))
