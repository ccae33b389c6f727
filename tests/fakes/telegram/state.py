"""People, chats, messages and drafts: as they are, as a bot gets them, and as people see them."""

from __future__ import annotations

import mimetypes
import time
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any


@dataclass
class Person:
    """A user, or the bot."""

    id: int
    name: str
    username: str | None = None
    language: str | None = None
    is_bot: bool = False
    started: bool = False
    """Whether the private chat with the bot was ever opened."""
    blocked: bool = False

    def json(self) -> dict[str, Any]:
        """A `User` of the Bot API."""
        return _without_none(
            id=self.id,
            is_bot=self.is_bot,
            first_name=self.name,
            username=self.username,
            language_code=self.language,
        )


@dataclass(kw_only=True)
class Chat:
    """A private chat, a basic group or a supergroup."""

    id: int
    kind: str
    """`private`, `group` or `supergroup`."""
    title: str | None = None
    forum: bool = False
    person: Person | None = None
    """The other party of a private chat."""
    members: dict[int, str] = field(default_factory=dict)
    """Status of everyone in it, the bot included: `creator`, `member`, `restricted` or `kicked`."""
    topics: dict[int, str] = field(default_factory=dict)
    migrated_to: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    last_message_id: int = 0
    """Of a supergroup, which has its own ids."""

    @property
    def is_group(self) -> bool:
        """Whether it has members."""
        return self.kind != "private"

    def json(self) -> dict[str, Any]:
        """A `Chat` of the Bot API."""
        names = {"first_name": self.person.name, "username": self.person.username} if self.person else {}
        return _without_none(id=self.id, type=self.kind, title=self.title, is_forum=self.forum or None, **names)


