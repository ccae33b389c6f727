"""`consilium serve`: the service, in one process or in many."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.app.logs import log_to_stdout
from bot.app.server import serve as run_process
from bot.app.settings import Settings
from bot.cli.common import MindOption
from bot.core.i18n import Translator, system_language


class Roles(StrEnum):
    """The roles of a process."""

    ALL = "all"
    GATEWAY = "gateway"
    WORKER = "worker"
    API = "api"


def serve(
    context: typer.Context,
    role: Annotated[
        Roles,
        typer.Option(
            help="gateway: receives messages; worker: answers them; api: answers over HTTP; all: everything.",
        ),
    ] = Roles.ALL,
    mind: MindOption = None,
) -> None:
    """Run the service until SIGTERM or Ctrl-C. Logs go to standard output, one JSON object per line."""
    settings: Settings = context.obj
    if mind is not None:
        settings = settings.model_copy(update={"mind": mind})
    log_to_stdout(settings)
    say = Translator(settings.language or system_language())
    console = Console(stderr=True, highlight=False)

    def progress(step: str) -> None:
        console.print(Text(f"{say(step)} …"), soft_wrap=True)

    def ready(address: str) -> None:
        text = say("ready; health: {address}/readyz, metrics: {address}/metrics", address=address)
        console.print(Text(text), soft_wrap=True)

    asyncio.run(run_process(settings, role.value, progress, ready))
