"""Chat exports as blocks: what was said on one occasion, in exchanges with their speakers and times."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.chats.conversation import Attachment, AttachmentKind, Conversation, ConversationKind, Message
from bot.library.parse.chats.exports import open_export
from bot.library.parse.errors import NoReadableMessages
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note

OCCASION_GAP: Final = timedelta(hours=3)
"""Silence after which people talk about something else: an exchange never goes on beyond it."""
_TURNS_PER_EXCHANGE: Final = 2
_MAX_TURN: Final = 4000
"""Characters after which what somebody says goes on in another exchange."""
_MONOLOGUES: Final = (ConversationKind.CHANNEL, ConversationKind.SAVED)
"""Kinds in which each message stands for itself."""
_QUOTABLE_MESSAGES: Final = 2000
"""How far back a message may be that another one replies to."""
_MAX_QUOTATION: Final = 120
_MAX_TITLE: Final = 200
_SYMBOLS: Final = {
    AttachmentKind.PHOTO: "🖼",
    AttachmentKind.VIDEO: "🎬",
    AttachmentKind.VOICE: "🎤",
    AttachmentKind.AUDIO: "🎵",
    AttachmentKind.ANIMATION: "🎞",
    AttachmentKind.STICKER: "🏷",
    AttachmentKind.FILE: "📎",
    AttachmentKind.POLL: "📊",
    AttachmentKind.CONTACT: "👤",
    AttachmentKind.LOCATION: "📍",
    AttachmentKind.OTHER: "📦",
}
"""Signs and not words, because a document may be in any language."""
_FORWARDED: Final = "↪"


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The exchanges of a chat export. Of an account's export, each chat is a section with the chat's title.

    Raises:
        NotAChat: it is none.
        NoReadableMessages: none of its messages can be read.
    """
    skipped = number = 0

    def count_skipped() -> None:
        nonlocal skipped
        skipped += 1

    export = open_export(path, limits, count_skipped)
    for conversation in export.conversations:
        above = _title(conversation, is_section=export.is_account)
        for exchange in _exchanges(conversation):
            if above is not None:
                yield above
                above = None
            number += 1
            yield exchange.block(number)
    if skipped and not number:
        raise NoReadableMessages
    if skipped:
        yield note(NoteKind.UNREADABLE_MESSAGES, count=skipped)


def _title(conversation: Conversation, *, is_section: bool) -> Block | None:
    """What stands above a conversation: in an account its heading, otherwise the document's title if it has one."""
    title = " ".join(conversation.title.split())[:_MAX_TITLE]
    if is_section:
        # The level keeps the first chat's title from being taken for that of all the document.
        return Block(BlockKind.HEADING, title or "?", level=2)
    return Block(BlockKind.TITLE, title) if title else None


@dataclass(slots=True)
class _Turn:
    """Successive messages of one speaker, of his own or forwarded from one other."""

    first: Message
    lines: list[str] = field(default_factory=list)
    length: int = 0

    def takes(self, message: Message) -> bool:
        """Whether a message goes on with it."""
        return (
            _speaker_key(message) == _speaker_key(self.first)
            and message.forwarded_from == self.first.forwarded_from
            and self.length < _MAX_TURN
        )

    def add(self, message: Message, quotation: str) -> None:
        text = _message_text(message)
        if quotation:
            self.lines.append(quotation)
        # After a quotation the speaker is named again: otherwise the text would seem to belong to it.
        is_named = bool(quotation) or not self.lines
        self.lines.append(f"{_label(message)}: {text}" if is_named else text)
        self.length += len(text)


@dataclass(slots=True)
class _Exchange:
    """A few turns on one occasion."""

    turns: list[_Turn] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    has_words: bool = False

    def takes(self, message: Message, *, is_monologue: bool) -> bool:
        """Whether a message belongs to it."""
        if not self.turns:
            return True
        if is_monologue or abs(_clock(message) - self.times[-1]) > OCCASION_GAP:
            return False
        if self.turns[-1].length >= _MAX_TURN:
            return False
        return self.turns[-1].takes(message) or len(self.turns) < _TURNS_PER_EXCHANGE

    def add(self, message: Message, quotation: str) -> None:
        if not self.turns or not self.turns[-1].takes(message):
            self.turns.append(_Turn(message))
        self.turns[-1].add(message, quotation)
        self.times.append(_clock(message))
        self.ids.add(message.id)
        self.has_words |= bool(message.text or any(attachment.name for attachment in message.attachments))

    def block(self, number: int) -> Block:
        text = "\n".join(line for turn in self.turns for line in turn.lines)
        first, last = (time.isoformat(timespec="minutes") for time in (min(self.times), max(self.times)))
        return Block(BlockKind.EXCHANGE, text, number, sent=first, sent_last=last)


def _exchanges(conversation: Conversation) -> Iterator[_Exchange]:
    """What was said, in twos: somebody speaks and another answers. Exchanges without a word are left out."""
    is_monologue = conversation.kind in _MONOLOGUES
    quotable: OrderedDict[str, Message] = OrderedDict()
    current = _Exchange()
    for message in conversation.messages:
        if not current.takes(message, is_monologue=is_monologue):
            if current.has_words:
                yield current
            current = _Exchange()
        replied = None if message.reply_to in current.ids else quotable.get(message.reply_to)
        current.add(message, _quotation(replied))
        if message.id:
            quotable[message.id] = message
        if len(quotable) > _QUOTABLE_MESSAGES:
            quotable.popitem(last=False)
    if current.has_words:
        yield current


def _clock(message: Message) -> datetime:
    # Without the zone: an export may state it for some messages only, and such times cannot be compared.
    return message.time.replace(tzinfo=None)


def _speaker_key(message: Message) -> str:
    return message.speaker_id or message.speaker


def _label(message: Message) -> str:
    name = " ".join(message.speaker_name.split()) or "?"
    if message.forwarded_from is None:
        return f"{name} ({message.time:%H:%M})"
    source = " ".join([_FORWARDED, *message.forwarded_from.split()])
    return f"{name} ({message.time:%H:%M}, {source})"


def _message_text(message: Message) -> str:
    return "\n".join(filter(None, [*map(_attachment_text, message.attachments), message.text]))


def _attachment_text(attachment: Attachment) -> str:
    return f"{_SYMBOLS[attachment.kind]} {attachment.name}".strip()


def _quotation(message: Message | None) -> str:
    if message is None:
        return ""
    text = " ".join(_message_text(message).split())
    shown = text if len(text) <= _MAX_QUOTATION else f"{text[:_MAX_QUOTATION].rstrip()}…"
    return f"> {' '.join(message.speaker_name.split()) or '?'}: {shown}"
