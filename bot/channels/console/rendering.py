"""Outcomes as JSON, as plain lines and as tables on a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from bot.core.messages import Outcome, Table


def outcome_as_json(outcome: Outcome) -> str:
    """One line of JSON, always with all the keys that programs rely on."""
    return json.dumps(
        {
            "turn": outcome.turn,
            "mode": outcome.mode,
            "adapter": outcome.adapter,
            "answer": "\n".join(part for part in (outcome.answer, table_as_text(outcome.table)) if part),
            "sources": [asdict(source) for source in outcome.sources],
            "memories": list(outcome.memories),
            "usage": outcome.usage,
            "error": outcome.error,
        },
        ensure_ascii=False,
    )


def table_as_text(table: Table | None) -> str:
    """A table as plain lines with aligned columns; empty for None."""
    if table is None:
        return ""
    widths = [max(len(row[i]) for row in (table.columns, *table.rows)) for i in range(len(table.columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (table.columns, *table.rows)
    )


def source_lines(outcome: Outcome) -> list[str]:
    """One line for each source that the answer cites."""
    return [f"[{source.n}] {source.title} — {source.where}" for source in outcome.sources]


def print_table(console: Console, table: Table) -> None:
    """Print a table to a terminal."""
    grid = Grid(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in table.columns:
        grid.add_column(column, overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(cell) for cell in row))
    console.print(grid)
