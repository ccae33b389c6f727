"""`consilium mcp`: the mind as tools for programs that have a model of their own."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.cli.common import MindOption
from bot.cli.errors import McpNotInstalled
from bot.core.i18n import Translator, system_language

UserOption = Annotated[
    str | None,
    typer.Option("--user", help="Whose memory is used and kept; otherwise nothing is remembered."),
]


def serve_mcp(context: typer.Context, mind: MindOption = None, user: UserOption = None) -> None:
    """Serve the mind to programs by the Model Context Protocol, over standard input and output.

    Tools: ask, search_library, list_modes. Nothing is changed and nobody is remembered, unless --user says who asks.
    """
    settings: Settings = context.obj
    if mind is not None:
        settings = settings.model_copy(update={"mind": mind})
    if importlib.util.find_spec("mcp") is None:
        raise McpNotInstalled
    asyncio.run(_serve(settings, user))


async def _serve(settings: Settings, user: str | None) -> None:
    # Imported late: the package is an extra.
    from bot.channels.mcp.tools import McpTools, make_server

    say = Translator(settings.language or system_language())
    progress = Console(stderr=True, highlight=False)

    def show(step: str) -> None:
        progress.print(Text(f"{say(step)} …"), soft_wrap=True)

    async with open_services(settings, show, load_on_demand=True) as services:
        tools = McpTools(
            mind=services.mind,
            composer=services.composer,
            library=services.library,
            direct=services.direct,
            say=say,
            person=user,
        )
        server = make_server(tools, importlib.metadata.version("consilium"))
        await server.run_stdio_async()
