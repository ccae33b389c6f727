"""Tables that stand beside each other on one sheet, with an empty column between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from bot.library.parse.cell_kinds import CellKind, cell_kind
from bot.library.parse.grid import Row
from bot.library.parse.table_head import begins_table

_HEAD_ROWS: Final = 60
"""Rows by which it is decided whether tables stand beside each other."""
_MIN_COLUMNS: Final = 2


def divide_sheet(rows: Iterable[Row]) -> Iterator[Iterable[Row]]:
    """The tables of a sheet from left to right, as the rows of each; a sheet that is one table as it is.

    Empty columns divide tables only where each part has a header of its own above rows that begin with a name:
    otherwise they are there for the looks, and what is right of them belongs to the names left of them.

    Args:
        rows: of a sheet, with the empty ones. They are all in memory at once only where tables stand side by side.
    """
    source = iter(rows)
    head = list(islice(source, _HEAD_ROWS))
    parts = _parts(head)
    if len(parts) < 2:
        yield chain(head, source)
        return
    whole = head + list(source)
    if any(_fills_gap(row, parts) for row in whole[_HEAD_ROWS:]):
        yield whole
        return
    for start, end in parts:
        yield [_part_of(row, start, end) for row in whole]


def _parts(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The first column of each table and the one after its last; one part where the sheet is not divided."""
    width = max((len(row.cells) for row in rows), default=0)
    filled = [any(column < len(row.cells) and row.cells[column] for row in rows) for column in range(width)]
    parts: list[tuple[int, int]] = []
    for column, is_filled in enumerate(filled):
        if is_filled and column and filled[column - 1]:
            parts[-1] = (parts[-1][0], column + 1)
        elif is_filled:
            parts.append((column, column + 1))
    if len(parts) > 1 and all(_is_table([_part_of(row, *part) for row in rows]) for part in parts):
        # The last one may grow beyond what has been seen of it.
        return [*parts[:-1], (parts[-1][0], max(parts[-1][1], width))]
    return []


def _is_table(rows: Sequence[Row]) -> bool:
    filled = [row for row in rows if any(row.cells)]
    if max((len(row.cells) for row in filled), default=0) < _MIN_COLUMNS or not begins_table(filled):
        return False
    names = [cell_kind(row.cells[0]) for row in filled[1:] if row.cells[0]]
    return sum(kind is CellKind.TEXT for kind in names) * 2 > len(names)


def _fills_gap(row: Row, parts: Sequence[tuple[int, int]]) -> bool:
    """Whether a row has text outside the tables."""
    covered = {column for start, end in parts for column in range(start, end)}
    return any(cell and column not in covered for column, cell in enumerate(row.cells))


def _part_of(row: Row, start: int, end: int) -> Row:
    """The cells of a row in one of the tables."""
    cells = row.cells[start:end]
    while cells and not cells[-1]:
        cells.pop()
    return Row(
        cells,
        row.is_header,
        frozenset(column - start for column in row.from_left if start < column < end),
        frozenset(column - start for column in row.from_above if start <= column < end),
    )
