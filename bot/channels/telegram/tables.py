"""Tables in a chat: columns where they fit a telephone, otherwise a list."""

from __future__ import annotations

from typing import Final

from bot.channels.port import Table
from bot.channels.telegram.formatted import Formatted, clean, joined, plain, styled

WIDEST: Final = 34
"""Characters of a line of code that a telephone shows without breaking it."""


def as_text(table: Table) -> Formatted:
    """The rows aligned as code if they are narrow enough, and otherwise one after another."""
    rows = [[" ".join(clean(cell).split()) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= WIDEST:
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return styled("\n".join(line.rstrip() for line in lines), "pre")
    return joined((_as_item(row) for row in rows[1:]), "\n")


def _as_item(row: list[str]) -> Formatted:
    first, *others = row
    rest = ", ".join(cell for cell in others if cell)
    head = styled(first, "code") if first.startswith("/") else styled(first, "bold")
    return joined((plain("•"), joined((head, plain(rest)), " — ")), " ")
