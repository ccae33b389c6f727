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

    mode: str
    """The mode that answered, in canonical form; for a command, the session's mode after it."""
    answer: str = ""
    table: Table | None = None
    turn: str | None = None
    """The turn's id; None for a command."""
    adapter: str | None = None
    """Name of the composition that answered; None for the bare base model."""
    sources: Sequence[Source] = ()
    memories: Sequence[str] = ()
    """What was recalled of the person for this answer."""
    usage: dict[str, int] = field(default_factory=dict)
    """`prompt_tokens` and `completion_tokens`; empty when nothing was generated."""
    error: str | None = None
    """A sentence that says what went wrong and what to do; None when all went well."""
    at_fault: bool = False
    """Whether what went wrong is the service's doing, and not the message's."""
    stopped: bool = False
    """Whether the person stopped the answer before its end."""


class Reply(Protocol):
    """Shows one answer while it is made. `open` and `write` may never be called; `finish` is, once, last."""

    async def open(self, mode: str) -> None:
        """An answer is about to be generated, in this mode."""
        ...

    async def write(self, text: str) -> None:
        """The next piece of the answer."""
        ...

    async def finish(self, outcome: Outcome) -> None:
        """All that is to be said. Its answer is the pieces written so far, joined, if any were."""
        ...
