"""Rows of cells as blocks: which row is the header, and how a row reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bot.recall.library.parse.block import Block, BlockKind
from bot.recall.library.parse.limits import Limits
from bot.recall.library.parse.refusals import TooManyRows

_NUMBER: Final = re.compile(r"[-+]?[\d\s.,]*\d\s*%?")
_WIDEST_CELL: Final = 20_000


def table(lines: Iterable[Sequence[str]], limits: Limits, *, caption: str = "", first: int = 1) -> Iterator[Block]:
    """The rows of one table under its header.

    Lines with a single cell before the header are the table's caption. A first line with numbers in it is no header;
    its columns are then called by their numbers.

    Args:
        lines: cells of each line; empty lines are passed over.
        caption: what the table is called, as far as that is not written in it.
        first: number of its first row.

    Raises:
        TooManyRows
    """
    header: tuple[str, ...] | None = None
    above = [caption] if caption else []
    number = first
    for line in lines:
        cells = [" ".join(cell.split())[:_WIDEST_CELL] for cell in line]
        filled = sum(bool(cell) for cell in cells)
        if not filled:
            continue
        if header is None:
            if filled == 1 and len(cells) > 1:
                above.append(next(cell for cell in cells if cell))
                continue
            if _is_header(cells):
                header = tuple(cell.replace("_", " ") or str(index) for index, cell in enumerate(cells, 1))
                continue
            header = tuple(str(index) for index in range(1, len(cells) + 1))
        if number - first >= limits.rows:
            raise TooManyRows(limits.rows)
        names = header + tuple(str(index) for index in range(len(header) + 1, len(cells) + 1))
        cells += [""] * (len(names) - len(cells))
        yield Block(
            BlockKind.ROW,
            row_text(names, cells),
            number=number,
            caption=" › ".join(above),
            header=names,
            cells=tuple(cells),
        )
        number += 1
    if header is not None and number == first:
        yield Block(BlockKind.PARAGRAPH, ", ".join(header), number=number, caption=" › ".join(above))


def row_text(header: Iterable[str], cells: Iterable[str]) -> str:
    """A row as words: ``column: value; column: value``, empty cells left out."""
    return "; ".join(f"{name}: {cell}" for name, cell in zip(header, cells, strict=True) if cell)


def _is_header(cells: Sequence[str]) -> bool:
    return not any(_NUMBER.fullmatch(cell) for cell in cells if cell)
