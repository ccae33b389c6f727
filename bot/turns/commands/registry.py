"""The one registry of commands: channels, menus, completion and help are all made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rapidfuzz import process

from bot.channels.port import File, Menu, Table
from bot.turns.errors import UnknownCommand

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answers."""

    text: str
    table: Table | None = None
    menu: Menu | None = None
    files: Sequence[File] = ()
    is_farewell: bool = False
    """Whether the person has been forgotten, and the last of him is to go once this has been shown."""
    is_fleeting: bool = False
    """Whether it is not to be kept once it has been shown."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that a command puts in the person's name: its turn becomes that question's."""

    question: str
    mode: str
    consilium: bool = False
    """Whether it is to be answered by two voices."""
    files: Mapping[str, Any] | None = None
    """Documents that come with it (`bot.turns.documents.Sending`)."""


Handler = Callable[[C, str], Awaitable[Said | Ask]]


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """One command. `C` is what its handler is given beside the argument."""

    name: str
    summary: str
    """One line for help and menus; a template for translation."""
    usage: str
    """How it is written, with its argument; the same in every language."""
    run: Handler[C]
    in_private: bool = False
    """Whether its answer is for the person's eyes only: where others are present he is sent to a private chat."""
    for_admins: bool = False
    """Whether it is there for admins alone: for anybody else there is no such command."""


class Registry(Generic[C]):
    """Commands by name, in the order they were added."""

    def __init__(self) -> None:
        self._commands: dict[str, Command[C]] = {}

    def command(
        self, name: str, summary: str, usage: str = "", *, in_private: bool = False, for_admins: bool = False
    ) -> Callable[[Handler[C]], Handler[C]]:
        """Decorator: register a handler under `name`."""

        def register(run: Handler[C]) -> Handler[C]:
            if name in self._commands:
                raise ValueError(f"two commands are called {name!r}")
            usage_line = f"/{name} {usage}".strip()
            self._commands[name] = Command(name, summary, usage_line, run, in_private, for_admins)
            return run

        return register

    def __iter__(self) -> Iterator[Command[C]]:
        return iter(self._commands.values())

    def visible(self, *, to_admin: bool = False) -> tuple[Command[C], ...]:
        """The commands there are for somebody, for menus, completion and help."""
        return tuple(command for command in self if to_admin or not command.for_admins)

    def find(self, name: str, *, to_admin: bool = False) -> Command[C]:
        """The command of that name.

        Raises:
            UnknownCommand: with the nearest names; also when it is not there for him.
        """
        known = {command.name: command for command in self.visible(to_admin=to_admin)}
        if name not in known:
            nearest = [match for match, _, _ in process.extract(name, list(known), limit=3)]
            raise UnknownCommand(name, nearest)
        return known[name]
