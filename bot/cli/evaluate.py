"""`consilium eval`: measure adapters, memory, library search and `auto`, each in a file beside this one."""

from __future__ import annotations

import typer

from bot.cli import evaluate_library
from bot.cli.evaluate_adapters import adapters
from bot.cli.evaluate_memory import memory
from bot.cli.evaluate_router import router

app = typer.Typer(help="Measure adapters, memory, library search and auto.", no_args_is_help=True)
app.command("adapters")(adapters)
app.command("library")(evaluate_library.library)
app.command("memory")(memory)
app.command("router")(router)
