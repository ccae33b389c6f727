"""Conversations: the messages of a chat, whatever program exported them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from enum import StrEnum


class ConversationKind(StrEnum):
    """Who writes in a conversation."""

    PRIVATE = "private"
    """Two people."""
    BOT = "bot"
    """A person and a bot."""
    GROUP = "group"
    CHANNEL = "channel"
    """One writes and the others read."""
    SAVED = "saved"
    """A person's notes to himself."""
    UNKNOWN = "unknown"


class AttachmentKind(StrEnum):
    """What is attached to a message."""

    PHOTO = "photo"
    VIDEO = "video"
    VOICE = "voice"
    """Speech that was recorded for the message."""
    AUDIO = "audio"
    ANIMATION = "animation"
    STICKER = "sticker"
    FILE = "file"
    POLL = "poll"
    CONTACT = "contact"
    LOCATION = "location"
    OTHER = "other"
    """Something else, or the export does not say what."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that is attached to a message. Its content is not read."""

    kind: AttachmentKind
    name: str = ""
    """Of a file its name, of a sticker its emoji, of a contact the person's name, of a location what is there, of a
    poll the question and below it the answers; empty where the export does not say."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one person sent at one time. Service messages, such as that somebody joined, are none."""

    id: str
    """Unique in its conversation; empty where the export does not say."""
    speaker: str
    """The name that is shown; empty for an account that was deleted."""
    time: datetime
    """When it was sent: with a time zone where the export states one, otherwise as the exporting device's clock
    showed it."""
    text: str = ""
    """As plain text, without space around it; of a picture or file its caption."""
    _: KW_ONLY
    speaker_id: str = ""
    """The same for all messages of an account; empty where the export does not say."""
    reply_to: str = ""
    """Id of the message it replies to."""
    forwarded_from: str | None = None
    """Who wrote a forwarded message: empty where the export does not say; None where it was not forwarded."""
    edited: bool = False
    attachments: tuple[Attachment, ...] = ()

    @property
    def speaker_name(self) -> str:
        """The name, or the id in its place; empty where the export has neither."""
        return self.speaker or self.speaker_id


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat that was exported."""

    title: str
    """Empty where the export does not say."""
    kind: ConversationKind
    messages: Iterator[Message]
    """In the order of the export, read while it is iterated: once, and before the next conversation of the export is
    asked for; later there are none left."""
