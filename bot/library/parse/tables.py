"""Rows of cells as blocks: which row is the header, and how a row reads."""

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
_MAX_CAPTION_LINES: Final = 6


def table_blocks(
    lines: Iterable[Sequence[str]], limits: ParseLimits, *, caption: str = "", first_number: int = 1
) -> Iterator[Block]:
    """The rows of one table under its header.

    Lines with a single cell above the others are the table's caption. A first line with numbers in it is no header; its
    columns are then called by their numbers.

    Args:
        lines: cells of each line; empty lines are passed over.
        caption: what the table is called, as far as that is not written in it.
        first: number of its first row.

    Raises:
        TooManyRows
    """
    filled = ([" ".join(cell.split())[:_MAX_CELL_LENGTH] for cell in line] for line in lines)
    above, rest = _split_caption(line for line in filled if any(line))
    caption = " › ".join(filter(None, [caption, *above]))
    top = next(rest, None)
    if top is None:
        return
    header = tuple(cell.replace("_", " ") or str(index) for index, cell in enumerate(top, 1))
    if not _is_header(top):
        header, rest = tuple(str(index) for index in range(1, len(top) + 1)), chain([top], rest)
    number = first_number
    for line in rest:
        if number - first_number >= limits.rows:
            raise TooManyRows(limits.rows)
        names = header + tuple(str(index) for index in range(len(header) + 1, len(line) + 1))
        cells = line + [""] * (len(names) - len(line))
        text = row_text(names, cells)
        yield Block(BlockKind.ROW, text, number, caption=caption, header=names, cells=tuple(cells))
        number += 1
    if number == first_number:
        yield Block(BlockKind.PARAGRAPH, ", ".join(header), number=1, caption=caption)


def row_text(header: Iterable[str], cells: Iterable[str]) -> str:
    """A row as words: ``column: value; column: value``, empty cells left out."""
    return "; ".join(f"{name}: {cell}" for name, cell in zip(header, cells, strict=True) if cell)


def _is_header(cells: Sequence[str]) -> bool:
    return not any(_NUMBER.fullmatch(cell) for cell in cells if cell)


def _split_caption(lines: Iterator[list[str]]) -> tuple[list[str], Iterator[list[str]]]:
    """The lines of one cell above the table, and the table itself; a table of one column has none above it."""
    held: list[list[str]] = []
    for line in lines:
        if sum(map(bool, line)) > 1:
            return [next(filter(None, one)) for one in held], chain([line], lines)
        held.append(line)
        if len(held) == _MAX_CAPTION_LINES:
            break
    return [], chain(held, lines)
