"""Exports of Discord by DiscordChatExporter, as JSON or CSV.

Their form is that of `JsonMessageWriter.cs` and `CsvMessageWriter.cs` in DiscordChatExporter.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from bot.library.parse.chats.conversation import Attachment, AttachmentKind, Conversation, ConversationKind, Message
from bot.library.parse.chats.fields import OnSkip, object_of, objects_of, text_of, time_of
from bot.library.parse.chats.file_kinds import kind_by_name
from bot.library.parse.chats.message_lists import read_messages_of
from bot.library.parse.decoding import open_text

_SPOKEN: Final = ("Default", "Reply", "0", "19", "20", "23")
"""Types of messages that somebody wrote: 20 and 23 are a bot's answers to a command. The others are service messages,
as that somebody joined."""
_KINDS: Final = {
    "DirectTextChat": ConversationKind.PRIVATE,
    "DirectGroupTextChat": ConversationKind.GROUP,
    "GuildNews": ConversationKind.CHANNEL,
}
_VOICE_MESSAGE: Final = "voice-message.ogg"
_CSV_COLUMNS: Final = ["AuthorID", "Author", "Date", "Content", "Attachments", "Reactions"]
_MAX_CSV_FIELD: Final = 1 << 20


def is_export(root: dict[str, Any]) -> bool:
    """Whether a file with these members (see `exports.root_members`) is an export of DiscordChatExporter."""
    return all(name in root for name in ("guild", "channel", "messages"))


def read(path: Path, root: dict[str, Any], on_skip: OnSkip) -> Conversation:
    """The conversation of an export as JSON."""
    channel = object_of(root["channel"])
    kind = _KINDS.get(text_of(channel.get("type")), ConversationKind.GROUP)
    title = text_of(channel.get("name"))
    if not text_of(channel.get("type")).startswith("Direct"):
        title = f"{text_of(object_of(root['guild']).get('name'))} #{title}".strip()
    return Conversation(title, kind, read_messages_of(path, _message, on_skip))


def is_csv_export(path: Path) -> bool:
    """Whether a CSV file has the columns of an export."""
    with open_text(path) as stream:
        first = stream.readline(len(",".join(_CSV_COLUMNS)) * 2)
    return [cell.strip('"') for cell in first.lstrip("\ufeff").strip().split(",")] == _CSV_COLUMNS


def read_csv(path: Path, on_skip: OnSkip) -> Conversation:
    """The conversation of an export as CSV.

    It has no ids of messages, for which the numbers of the rows stand here, and does not tell service messages from
    others.
    """
    return Conversation("", ConversationKind.UNKNOWN, _csv_messages(path, on_skip))


def _csv_messages(path: Path, on_skip: OnSkip) -> Iterator[Message]:
    csv.field_size_limit(_MAX_CSV_FIELD)
    with open_text(path) as stream:
        rows = csv.reader(stream)
        next(rows)
        for number, row in enumerate(rows, 1):
            try:
                author_id, author, date, content, attachments, _ = row
                time = time_of(date)
                names = [PurePosixPath(unquote(urlsplit(url).path)).name for url in attachments.split(",") if url]
            except ValueError:
                on_skip()
                continue
            yield Message(
                str(number),
                author.strip(),
                time,
                content.strip(),
                speaker_id=author_id,
                attachments=tuple(map(_file, names)),
            )


def _message(record: dict[str, Any]) -> Message | None:
    if text_of(record["type"]) not in _SPOKEN:
        return None
    author, reference = object_of(record["author"]), object_of(record.get("reference"))
    # What was forwarded stands apart, and Discord does not say who wrote it.
    forwarded = record.get("forwardedMessage")
    content = object_of(forwarded) if forwarded is not None else record
    replies = forwarded is None and text_of(reference.get("type")) != "Forward"
    return Message(
        text_of(record["id"]),
        text_of(author.get("nickname")) or text_of(author.get("name")),
        time_of(record["timestamp"]),
        _text(content, record),
        speaker_id=text_of(author.get("id")),
        reply_to=text_of(reference.get("messageId")) if replies else "",
        forwarded_from=None if forwarded is None else "",
        edited=record.get("timestampEdited") is not None,
        attachments=tuple(_attachments(content)),
    )


def _text(content: dict[str, Any], record: dict[str, Any]) -> str:
    """What was written, with the names of people who are mentioned; of a bot's message without text its panels."""
    text = content.get("content") or ""
    if not isinstance(text, str):
        raise TypeError
    for person in objects_of(record.get("mentions")):
        name = text_of(person.get("nickname")) or text_of(person.get("name"))
        for mark in ("<@", "<@!"):
            text = text.replace(f"{mark}{text_of(person.get('id'))}>", f"@{name}")
    return text.strip() or "\n".join(filter(None, map(_embed_text, objects_of(content.get("embeds")))))


def _embed_text(embed: dict[str, Any]) -> str:
    lines = [text_of(embed.get("title")), text_of(embed.get("description"))]
    for entry in objects_of(embed.get("fields")):
        lines += [": ".join(filter(None, (text_of(entry.get("name")), text_of(entry.get("value")))))]
    return "\n".join(filter(None, lines))


def _attachments(content: dict[str, Any]) -> Iterator[Attachment]:
    yield from map(_file, (text_of(file.get("fileName")) for file in objects_of(content.get("attachments"))))
    sticker = partial(Attachment, AttachmentKind.STICKER)
    yield from map(sticker, (text_of(item.get("name")) for item in objects_of(content.get("stickers"))))


def _file(name: str) -> Attachment:
    return Attachment(AttachmentKind.VOICE if name == _VOICE_MESSAGE else kind_by_name(name), name)
