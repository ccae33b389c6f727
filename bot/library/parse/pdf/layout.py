"""The reading order of a page: columns one after the other, tables row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final

from bot.library.parse.cell_kinds import CellKind, cell_kind
from bot.library.parse.grid import Row
from bot.library.parse.pdf.fragments import Fragment
from bot.library.parse.pdf.ruled_tables import RuledTable, take_ruled_tables
from bot.library.parse.pdf.rulings import Rulings
from bot.library.parse.table_head import begins_table, header_height

_MIN_LINES: Final = 2
"""Lines that a column has at least."""
_MIN_CHARACTERS: Final = 12
"""The middle length of a column's lines: shorter ones are cells of a table."""
_MIN_GUTTER: Final = 0.6
"""Width of the space between two columns, by the height of a line."""
_MAX_SPANNING: Final = 0.3
"""Share of the fragments that may reach over the space between two columns, such as titles."""
_MAX_DEPTH: Final = 6
_USUAL_HEIGHT: Final = 12.0
_TABLE_TEXT: Final = "table with borders " * 2
"""Stands for one where the lengths of lines are compared."""
_MIN_TABLE_ROWS: Final = 2
_MAX_TABLE_LINES: Final = 500
_MAX_CONTINUATION: Final = 8
"""Lines of one cell at most."""
_MAX_ROW_GAP: Final = 3.0
"""Space between two rows of a table at most, by the height of a line."""
_MAX_LEADING: Final = 1.4
"""Distance of two lines of one cell at most, by the height of a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, in the column it is in."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    column_left: float
    """Where the lines of its column begin."""

    @property
    def height(self) -> float:
        """Tells the size of its letters."""
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells."""

    rows: Sequence[Row | Sequence[str]]
    top: float
    bottom: float


def continued_table(before: Table, table: Table) -> Table:
    """A table at the top of a page with the header of the one at the end of the page before, where it goes on."""
    rows = [row if isinstance(row, Row) else Row(list(row)) for row in table.rows]
    former = [row if isinstance(row, Row) else Row(list(row)) for row in before.rows]
    header = former[: header_height(former)]
    if not rows or not header or len(rows[0].cells) != len(former[0].cells) or rows[0].cells == header[0].cells:
        return table
    if begins_table(rows):
        # It has names of its own.
        return table
    return Table([*(replace(row, is_header=True) for row in header), *rows], table.top, table.bottom)


@dataclass(slots=True)
class _TablePlace(Fragment):
    """A table with borders among the fragments: it stands in the reading order as a line does."""

    table: RuledTable


def reading_order(fragments: Sequence[Fragment], rulings: Rulings) -> list[Line | Table]:
    """The lines and tables of a page as a person reads them."""
    tables, rest = take_ruled_tables(fragments, rulings)
    height = median([one.height for one in rest]) if rest else _USUAL_HEIGHT
    rest += [
        _TablePlace(_TABLE_TEXT, table.left, table.right, table.top - height, table.top, table) for table in tables
    ]
    return list(_read(sorted(rest, key=lambda one: (-one.middle, one.left)), _MAX_DEPTH))


def _read(fragments: list[Fragment], depth: int) -> Iterator[Line | Table]:
    """Read a region: by its columns where it has some, else line by line.

    Args:
        fragments: from top to bottom.
    """
    gutter = _find_gutter(fragments) if depth else None
    if gutter is None:
        yield from _lines_and_tables(fragments)
        return
    # What stands between columns, such as titles and tables, is read together.
    between: list[Fragment] = []
    has_columns = False
    for band in _bands(fragments, gutter):
        left = [one for one in band if one.right <= gutter[1]]
        right = [one for one in band if one.left >= gutter[0] and one.right > gutter[1]]
        if len(left) + len(right) < len(band) or not left or not right or not _are_columns(left, right):
            between += band
            continue
        has_columns = True
        yield from _read(between, depth - 1)
        between = []
        yield from _read(left, depth - 1)
        yield from _read(right, depth - 1)
    yield from _read(between, depth - 1) if has_columns else _lines_and_tables(between)


