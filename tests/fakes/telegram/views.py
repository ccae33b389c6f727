"""What a person sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram.state import Message


@dataclass(frozen=True)
class Shown:
    """A message as it is seen now."""

    id: int
    author: int
    text: str
    """The caption, if it is a document."""
    entities: list[dict[str, Any]]
    buttons: list[list[dict[str, Any]]]
    thread: int | None
    reply_to: int | None
    document: str | None
    """The file's id."""
    edited: bool
    rich: bool
    reaction: list[str]


@dataclass(frozen=True)
class ShownDraft:
    """A draft as it is seen now."""

    id: int
    text: str
    entities: list[dict[str, Any]]
    can_stop: bool


def shown(message: Message) -> Shown:
    """How a message looks."""
    return Shown(
        id=message.id,
        author=message.author.id,
        text=message.text,
        entities=message.entities,
        buttons=message.buttons,
        thread=message.thread,
        reply_to=message.reply_to.id if message.reply_to else None,
        document=message.document["file_id"] if message.document else None,
        edited=message.edited is not None,
        rich=message.rich is not None,
        reaction=[reaction["emoji"] for reaction in message.reaction],
    )
