"""Tables as grids: cells that span rows or columns stand in every place they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MAX_COLUMNS: Final = 1000
"""Cells of a row beyond this are left out."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as a document states it."""

    text: str
    columns: int = 1
    """How many columns it spans."""
    rows: int = 1
    """How many rows it spans; 0 for all rows that follow."""
    is_name: bool = False
    """Whether the document marks it as a heading."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a grid: one text for each column."""

    cells: list[str]
    is_header: bool = False
    """Whether the document marks it as a header."""
    from_left: frozenset[int] = frozenset()
    """Columns whose text is that of a merged cell which begins further to the left."""
    from_above: frozenset[int] = frozenset()
    """Columns whose text is that of a merged cell which begins in a row above."""
    names_itself: bool = False
    """Whether the document marks its first cell as a heading, and no other."""


@dataclass(slots=True)
class _Pending:
    """A cell that goes on in the rows below."""

    text: str
    rows: float
    begins: bool
    """Whether it is the first column of its cell."""


def expand_spans(rows: Iterable[tuple[Sequence[Cell], bool]]) -> Iterator[Row]:
    """The rows of a table with spans, each with a text in every column.

    Args:
        rows: the cells that begin in each row, and whether it is marked as a header.
    """
    pending: dict[int, _Pending] = {}
    for cells, is_header in rows:
        texts: dict[int, str] = {}
        from_left, from_above = set(), set()
        for column, above in list(pending.items()):
            texts[column] = above.text
            from_above.add(column)
            if not above.begins:
                from_left.add(column)
            above.rows -= 1
            if above.rows < 1:
                del pending[column]
        column = 0
        for cell in cells:
            while column in texts:
                column += 1
            for offset in range(min(max(cell.columns, 1), MAX_COLUMNS)):
                if column >= MAX_COLUMNS or column in texts:
                    break
                texts[column] = cell.text
                if offset:
                    from_left.add(column)
                if cell.rows != 1:
                    left = float("inf") if cell.rows < 1 else cell.rows - 1
                    pending[column] = _Pending(cell.text, left, not offset)
                column += 1
            if column >= MAX_COLUMNS:
                break
        width = max(texts, default=-1) + 1
        yield Row(
            [texts.get(index, "") for index in range(width)],
            is_header,
            frozenset(from_left),
            frozenset(from_above),
            names_itself=not is_header and [cell.is_name for cell in cells if cell.text][:2] == [True, False],
        )
