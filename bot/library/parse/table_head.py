"""Finds what stands above a table, and how many of its rows are the header."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bot.library.parse.cell_kinds import CellKind, cell_kind
from bot.library.parse.grid import Row

_MAX_PREAMBLE_ROWS: Final = 30
_MAX_NAMED_ROWS: Final = 2
"""Rows of several cells under a title that are no table by themselves."""
_MAX_HEADER_ROWS: Final = 5
_ROWS_BELOW: Final = 4
"""Rows with which a row is compared to tell whether it is a header."""
_MAX_UNIT_LENGTH: Final = 10
_MIN_COUNTED: Final = 3
"""Consecutive numbers from 1 that are a header."""
_SEPARATOR: Final = " / "


def preamble_length(rows: Sequence[Row]) -> int:
    """How many rows at the beginning are no part of the table: titles, periods, names of accounts.

    They have a single cell, or end before the table does and have a header below them. A table of one column has none.
    """
    wide = [row for row in rows if _own_cells(row) > 1]
    if not wide:
        return 0
    width = _most_common(_own_cells(row) for row in wide)
    last_column = _most_common(len(row.cells) for row in wide)
    for index, row in enumerate(rows[:_MAX_PREAMBLE_ROWS]):
        own = _own_cells(row)
        below = rows[index + 1 :]
        if own == 1:
            continue
        if row.is_header or len(row.cells) >= last_column or (below and _goes_on(row, below)):
            return index
        if own * 2 > width and not _has_header_below(below, last_column):
            return index
    return 0


def header_height(rows: Sequence[Row]) -> int:
    """How many rows at the beginning are the header: those the document marks as such, else those that differ in kind
    from the rows below."""
    marked = next((index for index, row in enumerate(rows) if not row.is_header), 0)
    height = marked or int(bool(rows) and _is_header(rows[0], rows[1:]))
    while height and height < min(_MAX_HEADER_ROWS, len(rows) - 1):
        if not _goes_on(rows[height - 1], rows[height:]) or not _is_header(rows[height], rows[height + 1 :]):
            break
        height += 1
    return height


def header_names(rows: Sequence[Row]) -> list[str]:
    """The name of each column: of several rows of a header, from top to bottom."""
    width = max((len(row.cells) for row in rows), default=0)
    parts: list[list[str]] = [[] for _ in range(width)]
    for index, row in enumerate(rows):
        texts = [row.cells[column] if column < len(row.cells) else "" for column in range(width)]
        if index < len(rows) - 1:
            # Without merged cells, a name stands above the first of its columns only.
            lower = rows[index + 1].cells
            for column in range(1, width):
                if not texts[column] and column < len(lower) and lower[column]:
                    texts[column] = texts[column - 1]
        for part, text in zip(parts, texts, strict=True):
            if text and text not in part:
                part.append(text)
    return [_SEPARATOR.join(part).replace("_", " ") for part in parts]


def is_form(rows: Sequence[Row]) -> bool:
    """Whether each row is a name with its value, without a header above: marked so, or by the colons of the names."""
    named = [row for row in rows if _own_cells(row) > 1]
    if not named or any(row.is_header for row in named):
        return False
    if all(row.names_itself for row in named):
        return True
    return all(len(row.cells) == 2 and row.cells[0].endswith(":") for row in named)


def begins_table(rows: Sequence[Row]) -> bool:
    """Whether rows after an empty one are another table: a header, maybe under a title, with values below it."""
    top = preamble_length(rows)
    height = header_height(rows[top:])
    header = rows[top : top + height]
    return bool(header) and _own_cells(header[0]) > 1 and _has_values(rows[top + height :])


def is_preamble(above: Sequence[Row], below: Sequence[Row]) -> bool:
    """Whether rows that an empty row divides from a table belong to it: a title, or names with what they stand for."""
    wide = [row for row in above if _own_cells(row) > 1]
    if wide and max(len(row.cells) for row in wide) >= max(len(row.cells) for row in below):
        return False
    is_titled = _own_cells(above[0]) == 1 and len(wide) <= _MAX_NAMED_ROWS
    return len(above) <= _MAX_PREAMBLE_ROWS and (is_titled or any(row.cells[0].endswith(":") for row in wide))


def _is_header(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row names its columns: it has no numbers, or only such as the rows below it do not have."""
    kinds = [cell_kind(cell) for cell in row.cells]
    values = [column for column, kind in enumerate(kinds) if kind not in (CellKind.TEXT, CellKind.EMPTY)]
    if not values:
        return True
    if not below or len(values) == len(kinds) == 1:
        return False
    if _is_series(row, values):
        return not _is_series(below[0], values)
    if any(kinds[column] is CellKind.NUMBER for column in values):
        return False
    under = {column: _kind_below(column, below) for column in values}
    return all(under[column] is not kinds[column] for column in values) and set(under.values()) != {CellKind.EMPTY}


