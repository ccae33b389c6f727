"""The root of the command: shared options, and the one place where errors become an exit code."""

from __future__ import annotations

import os
import secrets
import sys

import structlog
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from bot.app.logs import configure_logs, log_path, silence_libraries
from bot.app.settings import Settings
from bot.cli import adapters, chat, doctor, library, mind, serve, turns
from bot.cli import evaluate as evaluation
from bot.core.errors import describe_error
from bot.core.i18n import Translator, system_language
from consilium.errors import ConsiliumError

EXIT_UNEXPECTED = 70
"""EX_SOFTWARE of sysexits.h: a mistake of ours."""
EXIT_BAD_SETTINGS = 78
"""EX_CONFIG."""

app = typer.Typer(
    name="consilium",
    help="A bot that thinks as its creator does: composable LoRA minds on one base model, with memory and sources.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("demo")(chat.demo)
app.command("chat")(chat.chat)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("init")(mind.init)
app.command("train")(mind.train)
app.add_typer(adapters.app, name="adapters")
app.add_typer(turns.app, name="turns")
app.add_typer(library.app, name="library")
app.add_typer(evaluation.app, name="eval")


def main() -> None:
    """Run the command; every error ends as a sentence and an exit code, and as a record in the log."""
    silence_libraries()
    errors = Console(stderr=True, highlight=False)
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "CONSILIUM_" + "_".join(map(str, problem["loc"])).upper()
            errors.print(Text(f"{name}: {problem['msg']}. See .env.example.", style="red"), soft_wrap=True)
        raise SystemExit(EXIT_BAD_SETTINGS) from None
    configure_logs(settings)
    say = Translator(settings.language or system_language())
    try:
        app(obj=settings)
    except ConsiliumError as error:
        structlog.get_logger(__name__).error("command.failed", exc_info=error)
        errors.print(Text(describe_error(error, say.language, say.translate), style="red"), soft_wrap=True)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # Whoever read our output has left. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        reference = secrets.token_hex(4)
        structlog.get_logger(__name__).error("error.unexpected_raised", reference=reference, exc_info=error)
        errors.print(
            Text(
                say(
                    "Something broke on our side ({kind}). The log {path} holds all of it under {reference}.",
                    kind=type(error).__name__,
                    path=log_path(settings),
                    reference=reference,
                ),
                style="red",
            ),
            soft_wrap=True,
        )
        raise SystemExit(EXIT_UNEXPECTED) from None
