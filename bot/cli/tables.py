"""How every command draws a table."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table


def stdout_console() -> Console:
    """Standard output, with nothing coloured that we did not colour."""
    return Console(highlight=False)


def new_table(*columns: str) -> Table:
    """An empty table with a ruled heading."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