@dataclass(kw_only=True)
class Message:
    """One message as it is now."""

    chat: Chat
    id: int
    author: Person
    date: int
    text: str = ""
    """The caption, of a document."""
    entities: list[dict[str, Any]] = field(default_factory=list)
    markup: dict[str, list[list[dict[str, Any]]]] | None = None
    thread: int | None = None
    reply_to: Message | None = None
    document: dict[str, Any] | None = None
    media: dict[str, Any] = field(default_factory=dict)
    """Content other than text and documents, under its name in the Bot API: `photo`, `voice`, `sticker`, …"""
    album: str | None = None
    """What the messages of one album have in common."""
    origin: dict[str, Any] | None = None
    """Where a forwarded message comes from: a `MessageOrigin` of the Bot API."""
    quote: str | None = None
    """The part of the message replied to that is quoted."""
    sender_chat: Chat | None = None
    """The chat in whose name it was sent."""
    automatic: bool = False
    """Whether Telegram forwarded it from the channel that the group belongs to."""
    rich: dict[str, Any] | None = None
    service: dict[str, Any] = field(default_factory=dict)
    """Fields of a message that nobody wrote: `forum_topic_created`, `migrate_to_chat_id`, …"""
    edited: int | None = None
    deleted: bool = False

    @property
    def buttons(self) -> list[list[dict[str, Any]]]:
        """The rows of its inline keyboard."""
        return self.markup["inline_keyboard"] if self.markup else []

    def json(self, *, nested: bool = False) -> dict[str, Any]:
        """A `Message` of the Bot API; one nested in another has no `reply_to_message` of its own."""
        has_caption = self.document or self.media
        text, entities = ("caption", "caption_entities") if has_caption else ("text", "entities")
        fields = _without_none(
            message_id=self.id,
            date=self.date,
            chat=self.chat.json(),
            edit_date=self.edited,
            message_thread_id=self.thread,
            is_topic_message=True if self.thread in self.chat.topics else None,
            document=self.document,
            media_group_id=self.album,
            forward_origin=self.origin,
            sender_chat=self.sender_chat.json() if self.sender_chat else None,
            is_automatic_forward=self.automatic or None,
            quote=self._quote_json() if self.quote is not None and not nested else None,
            rich_message=self.rich,
            reply_markup={"inline_keyboard": self.buttons} if self.buttons else None,
            reply_to_message=self.reply_to.json(nested=True) if self.reply_to and not nested else None,
        )
        fields |= {"from": self.author.json()} | self.service | self.media
        return fields | _without_none(
            **{text: None if self.rich else self.text or None, entities: self.entities or None}
        )

    def _quote_json(self) -> dict[str, Any]:
        """A `TextQuote` of the Bot API."""
        assert self.quote is not None
        assert self.reply_to is not None
        before = self.reply_to.text.partition(self.quote)[0]
        return {"text": self.quote, "position": len(before.encode("utf-16-le")) // 2, "is_manual": True}

    def shown(self) -> Shown:
        """What people see of it."""
        return Shown(
            id=self.id,
            author=self.author.id,
            text=self.text,
            entities=self.entities,
            buttons=self.buttons,
            thread=self.thread,
            reply_to=self.reply_to.id if self.reply_to else None,
            document=self.document["file_id"] if self.document else None,
            rich=self.rich is not None,
        )


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A message as people see it now."""

    id: int
    author: int
    text: str
    """The caption, of a document."""
    entities: list[dict[str, Any]]
    buttons: list[list[dict[str, Any]]]
    thread: int | None
    reply_to: int | None
    document: str | None
    """Id of the file."""
    rich: bool


@dataclass(kw_only=True)
class Draft:
    """An answer that the bot is writing in a private chat."""

    id: int
    text: str
    entities: list[dict[str, Any]]
    until: float
    """When Telegram removes it, in monotonic seconds."""
    can_stop: bool
    keep_on_stop: bool


@dataclass(frozen=True)
class ShownDraft:
    """A draft as the person sees it now."""

    id: int
    text: str
    entities: list[dict[str, Any]]
    can_stop: bool


@dataclass
class Query:
    """A pressed button."""

    id: str
    answer: dict[str, Any] | None = None


@dataclass(kw_only=True)
class Stored:
    """A file that Telegram keeps."""

    id: str
    name: str
    data: bytes
    size: int
    """The size that the bot is told; a test may claim more than there are bytes."""
    path: str

    def json(self) -> dict[str, Any]:
        """A `Document` of the Bot API."""
        return {
            "file_id": self.id,
            "file_unique_id": f"u{self.id}",
            "file_name": self.name,
            "mime_type": mimetypes.guess_type(self.name)[0] or "application/octet-stream",
            "file_size": self.size,
        }


@dataclass
class World:
    """Everything that exists."""

    bot: Person
    people: dict[int, Person] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    drafts: dict[int, Draft] = field(default_factory=dict)
    """By the id of the private chat."""
    stopped: set[tuple[int, int]] = field(default_factory=set)
    """Chat and draft ids of the drafts that were stopped."""
    queries: dict[str, Query] = field(default_factory=dict)
    files: dict[str, Stored] = field(default_factory=dict)
    last_message_id: int = 0
    """Private chats and basic groups share the bot's counter."""
    last_id: int = 7_000_000_000
    """Beyond 32 bits, as the ids of new users are."""

    def new_id(self) -> int:
        """An id that nothing else has."""
        self.last_id += 1
        return self.last_id

    def private_chat(self, person: Person) -> Chat:
        """The bot's chat with a person."""
        chat = self.chats.get(person.id)
        if chat is None:
            chat = self.chats[person.id] = Chat(id=person.id, kind="private", person=person)
        return chat

    def add_message(self, chat: Chat, author: Person, **fields: Any) -> Message:
        """Add a message to a chat.

        In a supergroup a reply belongs to the topic of the message it answers; outside topics it gets that message's id
        as `message_thread_id`, though no message can be sent there.
        """
        original = fields.get("reply_to")
        if original is not None and chat.kind == "supergroup" and not fields.get("thread"):
            fields["thread"] = original.thread if chat.forum else original.thread or original.id
        counter = chat if chat.kind == "supergroup" else self
        counter.last_message_id += 1
        number = counter.last_message_id
        message = Message(chat=chat, id=number, author=author, date=int(time.time()), **fields)
        chat.messages[number] = message
        return message

    def store(self, name: str, data: bytes, size: int | None = None) -> Stored:
        """Keep a file."""
        number = self.new_id()
        stored = Stored(
            id=f"BQACAgIAAxkB{number}",
            name=name,
            data=data,
            size=len(data) if size is None else size,
            path=f"documents/file_{number}{PurePath(name).suffix}",
        )
        self.files[stored.id] = stored
        return stored

    def visible_draft(self, chat_id: int) -> Draft | None:
        """The draft that a person sees now."""
        draft = self.drafts.get(chat_id)
        return draft if draft is not None and draft.until > time.monotonic() else None


def _without_none(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
