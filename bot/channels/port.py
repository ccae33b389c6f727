"""The channel port: what a front end hands in, and what it must be able to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.locales import Language


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as a channel received it."""

    platform: str
    """`console`, `telegram`, `discord`, `http`."""
    person: str
    """The platform's id of who wrote."""
    place: str
    """The platform's id of where: a chat, a thread, a terminal."""
    text: str
    language: Language | None = None
    """What the platform says of the person's language, if anything."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows a channel shows as well as it can: a grid, a list of lines."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of the library that an answer cites."""

    n: int
    title: str
    where: str
    quote: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one message was answered. Everything a channel shows or a machine reads of it."""

    answer: str
    """What the person reads; when the turn failed, a sentence that says why and what to do."""
    turn: str | None = None
    """The turn's id; None for a command."""
    mode: str | None = None
    """The mode that answered, in canonical form."""
    adapter: str | None = None
    """Name of the composition that answered; None for the bare base model."""
    table: Table | None = None
    sources: Sequence[Source] = ()
    memories: Sequence[str] = ()
    usage: dict[str, int] = field(default_factory=dict)
    """`prompt_tokens` and `completion_tokens`; empty when nothing was generated."""
    error: str | None = None
    """Name of the error's class; None when all went well."""
    stopped: bool = False
    """Whether the person stopped the answer before its end."""


class Reply(Protocol):
    """Shows one answer while it is made. Calls come in this order: `open`, any number of `write`, `finish`."""

    async def open(self, mode: str) -> None:
        """The turn has begun, in this mode."""
        ...

    async def write(self, text: str) -> None:
        """The next piece of the answer."""
        ...

    async def finish(self, outcome: Outcome) -> None:
        """The whole answer, or why there is none. Always called, once, last."""
        ...
