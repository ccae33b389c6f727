"""The `consilium` command: its commands, which are imported only when run, and how errors become exit codes."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from consilium.errors import ConsiliumError

if TYPE_CHECKING:
    from bot.app.settings import Settings

EXIT_UNEXPECTED: Final = 70
"""EX_SOFTWARE of sysexits.h: a bug of ours."""
EXIT_BAD_SETTINGS: Final = 78
"""EX_CONFIG."""


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command, or a group of commands, that is not imported until it is run."""

    name: str
    module: str
    attribute: str
    """The command's function, or the group's `typer.Typer`."""
    summary: str
    """What `consilium --help` shows: the first paragraph of the command's own help."""

    def load(self) -> TyperCommand | TyperGroup:
        """Import the command."""
        target = getattr(import_module(self.module), self.attribute)
        if isinstance(target, typer.Typer):
            return get_group(target)
        single = typer.Typer(add_completion=False)
        single.command(self.name)(target)
        command = get_command(single)
        assert isinstance(command, TyperCommand)
        return command


COMMANDS: Final[Sequence[LazyCommand]] = (
    LazyCommand("demo", "bot.cli.chat", "demo", "Talk to the demo mind, with everything embedded."),
    LazyCommand(
        "chat", "bot.cli.chat", "chat", "Talk to a mind: in a terminal, or through a pipe with one message per line."
    ),
    LazyCommand(
        "serve",
        "bot.cli.serve",
        "serve",
        "Run the service until SIGTERM or Ctrl-C. Logs go to standard output, one JSON object per line.",
    ),
    LazyCommand(
        "mcp",
        "bot.cli.mcp",
        "serve_mcp",
        "Serve the mind to programs by the Model Context Protocol, over standard input and output.",
    ),
    LazyCommand(
        "doctor",
        "bot.cli.doctor",
        "doctor",
        "Check everything that a mind needs to answer; exit code 1 if something is missing.",
    ),
    LazyCommand(
        "migrate",
        "bot.cli.migrate",
        "migrate_database",
        "Migrate the database: first what older programs can bear, and with `--after` the rest.",
    ),
    LazyCommand(
        "init",
        "bot.cli.mind",
        "init",
        "Write the template of a mind, to fill with dialogues and train; `consilium mind new` has more.",
    ),
    LazyCommand(
        "mind",
        "bot.cli.authoring",
        "app",
        "Make a mind from what its author has written: new, import, subjects, eval, promote, pack.",
    ),
    LazyCommand(
        "train",
        "bot.cli.train",
        "train",
        "Train adapters of a mind from its dialogues, and save them in its folder.",
    ),
    LazyCommand("adapters", "bot.cli.adapters", "app", "List, import, inspect, check and compose a mind's adapters."),
    LazyCommand("turns", "bot.cli.turns", "app", "List and show turns, and retry failed and dead ones."),
    LazyCommand("keys", "bot.cli.keys", "app", "Make, list and revoke the keys of programs that use the HTTP API."),
    LazyCommand(
        "audit",
        "bot.cli.audit",
        "show_audit_log",
        "List who changed access, linked or unlinked accounts, exported or deleted data; never what was said.",
    ),
    LazyCommand("backup", "bot.cli.backup", "backup", "Write everything in the database into one new file."),
    LazyCommand("restore", "bot.cli.backup", "restore", "Fill an empty database with a backup, or check the file."),
    LazyCommand(
        "erasures",
        "bot.cli.backup",
        "erasures",
        "Keep the list of what people have deleted outside the database, for a restored backup.",
    ),
    LazyCommand("library", "bot.cli.library", "app", "Fill, search and inspect the library of what the author wrote."),
    LazyCommand("eval", "bot.cli.evaluate", "app", "Measure adapters, memory, library search and auto."),
)


class LazyGroup(TyperGroup):
    """Lists its commands by their summaries, and imports only the one that is run."""

    def __init__(self, commands: Sequence[LazyCommand], prepare: Callable[[], object], **attributes: Any) -> None:
        """Set up, without importing a command.

        Args:
            commands: in the order of the help.
            prepare: called before a command is imported; its result is the command's `context.obj`.
            attributes: as `TyperGroup` takes them.
        """
        listed = [TyperCommand(command.name, help=command.summary, rich_markup_mode="rich") for command in commands]
        super().__init__(commands=listed, **attributes)
        self._lazy = {command.name: command for command in commands}
        self._prepare = prepare

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # typer does not export the types
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        ctx.obj = self._prepare()
        return name, self._lazy[name].load(), rest


@cache
def prepare() -> Settings:
    """Read the settings and set up logging, once, before anything heavy is imported.

    Raises:
        SystemExit: a setting is wrong; it has been printed which, and why.
    """
    from pydantic import ValidationError

    from bot.app.logs import configure_logs, silence_libraries
    from bot.app.setting_names import describe_unknown_name, unknown_names
    from bot.app.settings import ENV_FILE, Settings

    silence_libraries()
    if unknown := unknown_names(os.environ, ENV_FILE):
        for name, nearest in unknown.items():
            _print_error(describe_unknown_name(name, nearest))
        raise SystemExit(EXIT_BAD_SETTINGS)
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "CONSILIUM_" + "_".join(map(str, problem["loc"])).upper()
            _print_error(f"{name}: {problem['msg']}. See .env.example.")
        raise SystemExit(EXIT_BAD_SETTINGS) from None
    configure_logs(settings)
    return settings


app = LazyGroup(
    COMMANDS,
    prepare,
    name="consilium",
    help="A bot that thinks as its creator does: composable LoRA minds on one base model, with memory and sources.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


def main() -> None:
    """Run the command; every error ends as a sentence and an exit code, and as a record in the log."""
    try:
        app()
    except ConsiliumError as error:
        _report(error)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # The reader of our output has left. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        _report_unexpected(error)
        raise SystemExit(EXIT_UNEXPECTED) from None


def _report(error: ConsiliumError) -> None:
    import structlog

    from bot.core.errors import describe_error
    from bot.core.i18n import Translator, system_language

    say = Translator(prepare().language or system_language())
    structlog.get_logger(__name__).error("command.failed", exc_info=error)
    _print_error(describe_error(error, say.language, say.translate))


def _report_unexpected(error: Exception) -> None:
    import structlog

    from bot.app.logs import log_path
    from bot.core.i18n import Translator, system_language

    settings, reference = prepare(), secrets.token_hex(4)
    say = Translator(settings.language or system_language())
    structlog.get_logger(__name__).error("error.unexpected_raised", reference=reference, exc_info=error)
    _print_error(
        say(
            "Something broke on our side ({kind}). The log {path} holds all of it under {reference}.",
            kind=type(error).__name__,
            path=log_path(settings),
            reference=reference,
        )
    )


def _print_error(text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False).print(Text(text, style="red"), soft_wrap=True)