def _is_series(row: Row, columns: Sequence[int]) -> bool:
    """Whether the cells in these columns count: years or dates of years in equal steps, or numbers from 1."""
    texts = [row.cells[column] if column < len(row.cells) else "" for column in columns]
    if len(texts) < 2 or not all(text.isascii() and text.isdigit() and len(text) < 5 for text in texts):
        return False
    numbers = [int(text) for text in texts]
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    if len(steps) != 1 or 0 in steps:
        return False
    are_years = all(cell_kind(text) is CellKind.YEAR for text in texts)
    return are_years or (numbers[0] == 1 and steps == {1} and len(numbers) >= _MIN_COUNTED and 0 not in columns)


def _kind_below(column: int, below: Sequence[Row]) -> CellKind:
    for row in below[:_ROWS_BELOW]:
        if column < len(row.cells) and row.cells[column]:
            return cell_kind(row.cells[column])
    return CellKind.EMPTY


def _goes_on(upper: Row, below: Sequence[Row]) -> bool:
    """Whether a header goes on from one row to the next: the lower row divides columns that the upper one joins.

    Under its other columns the lower row has nothing of its own, unless merged cells show that it is no row of values.
    """
    lower = below[0]
    is_merged = bool(lower.from_above) or (bool(upper.from_left) and _has_values(below[1:]))
    if any(cell_kind(cell) is CellKind.NUMBER for cell in lower.cells):
        return False
    if _names_units(lower, below[1:]):
        return True
    divides = False
    for start, end in _groups(upper, len(lower.cells)):
        texts = [lower.cells[column] for column in range(start, min(end, len(lower.cells)))]
        if end - start > 1:
            divides |= sum(map(bool, texts)) > 1 and not all(column in lower.from_above for column in range(start, end))
        elif is_merged or not any(texts) or start in lower.from_above:
            continue
        elif start >= len(upper.cells) or upper.cells[start]:
            return False
    return divides


def _names_units(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row only has the units of the numbers below it."""
    columns = [column for column, cell in enumerate(row.cells) if cell]
    is_short = all(len(row.cells[column]) <= _MAX_UNIT_LENGTH for column in columns)
    if not is_short or 0 in columns or not columns:
        return False
    return all(_kind_below(column, below) is CellKind.NUMBER for column in columns)


def _groups(row: Row, width: int) -> Iterator[tuple[int, int]]:
    """The columns that one name covers: a merged cell, or a cell with empty ones to its right."""
    start = 0
    for column in range(1, max(width, len(row.cells)) + 1):
        is_end = column >= max(width, len(row.cells))
        is_covered = not is_end and (column in row.from_left or column >= len(row.cells) or not row.cells[column])
        if not is_covered or not row.cells[start]:
            yield start, column
            start = column


def _has_header_below(rows: Sequence[Row], last_column: int) -> bool:
    """Whether one of the next rows is a header with values under it."""
    for index, row in enumerate(rows[:_MAX_PREAMBLE_ROWS]):
        after = rows[index + 1 :]
        if len(row.cells) >= last_column and (row.is_header or (_is_header(row, after) and _has_values(after))):
            return True
    return False


def _has_values(rows: Sequence[Row]) -> bool:
    return bool(rows) and any(cell_kind(cell) not in (CellKind.TEXT, CellKind.EMPTY) for cell in rows[0].cells)


def _own_cells(row: Row) -> int:
    """How many cells with text a row has, each merged one counted once."""
    return sum(1 for column, cell in enumerate(row.cells) if cell and column not in row.from_left)


def _most_common(counts: Iterable[int]) -> int:
    """The count that is there most often; of equals the largest."""
    return max(Counter(counts).items(), key=lambda item: (item[1], item[0]))[0]
