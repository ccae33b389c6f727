"""The one registry of commands: channels, menus, completion and help are all made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rapidfuzz import process

from bot.core.errors import UnknownCommand
from bot.core.i18n import LANGUAGES
from bot.intake.parsing import localized_name
from bot.turns.command_result import CommandResult

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """A question that a command puts in the person's name: its turn becomes that question's."""

    question: str
    mode: str
    consilium: bool = False
    """Whether it is to be answered by two voices."""
    files: Mapping[str, Any] | None = None
    """Documents that come with it (`bot.intake.attachments.Sending`)."""


Handler = Callable[[C, str], Awaitable[CommandResult | AskQuestion]]


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """One command. `C` is what its handler is given beside the argument."""

    name: str
    summary: str
    """One line for help and menus; a template for translation."""
    usage: str
    """How it is written, with its argument; the same in every language."""
    run: Handler[C]
    private_only: bool = False
    """Whether its answer is for the person's eyes only: where others are present he is sent to a private chat."""
    admin_only: bool = False
    """Whether it is there for admins alone: for anybody else there is no such command."""


class CommandRegistry(Generic[C]):
    """Commands by name, in the order they were added."""

    def __init__(self) -> None:
        self._commands: dict[str, Command[C]] = {}

    def command(
        self, name: str, summary: str, usage: str = "", *, private_only: bool = False, admin_only: bool = False
    ) -> Callable[[Handler[C]], Handler[C]]:
        """Decorator: register a handler under `name`."""

        def register(run: Handler[C]) -> Handler[C]:
            if name in self._commands:
                raise ValueError(f"two commands are called {name!r}")
            usage_line = f"/{name} {usage}".strip()
            self._commands[name] = Command(name, summary, usage_line, run, private_only, admin_only)
            return run

        return register

    def __iter__(self) -> Iterator[Command[C]]:
        return iter(self._commands.values())

    def visible(self, *, include_admin: bool = False) -> tuple[Command[C], ...]:
        """The commands there are for somebody, for menus, completion and help."""
        return tuple(command for command in self if include_admin or not command.admin_only)

    def find(self, name: str, *, include_admin: bool = False) -> Command[C]:
        """The command of that name.

        Raises:
            UnknownCommand: with the nearest names; also when it is not there for him.
        """
        known = {command.name: command for command in self.visible(include_admin=include_admin)}
        if name not in known:
            written = [localized_name(language, one) for language in LANGUAGES for one in known]
            nearest = [match for match, _, _ in process.extract(name, written, limit=3)]
            raise UnknownCommand(name, nearest)
        return known[name]
