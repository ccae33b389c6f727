"""What a Discord message replies to or forwards, mentions by name, and attachments that are no documents."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.channels.discord.attachments import file_ref_from_attachment, is_pasted_file
from bot.core.media import MediaKind
from bot.core.messages import FileRef
from bot.core.quotations import Quotation

_MENTION: Final = re.compile(r"<(?P<kind>@!?|@&|#)(?P<id>\d+)>|<a?:(?P<emoji>\w+):\d+>")
_MEDIA_KINDS: Final[dict[str, MediaKind]] = {"image": "picture", "audio": "recording", "video": "video"}

Content = discord.Message | discord.MessageSnapshot


@dataclass(frozen=True, slots=True)
class QuotedMessage:
    """A quotation, and the pasted texts that belong into it and are not downloaded yet."""

    quotation: Quotation
    pastes: tuple[FileRef, ...] = ()


def quoted_messages(bot: discord.ClientUser, message: discord.Message) -> Iterator[QuotedMessage]:
    """The message that this one replies to, and those that it forwards."""
    reference = message.reference
    if reference is not None and isinstance(original := reference.resolved, discord.Message):
        author, is_own = original.author.display_name, original.author.id == bot.id
        contents: list[Content] = [*original.message_snapshots, original] if original.message_snapshots else [original]
        for content in contents:
            text = describe_content(content, message.guild, original.mentions)
            pastes = _pastes(content, original)
            if text or pastes:
                yield QuotedMessage(Quotation.clean("reply", text, author=author, is_own=is_own), pastes)
    for snapshot in message.message_snapshots:
        text = describe_content(snapshot, message.guild, ())
        date = snapshot.created_at.date().isoformat()
        source = _channel_name(message.guild, reference.channel_id) if reference is not None else ""
        quotation = Quotation.clean("forward", text, author=source, date=date)
        yield QuotedMessage(quotation, _pastes(snapshot, None))


def describe_content(content: Content, guild: discord.Guild | None, mentions: Iterable[discord.abc.User]) -> str:
    """The text of a message with names in place of ids, and what is attached to it."""
    attached = [
        f"[{_media_kind(attachment) or attachment.filename}]"
        for attachment in content.attachments
        if not is_paste(attachment)
    ]
    attached += [f"[{sticker.name}]" for sticker in content.stickers]
    return "\n".join(part for part in (" ".join(attached), name_mentions(content.content, guild, mentions)) if part)


def name_mentions(text: str, guild: discord.Guild | None, mentions: Iterable[discord.abc.User]) -> str:
    """A text with the names of the people, roles, channels and emoji that it mentions by their ids.

    Args:
        mentions: the people whom Discord says it mentions; the id of anybody else stays.
    """
    people = {user.id: user.display_name for user in mentions}

    def name(match: re.Match[str]) -> str:
        if match["emoji"]:
            return f":{match['emoji']}:"
        found: str | None
        mentioned = int(match["id"])
        if match["kind"] == "#":
            return _channel_name(guild, mentioned) or match[0]
        if match["kind"] == "@&":
            role = guild.get_role(mentioned) if guild is not None else None
            found = role.name if role is not None else None
        else:
            found = people.get(mentioned)
        return match[0] if found is None else f"@{' '.join(found.split())}"

    return _MENTION.sub(name, text)


def document_refs(message: discord.Message) -> Iterator[FileRef]:
    """The documents and pasted texts of a message, and the documents that it forwards."""
    for attachment in message.attachments:
        if _media_kind(attachment) is None:
            yield _file_ref(attachment, message)
    for snapshot in message.message_snapshots:
        for attachment in snapshot.attachments:
            if _media_kind(attachment) is None and not is_paste(attachment):
                yield _file_ref(attachment, None)


def unread_kinds(bot: discord.ClientUser, message: discord.Message) -> Iterator[MediaKind]:
    """What cannot be read of a message, of those that it forwards, and of the one that it replies to."""
    contents: list[Content] = [message, *message.message_snapshots]
    reference = message.reference
    original = reference.resolved if reference is not None else None
    if isinstance(original, discord.Message) and original.author.id != bot.id:
        contents += [original, *original.message_snapshots]
    for content in contents:
        for attachment in content.attachments:
            if (kind := _media_kind(attachment)) is not None:
                yield kind
        if content.stickers:
            yield "sticker"
    if message.poll is not None:
        yield "other"


def is_paste(attachment: discord.Attachment) -> bool:
    """Whether an attachment is a text that the person pasted."""
    return is_pasted_file(attachment.filename, attachment.content_type)


def _pastes(content: Content, message: discord.Message | None) -> tuple[FileRef, ...]:
    return tuple(_file_ref(attachment, message) for attachment in content.attachments if is_paste(attachment))


def _file_ref(attachment: discord.Attachment, message: discord.Message | None) -> FileRef:
    described: Mapping[str, Any] = {
        "filename": attachment.filename,
        "size": attachment.size,
        "url": attachment.url,
        "id": attachment.id,
        "content_type": attachment.content_type,
    }
    if message is None:
        return file_ref_from_attachment(described)
    return file_ref_from_attachment(described, str(message.channel.id), str(message.id))


def _media_kind(attachment: discord.Attachment) -> MediaKind | None:
    media_type = attachment.content_type or mimetypes.guess_type(attachment.filename)[0] or ""
    return _MEDIA_KINDS.get(media_type.partition("/")[0])


def _channel_name(guild: discord.Guild | None, channel_id: int) -> str:
    channel = guild.get_channel_or_thread(channel_id) if guild is not None else None
    return f"#{channel.name}" if channel is not None else ""