def _find_gutter(fragments: Sequence[Fragment]) -> tuple[float, float] | None:
    """The empty space between two columns, as its left and right edge; None where there is none.

    Few fragments reach over it, and on both sides of it there are lines.
    """
    if len(fragments) < 2 * _MIN_LINES:
        return None
    height = median(one.height for one in fragments)
    best: tuple[float, tuple[float, float]] | None = None
    edges = sorted({round(one.left, 1) for one in fragments})
    for edge in edges[1:]:
        before = [one for one in fragments if one.right <= edge]
        after = [one for one in fragments if one.left >= edge - 0.1]
        spanning = len(fragments) - len(before) - len(after)
        if len(before) < _MIN_LINES or len(after) < _MIN_LINES or spanning > _MAX_SPANNING * len(fragments):
            continue
        start = max(one.right for one in before)
        if edge - start < _MIN_GUTTER * height or not _overlap(before, after):
            continue
        balance = min(len(before), len(after)) / len(fragments) - spanning / len(fragments)
        if best is None or balance > best[0]:
            best = (balance, (start, edge))
    return best[1] if best else None


def _overlap(before: Sequence[Fragment], after: Sequence[Fragment]) -> bool:
    """Whether two groups of lines stand side by side, and not one below the other."""
    top = min(max(one.top for one in before), max(one.top for one in after))
    bottom = max(min(one.bottom for one in before), min(one.bottom for one in after))
    beside = [one for one in (*before, *after) if bottom <= one.middle <= top]
    return top > bottom and len(beside) >= 2 * _MIN_LINES


def _bands(fragments: Sequence[Fragment], gutter: tuple[float, float]) -> Iterator[list[Fragment]]:
    """The parts of a region from top to bottom: those that reach over the gutter, and those it divides."""
    band: list[Fragment] = []
    was_spanning = False
    for one in fragments:
        is_spanning = one.left < gutter[0] and one.right > gutter[1]
        if band and is_spanning != was_spanning:
            yield band
            band = []
        band.append(one)
        was_spanning = is_spanning
    if band:
        yield band


def _are_columns(left: Sequence[Fragment], right: Sequence[Fragment]) -> bool:
    """Whether what stands side by side are columns of text, and not cells of a table."""
    for side in (left, right):
        lines = [" ".join(one.text for one in line) for line in _group_lines(side)]
        values = sum(cell_kind(text) is not CellKind.TEXT for text in lines)
        if median(map(len, lines)) < _MIN_CHARACTERS or values * 2 > len(lines):
            return False
    return True


def _group_lines(fragments: Sequence[Fragment]) -> list[list[Fragment]]:
    """The fragments of each line, from left to right; from top to bottom."""
    lines: list[list[Fragment]] = []
    for one in sorted(fragments, key=lambda fragment: -fragment.middle):
        if lines and lines[-1][0].is_beside(one):
            lines[-1].append(one)
        else:
            lines.append([one])
    for line in lines:
        line.sort(key=lambda fragment: fragment.left)
    return lines


def _lines_and_tables(fragments: Sequence[Fragment]) -> Iterator[Line | Table]:
    """The lines of one column, with those that form a table together."""
    lines = _group_lines(fragments)
    if not lines:
        return
    column_left = min(one.left for one in fragments)
    index = 0
    while index < len(lines):
        if tables := [one.table for one in lines[index] if isinstance(one, _TablePlace)]:
            beside = [one for one in lines[index] if not isinstance(one, _TablePlace)]
            yield from _lines_and_tables(beside)
            yield from (Table(table.rows, table.top, table.bottom) for table in tables)
            index += 1
            continue
        end = next((place for place in range(index, len(lines)) if _has_table(lines[place])), len(lines))
        found = _find_table(lines[index:end])
        if found is not None:
            table, length = found
            yield table
            index += length
            continue
        line = lines[index]
        text = " ".join(one.text for one in line)
        top, bottom = max(one.top for one in line), min(one.bottom for one in line)
        yield Line(text, line[0].left, line[-1].right, bottom, top, column_left)
        index += 1


