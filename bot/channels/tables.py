"""Tables as text, for platforms that show none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from bot.channels.port import Table

MAX_TABLE_WIDTH: Final = 56
"""Cells of a line that a phone still shows unbroken in a block of code, or nearly so."""


def table_as_text(table: Table, max_width: int = MAX_TABLE_WIDTH) -> str:
    """A grid where it fits into `widest` cells, else one paragraph a row."""
    grid = _format_grid(table)
    if all(cell_len(line) <= max_width for line in grid):
        return "\n".join(grid)
    return "\n\n".join(_format_row(table.columns, row) for row in table.rows)


def table_as_code_block(table: Table, max_width: int = MAX_TABLE_WIDTH) -> str:
    """The same in a block of code that nothing in it can end."""
    text = table_as_text(table, max_width).replace("```", "`\u200b`\u200b`")
    return f"```\n{text}\n```"


def _format_grid(table: Table) -> list[str]:
    rows = [table.columns, *table.rows]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(table.columns))]
    return ["  ".join(_pad_cell(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _pad_cell(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))


def _format_row(columns: Sequence[str], row: Sequence[str]) -> str:
    """The first cell as a heading, the others under it; empty ones are left out."""
    heading, *others = row
    lines = [f"  {column}: {cell}" for column, cell in zip(columns[1:], others, strict=True) if cell]
    if len(columns) == 2:
        lines = [f"  {cell}" for cell in others if cell]
    return "\n".join([heading, *lines])
