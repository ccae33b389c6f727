"""What the campaign needs of a platform: people who ask in chats of their own, and what those chats show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Document:
    """A file that comes with a question."""

    name: str
    text: str


@dataclass(frozen=True)
class Seen:
    """A message of the bot."""

    id: str
    text: str
    reply_to: str | None
    """The question that it is attached to; None where the platform shows no such thing."""


@dataclass(frozen=True)
class State:
    """What a message of the bot looked like from a moment on."""

    at: float
    """Monotonic seconds."""
    id: str
    text: str


class Chats(Protocol):
    """One chat a person with the bot, on one platform."""

    mark: str
    """The letter that the marks of questions begin with here."""

    @property
    def connected(self) -> bool:
        """Whether the service has ever connected, where nothing written before that reaches it."""
        ...

    def join(self, name: str) -> str:
        """A new person in a chat of their own; the chat's id."""
        ...

    def ask(self, chat: str, text: str, document: Document | None = None) -> str:
        """The person writes; the message's id."""
        ...

    def messages(self, chat: str) -> Sequence[Seen]:
        """The bot's messages that the chat shows now."""
        ...

    def states(self, chat: str) -> Sequence[State]:
        """Everything that the bot's messages in the chat have ever shown, in order. Slow."""
        ...
