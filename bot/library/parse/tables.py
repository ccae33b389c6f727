"""Rows of cells as blocks: which row is the header, and a row as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.errors import TooManyRows
from bot.library.parse.limits import ParseLimits

_NUMBER: Final = re.compile(r"[-+]?[\d\s.,]*\d\s*%?")
_MAX_CELL_LENGTH: Final = 20_000
_MAX_CAPTION_ROWS: Final = 6


def table_blocks(
    rows: Iterable[Sequence[str]], limits: ParseLimits, *, caption: str = "", first_number: int = 1
) -> Iterator[Block]:
    """The rows of one table under its header.

    Rows with a single cell above all others are the table's caption. A first row with numbers in it is not a header;
    columns are then named by their numbers.

    Args:
        rows: cells of each row; empty rows are skipped.
        caption: the name of the table, to which a caption in its rows is added.
        first_number: number of its first row.

    Raises:
        TooManyRows
    """
    clean = ([" ".join(cell.split())[:_MAX_CELL_LENGTH] for cell in row] for row in rows)
    captions, rest = _split_caption(row for row in clean if any(row))
    caption = " › ".join(filter(None, [caption, *captions]))
    top = next(rest, None)
    if top is None:
        return
    header = tuple(cell.replace("_", " ") or str(index) for index, cell in enumerate(top, 1))
    if not _is_header(top):
        header, rest = tuple(str(index) for index in range(1, len(top) + 1)), chain([top], rest)
    number = first_number
    for row in rest:
        if number - first_number >= limits.rows:
            raise TooManyRows(limits.rows)
        names = header + tuple(str(index) for index in range(len(header) + 1, len(row) + 1))
        cells = row + [""] * (len(names) - len(row))
        yield Block(BlockKind.ROW, row_text(names, cells), number, caption=caption, header=names, cells=tuple(cells))
        number += 1
    if number == first_number:
        yield Block(BlockKind.PARAGRAPH, ", ".join(header), number=1, caption=caption)


def row_text(header: Iterable[str], cells: Iterable[str]) -> str:
    """A row as text: ``column: value; column: value``; empty cells are left out."""
    return "; ".join(f"{name}: {cell}" for name, cell in zip(header, cells, strict=True) if cell)


def _is_header(cells: Sequence[str]) -> bool:
    return not any(_NUMBER.fullmatch(cell) for cell in cells if cell)


def _split_caption(rows: Iterator[list[str]]) -> tuple[list[str], Iterator[list[str]]]:
    """The texts of single-cell rows above the table, and the other rows; a table of one column has no caption."""
    above: list[list[str]] = []
    for row in rows:
        if sum(map(bool, row)) > 1:
            return [next(filter(None, cells)) for cells in above], chain([row], rows)
        above.append(row)
        if len(above) == _MAX_CAPTION_ROWS:
            break
    return [], chain(above, rows)
