"""`consilium demo` and `consilium chat`."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.app.bootstrap import open_services
from bot.app.private_folders import HISTORY_FILE
from bot.app.settings import DEMO_MIND, Settings
from bot.channels.console.pipe import run_pipe_chat
from bot.cli.common import MindOption
from bot.core.i18n import Translator, system_language
from bot.turns.recovery import recover_stranded, recover_unremembered

UserOption = Annotated[str | None, typer.Option("--user", help="Who speaks: the owner of session and memories.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object per turn.")]


def chat(
    context: typer.Context,
    mind: MindOption = None,
    user: UserOption = None,
    json_output: JsonOption = False,
) -> None:
    """Talk to a mind: in a terminal, or through a pipe with one message per line."""
    settings: Settings = context.obj
    if mind is not None:
        settings = settings.model_copy(update={"mind": mind})
    if not asyncio.run(_run_chat(settings, user or getpass.getuser(), json_output=json_output)):
        raise typer.Exit(1)


def demo(context: typer.Context, user: UserOption = None, json_output: JsonOption = False) -> None:
    """Talk to the demo mind, with everything embedded."""
    # Its base model is a package of the package index, which an installation may have been unable to bring along.
    context.obj = context.obj.model_copy(update={"allow_download": True})
    chat(context, DEMO_MIND, user, json_output)


async def _run_chat(settings: Settings, user: str, *, json_output: bool) -> bool:
    language = settings.language or system_language()
    say = Translator(language)
    progress = Console(stderr=True, highlight=False)
    with progress.status("") as status:

        def show(step: str) -> None:
            text = say(step)
            status.update(Text(f"{text} …", style="dim"))
            if not progress.is_terminal:
                progress.print(Text(f"{text} …"))

        is_pipe = json_output or not sys.stdin.isatty()
        # A person at a prompt takes a while to type; what comes from a pipe may need no model at all.
        async with open_services(settings, show, load_on_demand=is_pipe) as services:
            status.stop()
            await recover_stranded(services.database, services.mind.name, services.heartbeat.id)
            if (memory_writer := services.turn_runner.memory_writer) is not None:
                await recover_unremembered(services.database, services.mind.name, memory_writer)
            if is_pipe:
                return await run_pipe_chat(services.direct, user, language, json_output=json_output)
            # Imported late: a pipe needs no line editor.
            from bot.channels.console.terminal import run_terminal_chat

            mind = services.mind
            return await run_terminal_chat(
                services.direct,
                user,
                language,
                title=mind.title.text(language) or mind.name,
                modes=[*mind.adapters, *mind.modes, "auto", "base"],
                history=settings.state_dir / HISTORY_FILE,
            )