def _has_table(line: Sequence[Fragment]) -> bool:
    return any(isinstance(one, _TablePlace) for one in line)


def _find_table(lines: Sequence[Sequence[Fragment]]) -> tuple[Table, int] | None:
    """The table that begins with the first of these lines, and of how many lines it consists; None where none does."""
    divided = _divided_lines(lines)
    while len(divided) >= _MIN_TABLE_ROWS:
        columns = _table_columns([lines[index] for index in divided])
        if columns is not None:
            end = _last_continuation(lines, divided[-1], columns)
            if all(_fits(line, columns) for line in lines[:end]):
                rows = _group_rows(lines[:end])
                return Table(
                    tuple(_cells(row, columns) for row in rows),
                    max(one.top for one in lines[0]),
                    min(one.bottom for one in lines[end - 1]),
                ), end
        divided.pop()
    return None


def _divided_lines(lines: Sequence[Sequence[Fragment]]) -> list[int]:
    """The lines from the first one on that have cells beside each other, with few others and no large gap between."""
    divided: list[int] = []
    for index, line in enumerate(lines[:_MAX_TABLE_LINES]):
        last = divided[-1] if divided else 0
        if len(line) > 1:
            if divided and lines[index - 1][0].bottom - line[0].top > _MAX_ROW_GAP * line[0].height:
                break
            divided.append(index)
        elif not divided or index - last > _MAX_CONTINUATION:
            break
    return divided


def _last_continuation(lines: Sequence[Sequence[Fragment]], last: int, columns: Sequence[tuple[float, float]]) -> int:
    """The line after those that go on with the cells of the last row."""
    end = last + 1
    while end < len(lines) and len(lines[end]) == 1 and _is_near(lines[end - 1], lines[end]):
        if not _fits(lines[end], columns):
            break
        end += 1
    return end


def _is_near(upper: Sequence[Fragment], lower: Sequence[Fragment]) -> bool:
    """Whether two lines are as near as lines of one cell."""
    distance = min(above.middle - below.middle for above in upper for below in lower)
    return distance < _MAX_LEADING * max(upper[0].height, lower[0].height)


def _fits(line: Sequence[Fragment], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether a line is a row, or goes on with a cell behind the first one."""
    if len(line) > 1:
        return True
    one = line[0]
    column = next((index for index, (left, _) in enumerate(columns) if abs(one.left - left) < one.height / 2), 0)
    is_last = column == len(columns) - 1
    return column > 0 and (is_last or one.right < columns[column + 1][0])


def _group_rows(lines: Sequence[Sequence[Fragment]]) -> list[list[Sequence[Fragment]]]:
    """The lines of each row: those with a single cell belong to the row they are near to."""
    rows: list[list[Sequence[Fragment]]] = [[lines[0]]]
    for before, line in pairwise(lines):
        has_row = any(len(other) > 1 for other in rows[-1])
        if (len(line) == 1 or not has_row) and _is_near(before, line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _cells(row: Sequence[Sequence[Fragment]], columns: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    cells: list[list[str]] = [[] for _ in columns]
    for line in row:
        for one in line:
            cells[_column_of(one, columns)].append(one.text)
    return tuple(" ".join(texts) for texts in cells)


def _table_columns(lines: Sequence[Sequence[Fragment]]) -> list[tuple[float, float]] | None:
    """The left and right edges of a table's columns; None where its lines are not divided alike."""
    spans = sorted((one.left, one.right) for line in lines for one in line)
    columns = [spans[0]]
    for left, right in spans[1:]:
        if left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    if len(columns) < 2:  # one column is no table
        return None
    for line in lines:
        places = [_column_of(one, columns) for one in line]
        if any(before == after for before, after in pairwise(places)):
            return None
    return columns


def _column_of(fragment: Fragment, columns: Sequence[tuple[float, float]]) -> int:
    """The column a fragment begins in, or the nearest one to its left."""
    return max((index for index, (left, _) in enumerate(columns) if left <= fragment.left + 1), default=0)
