"""Tables in a chat: columns where they fit a telephone, otherwise a list."""

from __future__ import annotations

from typing import Final

from bot.channels.port import Table
from bot.channels.telegram.formatted import FormattedText, join, normalize_text, plain, styled

MAX_TABLE_WIDTH: Final = 34
"""Characters of a line of code that a telephone shows without breaking it."""


def format_table(table: Table, *, label_cells: bool | None = None) -> FormattedText:
    """The rows aligned as code if they are narrow enough, and otherwise one after another.

    Args:
        named: whether each cell of a list says what it is; when None, if there are more than two columns.
    """
    rows = [[" ".join(normalize_text(cell).split()) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= MAX_TABLE_WIDTH and not _has_commands(rows):
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return styled("\n".join(line.rstrip() for line in lines), "pre")
    names = rows[0] if (len(widths) > 2 if label_cells is None else label_cells) else [""] * len(widths)
    return join((_format_list_item(row, names) for row in rows[1:]), "\n")


def _format_list_item(row: list[str], names: list[str]) -> FormattedText:
    first = plain(row[0]) if row[0].startswith("/") else styled(row[0], "bold")
    rest = "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names[1:], row[1:], strict=True) if cell)
    return join((plain("•"), join((first, plain(rest)), " — ")), " ")


def _has_commands(rows: list[list[str]]) -> bool:
    """Whether it names commands: outside of code they can be pressed."""
    return any(row[0].startswith("/") for row in rows)
