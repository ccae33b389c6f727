"""People, chats, messages and drafts, and how Telegram shows them to a bot."""

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
        """A `UserOption`."""
        return _known(
            id=self.id,
            is_bot=self.is_bot,
            first_name=self.name,
            username=self.username,
            language_code=self.language,
        )


@dataclass
class Message:
    """One message as it is now."""

    chat: Chat
    id: int
    author: Person
    date: int
    text: str = ""
    entities: list[dict[str, Any]] = field(default_factory=list)
    markup: dict[str, list[list[dict[str, Any]]]] | None = None
    thread: int | None = None
    reply_to: Message | None = None
    document: dict[str, Any] | None = None
    rich: dict[str, Any] | None = None
    service: dict[str, Any] = field(default_factory=dict)
    """Fields of a message that nobody wrote: `forum_topic_created`, `migrate_to_chat_id`."""
    edited: int | None = None
    deleted: bool = False
    reaction: list[dict[str, Any]] = field(default_factory=list)

    @property
    def buttons(self) -> list[list[dict[str, Any]]]:
        """Its inline keyboard."""
        return self.markup["inline_keyboard"] if self.markup else []

    def json(self, *, nested: bool = False) -> dict[str, Any]:
        """A `Message`; one that is nested in another shows no reply of its own."""
        text, entities = ("caption", "caption_entities") if self.document else ("text", "entities")
        return (
            _known(
                message_id=self.id,
                date=self.date,
                chat=self.chat.json(),
                edit_date=self.edited,
                message_thread_id=self.thread,
                is_topic_message=True if self.thread in self.chat.topics else None,
                document=self.document,
                rich_message=self.rich,
                reply_markup={"inline_keyboard": self.buttons} if self.buttons else None,
                reply_to_message=self.reply_to.json(nested=True) if self.reply_to and not nested else None,
                **{
                    "from": self.author.json(),
                    text: None if self.rich else self.text or None,
                    entities: self.entities or None,
                },
            )
            | self.service
        )


@dataclass
class Chat:
    """A private chat, a basic group or a supergroup."""

    id: int
    kind: str
    title: str | None = None
    username: str | None = None
    forum: bool = False
    person: Person | None = None
    """The other party of a private chat."""
    members: dict[int, str] = field(default_factory=dict)
    """Status of everyone who is or was in it, the bot too."""
    topics: dict[int, str] = field(default_factory=dict)
    migrated_to: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    own_ids: int = 0
    """The last message id of a supergroup."""

    @property
    def is_group(self) -> bool:
        """Whether it has members."""
        return self.kind != "private"

    def json(self) -> dict[str, Any]:
        """A `Chat`."""
        who = {"first_name": self.person.name, "username": self.person.username} if self.person else {}
        return _known(id=self.id, type=self.kind, title=self.title, is_forum=self.forum or None, **who) | _known(
            **({} if self.person else {"username": self.username})
        )


@dataclass
class Draft:
    """An answer that is being written before the person's eyes."""

    id: int
    text: str
    entities: list[dict[str, Any]]
    until: float
    can_stop: bool
    keep_on_stop: bool


@dataclass
class Query:
    """A press of a button."""

    id: str
    person: Person
    data: str
    asked: float
    answer: dict[str, Any] | None = None


@dataclass
class Stored:
    """A file Telegram keeps."""

    id: str
    name: str
    data: bytes
    size: int
    """As it is said to be; may be more than there are bytes, to try limits."""
    path: str
    mime: str

    def json(self) -> dict[str, Any]:
        """A `YamlDocument`."""
        return {"file_id": self.id, "file_unique_id": f"u{self.id}", "file_name": self.name, "mime_type": self.mime,
                "file_size": self.size}  # fmt: skip


@dataclass
class World:
    """Everything there is. Message ids: private chats and basic groups share the bot's counter."""

    bot: Person
    people: dict[int, Person] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    drafts: dict[tuple[int, int], Draft] = field(default_factory=dict)
    """By chat and thread; the thread is 0 outside of topics."""
    stopped: set[tuple[int, int, int]] = field(default_factory=set)
    """Chat, thread and draft id of all that were stopped."""
    queries: dict[str, Query] = field(default_factory=dict)
    files: dict[str, Stored] = field(default_factory=dict)
    shared_ids: int = 0
    last_id: int = 7_000_000_000
    """Far over 32 bits, as those of new people are."""

    def fresh_id(self) -> int:
        """A number nothing else has."""
        self.last_id += 1
        return self.last_id

    def private(self, person: Person) -> Chat:
        """The bot's chat with a person."""
        chat = self.chats.get(person.id)
        if chat is None:
            chat = self.chats[person.id] = Chat(person.id, "private", person=person)
        return chat

    def add(self, chat: Chat, author: Person, **what: Any) -> Message:
        """Put a message into a chat. A supergroup's replies are in a thread: the topic, or one of their own.

        The latter takes no messages by its id, though its messages carry it.
        """
        answered = what.get("reply_to")
        if answered is not None and answered.chat is chat and chat.kind == "supergroup" and not what.get("thread"):
            what["thread"] = answered.thread if chat.forum else answered.thread or answered.id
        if chat.kind == "supergroup":
            chat.own_ids += 1
            number = chat.own_ids
        else:
            self.shared_ids += 1
            number = self.shared_ids
        message = chat.messages[number] = Message(chat, number, author, int(time.time()), **what)
        return message

    def store(self, name: str, data: bytes, size: int | None = None) -> Stored:
        """Keep a file."""
        number = self.fresh_id()
        path = f"documents/file_{number}{PurePath(name).suffix}"
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        stored = Stored(f"BQACAgIAAxkB{number}", name, data, len(data) if size is None else size, path, mime)
        self.files[stored.id] = stored
        return stored

    def draft(self, chat_id: int, thread: int = 0) -> Draft | None:
        """What is being written in a chat now."""
        draft = self.drafts.get((chat_id, thread))
        return draft if draft is not None and draft.until > time.monotonic() else None


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
