"""Tables of Rich Text Format: cells are stated by where they end, and merged by marks or by their width."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.library.parse.grid import MAX_COLUMNS, Row

LAYOUT_WORDS: Final = frozenset({"trowd", "trhdr", "cellx", "clmgf", "clmrg", "clvmgf", "clvmrg"})
"""Control words that tell how the cells of a row stand."""
_SAME_EDGE: Final = 60
"""Twips (twentieths of a point): edges that differ by less are one."""


@dataclass(frozen=True, slots=True)
class RtfCell:
    """A cell of a row."""

    text: str
    edge: int | None = None
    """Where it ends, in twips from the left; None where the file does not say."""
    continues_left: bool = False
    continues_above: bool = False
    is_header: bool = False


@dataclass(slots=True)
class RowLayout:
    """How the cells of one row stand."""

    _edges: list[int] = field(default_factory=list)
    _marks: list[frozenset[str]] = field(default_factory=list)
    _pending: set[str] = field(default_factory=set)
    _is_header: bool = False

    def control(self, word: str, number: int) -> None:
        """Take one of `LAYOUT_WORDS`; the marks of a cell stand before its edge."""
        if word == "trowd":
            self._edges, self._marks, self._pending, self._is_header = [], [], set(), False
        elif word == "trhdr":
            self._is_header = True
        elif word != "cellx":
            self._pending.add(word)
        elif len(self._edges) < MAX_COLUMNS:
            self._edges.append(number)
            self._marks.append(frozenset(self._pending))
            self._pending = set()

    def place(self, texts: Sequence[str]) -> list[RtfCell]:
        """The cells of a row with these texts."""
        if len(self._edges) < len(texts):
            return [RtfCell(text, is_header=self._is_header) for text in texts]
        return [
            RtfCell(text, edge, "clmrg" in marks, "clvmrg" in marks, self._is_header)
            for text, edge, marks in zip(texts, self._edges, self._marks, strict=False)
        ]


def table_rows(table: Sequence[Sequence[RtfCell]]) -> Iterator[Row]:
    """The rows of a table, with the text of merged cells in every place they cover."""
    edges = _edges(table)
    above: list[str] = []
    for row in table:
        cells: list[str] = []
        from_left: set[int] = set()
        from_above: set[int] = set()
        for cell in row:
            start = len(cells)
            # Without its edge a cell takes the next column.
            end = start + 1 if cell.edge is None or not edges else bisect_right(edges, cell.edge + _SAME_EDGE)
            covered = range(start, min(max(end, start + 1), MAX_COLUMNS))
            text = cell.text
            if cell.continues_above and start < len(above):
                text = above[start]
                from_above.update(covered)
            elif cell.continues_left and cells:
                text = cells[-1]
                from_left.update(covered)
            cells += [text] * len(covered)
            from_left.update(covered[1:])
        above = cells
        is_header = bool(row) and row[0].is_header
        yield Row(list(cells), is_header, frozenset(from_left), frozenset(from_above))


def _edges(table: Sequence[Sequence[RtfCell]]) -> list[int]:
    """Where the columns of a table end; empty where the cells do not tell, or tell of too many."""
    stated = sorted({cell.edge for row in table for cell in row if cell.edge is not None})
    edges = [edge for before, edge in zip([None, *stated], stated, strict=False) if _is_apart(before, edge)]
    return edges if len(edges) <= MAX_COLUMNS else []


def _is_apart(before: int | None, edge: int) -> bool:
    return before is None or edge - before > _SAME_EDGE
