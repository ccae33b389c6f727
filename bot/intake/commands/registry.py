"""The registry of commands: dispatch, help, channel menus and completion are all made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from rapidfuzz import process

from bot.core.errors import UnknownCommand
from bot.core.i18n import LANGUAGES, Translator
from bot.intake.parsing import localized_name
from bot.turns.command_result import CommandResult

C = TypeVar("C")
MAX_SUGGESTIONS: Final = 3
"""Names that are suggested in place of an unknown one."""


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """A question that a command asks for the person: the command's turn becomes that question's turn."""

    question: str
    mode: str
    consilium: bool = False
    """Whether two voices answer it."""
    files: Mapping[str, Any] | None = None
    """Documents that come with it (`bot.core.attachments.Attachments.to_document`)."""
    quotations: Sequence[Mapping[str, Any]] | None = None
    """What it quotes, in place of what came with the command; None for the latter."""


Handler = Callable[[C, str], Awaitable[CommandResult | AskQuestion]]
"""Runs a command, with its context and argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[C]):
    """One command. `C` is the type of its context."""

    name: str
    summary: str
    """One line for help and menus; a template for translation."""
    arguments: str = ""
    """What may follow the name, such as `[N TEXT]`; a template for translation, empty for a command without any."""
    run: Handler[C]
    private_only: bool = False
    """Whether only the person may see the reply: in a group they are asked to use a private chat."""
    admin_only: bool = False
    """Whether it exists for admins only: for anybody else it is an unknown command."""
    personal: bool = False
    """Whether it is about a person's memory, which a channel or an anonymous admin does not have."""

    @property
    def usage(self) -> str:
        """How it is written, in English."""
        return f"/{self.name} {self.arguments}".strip()

    def localized_usage(self, say: Translator) -> str:
        """How it is written, with its arguments in the language of `say`."""
        return f"/{self.name} {say(self.arguments)}" if self.arguments else f"/{self.name}"


class CommandRegistry(Generic[C]):
    """Commands by name, in the order they were added."""

    def __init__(self) -> None:
        self._commands: dict[str, Command[C]] = {}

    def command(
        self,
        name: str,
        summary: str,
        arguments: str = "",
        *,
        private_only: bool = False,
        admin_only: bool = False,
        personal: bool = False,
    ) -> Callable[[Handler[C]], Handler[C]]:
        """Decorator: register a handler under `name`. The arguments are `Command`'s.

        Raises:
            ValueError: a command with this name is registered already.
        """

        def register(run: Handler[C]) -> Handler[C]:
            self._add(
                Command(
                    name=name,
                    summary=summary,
                    arguments=arguments,
                    run=run,
                    private_only=private_only,
                    admin_only=admin_only,
                    personal=personal,
                )
            )
            return run

        return register

    def include(self, other: CommandRegistry[C]) -> None:
        """Add the commands of another registry.

        Raises:
            ValueError: a command with one of the names is registered already.
        """
        for command in other:
            self._add(command)

    def __iter__(self) -> Iterator[Command[C]]:
        return iter(self._commands.values())

    def visible(self, *, include_admin: bool = False) -> tuple[Command[C], ...]:
        """The commands for menus, completion and help; those of admins are left out unless asked for."""
        return tuple(command for command in self if include_admin or not command.admin_only)

    def find(self, name: str, *, include_admin: bool = False) -> Command[C]:
        """The command with this name.

        Raises:
            UnknownCommand: there is none, or it is not visible; with the nearest visible names in any language.
        """
        known = {command.name: command for command in self.visible(include_admin=include_admin)}
        if name not in known:
            names = [localized_name(language, known_name) for language in LANGUAGES for known_name in known]
            nearest = [match for match, _, _ in process.extract(name, names, limit=MAX_SUGGESTIONS)]
            raise UnknownCommand(name, nearest)
        return known[name]

    def _add(self, command: Command[C]) -> None:
        if command.name in self._commands:
            raise ValueError(f"two commands are called {command.name!r}")
        self._commands[command.name] = command
