"""What commands share: options, tables, the console, and how times are written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.minds import Mind
from bot.minds.versions import live_folder
from inference.adapters.errors import AdapterError
from inference.adapters.package import AdapterPackage

MindOption = Annotated[Path | None, typer.Option("--mind", help="Folder of the mind.", show_default="the demo mind")]
JsonFileOption = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")]


def stdout_console(*, quiet: bool = False) -> Console:
    """Standard output, coloured only where we colour it."""
    return Console(highlight=False, quiet=quiet)


def new_table(*headings: str, wrapped: Collection[str] = ()) -> Table:
    """An empty table with a ruled heading.

    Args:
        wrapped: the columns whose text breaks into lines where the terminal is too narrow; the others stay whole.
    """
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading not in wrapped)
    return table


def names_by_digest(mind: Mind) -> dict[str, str]:
    """Names of the mind's adapters, by the digest of their weights; without those that cannot be read."""
    names = {}
    for name in mind.adapters:
        try:
            names[AdapterPackage.open(live_folder(mind, name)).digest] = name
        except AdapterError:
            continue
    return names


def print_unfit(unfit: Mapping[str, AdapterError]) -> None:
    """Say which adapters are out of service, and why."""
    for name, error in unfit.items():
        line = Text.assemble((f"{name} is out of service: ", "bold red"), str(error))
        stdout_console().print(line, soft_wrap=True)


def key_value_table(lines: Iterable[tuple[str, str]]) -> Table:
    """A table of labels and values."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, value in lines:
        table.add_row(label, Text(value))
    return table


def format_time(when: datetime) -> str:
    """A moment in the machine's time zone, to the minute."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def format_short_time(when: datetime) -> str:
    """A moment for a narrow column: the time if it is today, without the year if it is this year."""
    local, now = when.astimezone(), datetime.now().astimezone()
    if local.date() == now.date():
        return local.strftime("%H:%M")
    return local.strftime("%m-%d %H:%M" if local.year == now.year else "%Y-%m-%d")
