"""The one registry of commands: channels, menus, completion and help are all made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from rapidfuzz import process

from bot.channels.port import Table
from bot.turns.errors import UnknownCommand

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answers."""

    text: str
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """One command. `C` is what its handler is given beside the argument."""

    name: str
    summary: str
    """One line for help and menus; a template for translation."""
    usage: str
    """How it is written, with its argument; the same in every language."""
    run: Callable[[C, str], Awaitable[Said]]


class Registry(Generic[C]):
    """Commands by name, in the order they were added."""

    def __init__(self) -> None:
        self._commands: dict[str, Command[C]] = {}

    def command(
        self, name: str, summary: str, usage: str = ""
    ) -> Callable[[Callable[[C, str], Awaitable[Said]]], Callable[[C, str], Awaitable[Said]]]:
        """Decorator: register a handler under `name`."""

        def register(run: Callable[[C, str], Awaitable[Said]]) -> Callable[[C, str], Awaitable[Said]]:
            if name in self._commands:
                raise ValueError(f"two commands are called {name!r}")
            self._commands[name] = Command(name, summary, f"/{name} {usage}".strip(), run)
            return run

        return register

    def __iter__(self) -> Iterator[Command[C]]:
        return iter(self._commands.values())

    def __getitem__(self, name: str) -> Command[C]:
        """The command of that name.

        Raises:
            UnknownCommand: with the nearest names.
        """
        try:
            return self._commands[name]
        except KeyError:
            nearest = [match for match, _, _ in process.extract(name, list(self._commands), limit=3)]
            raise UnknownCommand(name, nearest) from None
