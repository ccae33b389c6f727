"""Tables with borders: their cells are what the drawn lines enclose, merged ones too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import mean
from typing import Final

from bot.library.parse.grid import Row
from bot.library.parse.pdf.fragments import Fragment
from bot.library.parse.pdf.rulings import Rulings, Stroke, between

_TOUCH: Final = 4.0
"""Points: lines that are nearer to each other cross."""
_MIN_CELLS: Final = 4
"""With text, in two rows at least."""
_MAX_CELL_TEXT: Final = 400
"""Characters in the middle: with more, lines divide a page and no table."""
_MAX_CELLS: Final = 5000


@dataclass(slots=True)
class RuledTable:
    """A table with borders and the text in it."""

    left: float
    right: float
    bottom: float
    top: float
    rows: list[Row] = field(default_factory=list)


def take_ruled_tables(fragments: Sequence[Fragment], rulings: Rulings) -> tuple[list[RuledTable], list[Fragment]]:
    """The tables with borders on a page, and the fragments that stand in none of them."""
    tables = []
    rest = list(fragments)
    for upright, level in _connected(rulings):
        grid = _Grid(upright, level)
        inside = [one for one in rest if grid.holds(one)]
        table = grid.table(inside) if inside else None
        if table is not None:
            tables.append(table)
            rest = [one for one in rest if not grid.holds(one)]
    return tables, rest


class _Grid:
    """Lines that cross each other, as a grid of the smallest cells between them."""

    def __init__(self, upright: Sequence[Stroke], level: Sequence[Stroke]) -> None:
        self._upright = upright
        self._level = level
        self._x = _places(upright)
        self._y = _places(level)[::-1]

    def holds(self, fragment: Fragment) -> bool:
        """Whether most of a fragment is within the grid."""
        middle = (fragment.left + fragment.right) / 2
        return bool(
            len(self._x) > 2
            and len(self._y) > 2
            and self._x[0] < middle < self._x[-1]
            and self._y[-1] < fragment.middle < self._y[0]
        )

    def table(self, fragments: Sequence[Fragment]) -> RuledTable | None:
        """The table with these texts; None where the lines are no table."""
        columns, rows = len(self._x) - 1, len(self._y) - 1
        if columns * rows > _MAX_CELLS:
            return None
        owner = self._merged_cells(columns, rows)
        found: dict[tuple[int, int], list[Fragment]] = {}
        for one in fragments:
            column = _interval(self._x, (one.left + one.right) / 2)
            row = rows - 1 - _interval(self._y[::-1], one.middle)
            found.setdefault(owner[row][column], []).append(one)
        texts = {place: _text(inside) for place, inside in found.items()}
        if len(texts) < _MIN_CELLS or len({row for row, _ in texts}) < 2:
            return None
        if mean(map(len, texts.values())) > _MAX_CELL_TEXT:
            return None
        table = RuledTable(self._x[0], self._x[-1], self._y[-1], self._y[0])
        for row in range(rows):
            places = owner[row]
            table.rows.append(
                Row(
                    [texts.get(place, "") for place in places],
                    from_left=frozenset(column for column, place in enumerate(places) if place[1] < column),
                    from_above=frozenset(column for column, place in enumerate(places) if place[0] < row),
                )
            )
        return table

    def _merged_cells(self, columns: int, rows: int) -> list[list[tuple[int, int]]]:
        """For each place of the grid the row and the column in which its cell begins: no line parts the two."""
        owner = [[(row, column) for column in range(columns)] for row in range(rows)]
        for row in range(rows):
            height = (self._y[row] + self._y[row + 1]) / 2
            for column in range(columns):
                middle = (self._x[column] + self._x[column + 1]) / 2
                if row and not _parts(self._level, self._y[row], middle):
                    owner[row][column] = owner[row - 1][column]
                elif column and not _parts(self._upright, self._x[column], height):
                    owner[row][column] = owner[row][column - 1]
        return owner


def _connected(rulings: Rulings) -> list[tuple[list[Stroke], list[Stroke]]]:
    """The groups of lines that cross each other, with their upright and their level ones."""
    group = list(range(len(rulings.upright) + len(rulings.level)))

    def root(index: int) -> int:
        while group[index] != index:
            group[index] = group[group[index]]
            index = group[index]
        return index

    for first, one in enumerate(rulings.upright):
        begin = len(rulings.upright) + bisect_left(rulings.level, one.start - _TOUCH, key=lambda line: line.place)
        for second, other in enumerate(between(rulings.level, one.start - _TOUCH, one.end + _TOUCH), begin):
            if other.start - _TOUCH <= one.place <= other.end + _TOUCH:
                group[root(first)] = root(second)
    found: dict[int, tuple[list[Stroke], list[Stroke]]] = {}
    for index, one in enumerate((*rulings.upright, *rulings.level)):
        found.setdefault(root(index), ([], []))[index >= len(rulings.upright)].append(one)
    return [lines for lines in found.values() if len(lines[0]) > 2 and len(lines[1]) > 2]


def _places(strokes: Sequence[Stroke]) -> list[float]:
    """Where lines stand, each place once, in growing order."""
    places: list[float] = []
    for place in sorted(one.place for one in strokes):
        if not places or place - places[-1] > _TOUCH:
            places.append(place)
    return places


def _parts(strokes: Sequence[Stroke], place: float, across: float) -> bool:
    """Whether one of the lines stands at a place, and reaches over another one across it."""
    return any(one.start <= across <= one.end for one in between(strokes, place - _TOUCH, place + _TOUCH))


def _interval(places: Sequence[float], value: float) -> int:
    return next((index for index, (_, end) in enumerate(pairwise(places)) if value < end), len(places) - 2)


def _text(fragments: Sequence[Fragment]) -> str:
    """The text of a cell, line by line."""
    lines: list[list[Fragment]] = []
    for one in sorted(fragments, key=lambda fragment: -fragment.middle):
        if lines and lines[-1][0].is_beside(one):
            lines[-1].append(one)
        else:
            lines.append([one])
    return " ".join(one.text for line in lines for one in sorted(line, key=lambda fragment: fragment.left))
