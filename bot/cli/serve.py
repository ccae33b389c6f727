"""`consilium serve`: the service for others, in one process or in many."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.app.logs import log_to_stdout
from bot.app.server import serve as run
from bot.app.settings import Settings
from bot.core.i18n import Translator, system_language


class Roles(StrEnum):
    """What a process does."""

    ALL = "all"
    GATEWAY = "gateway"
    WORKER = "worker"
    API = "api"


def serve(
    context: typer.Context,
    role: Annotated[
        Roles,
        typer.Option(
            help="gateway: receives from the channels; worker: answers; api: answers over HTTP; all: everything.",
        ),
    ] = Roles.ALL,
    mind: Annotated[Path | None, typer.Option(help="Folder of the mind.", show_default="the demo mind")] = None,
) -> None:
    """Run the service until it is told to end (SIGTERM or Ctrl-C); logs are JSON, a line each, on standard output."""
    settings: Settings = context.obj
    if mind is not None:
        settings = settings.model_copy(update={"mind": mind})
    log_to_stdout(settings)
    say = Translator(settings.language or system_language())
    told = Console(stderr=True, highlight=False)

    def progress(step: str) -> None:
        told.print(Text(f"{say(step)} …"), soft_wrap=True)

    def ready(address: str) -> None:
        text = say("ready; health: {address}/readyz, metrics: {address}/metrics", address=address)
        told.print(Text(text), soft_wrap=True)

    asyncio.run(run(settings, role.value, progress, ready))
