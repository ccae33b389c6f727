"""Rows of cells as blocks: what stands above a table, its header, and each row as text."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby, islice, takewhile
from operator import itemgetter
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.errors import TooManyRows
from bot.library.parse.grid import Row
from bot.library.parse.limits import ParseLimits
from bot.library.parse.side_by_side import divide_sheet
from bot.library.parse.table_head import (
    begins_table,
    header_height,
    header_names,
    is_form,
    is_preamble,
    preamble_length,
)

_MAX_CELL_LENGTH: Final = 20_000
_HEAD_ROWS: Final = 60
"""Rows by which the header is found; no others are in memory at once."""
_ROWS_AHEAD: Final = 8
"""Rows after an empty one by which it is decided whether another table begins."""
_MAX_CAPTION_LENGTH: Final = 200
"""Characters of what stands above the header; what is longer is a paragraph of its own."""
_MIN_NUMBERED_COLUMNS: Final = 3
_NOTE: Final = re.compile(
    r"[*†‡¹²³]|\d\)\s|(?:источник|примечани[ея]|прим\.|сноска|данные\s|sources?\b|notes?\b|n\.b\.)"
    r"|\S{1,60}(?:\s\S{1,60}){3,200}[.!]$|.{80}",
    re.IGNORECASE,
)
"""The only cell of a row that ends a table and is no value: a footnote, a source, a sentence."""
CAPTION_SEPARATOR: Final = " › "


def table_blocks(
    rows: Iterable[Row | Sequence[str]], limits: ParseLimits, *, caption: str = "", first_number: int = 1
) -> Iterator[Block]:
    """The rows of one table under its header.

    What stands above the header becomes the table's caption. The header may have several rows, and may consist of
    years or dates; where there is none, columns are named by their numbers. A row that is one merged cell names the
    rows below it.

    Args:
        rows: empty ones are skipped.
        caption: the name of the table, to which a caption in its rows is added.
        first_number: number of its first row.

    Raises:
        TooManyRows
    """
    filled = filter(lambda row: any(row.cells), map(_clean, rows))
    head = list(islice(filled, _HEAD_ROWS))
    if is_form(head):
        yield from _form_blocks(chain(head, filled), limits, caption, first_number)
        return
    top = preamble_length(head)
    above = [_preamble_text(row) for row in head[:top]]
    if sum(map(len, above)) > _MAX_CAPTION_LENGTH:
        yield Block(BlockKind.PARAGRAPH, "\n".join(above), number=1, caption=caption)
        above = [text for text in above[:1] if len(text) <= _MAX_CAPTION_LENGTH]
    caption = _join_captions(caption, *above)
    height = header_height(head[top:])
    header_rows = head[top : top + height]
    names = header_names(header_rows)
    if height and len(head) > top + height + 1 and _numbers_columns(head[top + height], names):
        del head[top + height]
    section, section_is_used = "", True
    number = first_number
    below: list[str] = []
    for row, is_note in _with_notes(chain(head[top + height :], filled), is_wide=len(names) > 1):
        if is_note:
            below.append(row.cells[0])
            continue
        if any(row.cells == header.cells for header in header_rows):
            # As at the top of each page.
            continue
        if name := _section_name(row):
            if not section_is_used:
                yield Block(BlockKind.PARAGRAPH, section, number=1, caption=caption)
            section, section_is_used = name, False
            continue
        if number - first_number >= limits.rows:
            raise TooManyRows(limits.rows)
        section_is_used = True
        yield _row_block(row, names, _join_captions(caption, section), number)
        number += 1
    if number == first_number and (text := ", ".join(filter(None, names))):
        yield Block(BlockKind.PARAGRAPH, text, number=1, caption=caption)
    if not section_is_used:
        yield Block(BlockKind.PARAGRAPH, section, number=1, caption=caption)
    if below:
        yield Block(BlockKind.PARAGRAPH, "\n".join(below), number=1, caption=caption)


def _with_notes(rows: Iterable[Row], *, is_wide: bool) -> Iterator[tuple[Row, bool]]:
    """The rows, and for each whether it is a note that stands below the table."""
    waiting: deque[Row] = deque()
    for row in rows:
        if is_wide and len(row.cells) == 1 and _NOTE.match(row.cells[0]):
            waiting.append(row)
            continue
        # Values follow: what looked like notes are rows.
        yield from ((before, False) for before in waiting)
        waiting.clear()
        yield row, False
    yield from ((note, True) for note in waiting)


def _form_blocks(rows: Iterable[Row], limits: ParseLimits, caption: str, first_number: int) -> Iterator[Block]:
    """The rows of a form: each one has its name in its first cell, and no header stands above it."""
    section = ""
    number = first_number
    for row in rows:
        if name := _section_name(row):
            section = name
            continue
        if number - first_number >= limits.rows:
            raise TooManyRows(limits.rows)
        name, *values = row.cells
        names = (name.rstrip(": "), *[""] * (len(values) - 1)) if values else ("",)
        yield _row_block(replace(row, cells=values or [name]), names, _join_captions(caption, section), number)
        number += 1


def sheet_blocks(
    rows: Iterable[Row | Sequence[str]], limits: ParseLimits, *, caption: str = "", first_number: int = 1
) -> Iterator[Block]:
    """The rows of a sheet, on which several tables may stand one below the other, and beside each other.

    After an empty row another table begins where a header stands above values; otherwise the same one goes on.

    Args:
        rows: with the empty ones.
        caption: the name of the sheet.
        first_number: number of its first row.

    Raises:
        TooManyRows
    """
    number = first_number
    for part in divide_sheet(map(_clean, rows)):
        for _, table in groupby(_with_table_numbers(iter(part)), key=itemgetter(0)):
            for block in table_blocks((row for _, row in table), limits, caption=caption, first_number=number):
                if block.kind is BlockKind.ROW:
                    number = block.number + 1
                    if number - first_number > limits.rows:
                        raise TooManyRows(limits.rows)
                yield block


def _with_table_numbers(rows: Iterator[Row]) -> Iterator[tuple[int, Row]]:
    """The rows that are not empty, each with the number of its table."""
    table = 0
    above: list[Row] = []
    has_gap = False
    ahead: deque[Row] = deque(islice(rows, _ROWS_AHEAD))
    while ahead:
        row = ahead[0]
        if not any(row.cells):
            has_gap = bool(above)
        else:
            if has_gap:
                below = list(takewhile(lambda row: any(row.cells), ahead))
                if begins_table(below) and not is_preamble(above, below):
                    table += 1
                    above = []
            has_gap = False
            if len(above) < _HEAD_ROWS:
                above.append(row)
            yield table, row
        ahead.popleft()
        ahead.extend(islice(rows, 1))


def row_text(header: Iterable[str], cells: Iterable[str]) -> str:
    """A row as text: ``column: value; column: value``. Empty cells are left out; where the column has no name, the
    value stands alone."""
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(header, cells, strict=True) if cell)


def _clean(row: Row | Sequence[str]) -> Row:
    cells = [" ".join(cell.split())[:_MAX_CELL_LENGTH] for cell in (row.cells if isinstance(row, Row) else row)]
    while cells and not cells[-1]:
        cells.pop()
    return replace(row, cells=cells) if isinstance(row, Row) else Row(cells)


def _row_block(row: Row, names: Sequence[str], caption: str, number: int) -> Block:
    cells = row.cells
    if names:
        header = (*names, *[""] * (len(cells) - len(names)))
    else:
        header = tuple(str(index) for index in range(1, len(cells) + 1))
    cells = [
        # A merged cell under one merged name is one value.
        "" if column in row.from_left and header[column] and header[column] == header[column - 1] else cell
        for column, cell in enumerate(cells)
    ]
    cells += [""] * (len(header) - len(cells))
    return Block(BlockKind.ROW, row_text(header, cells), number, caption=caption, header=header, cells=tuple(cells))


def _join_captions(*captions: str) -> str:
    return CAPTION_SEPARATOR.join(filter(None, captions))


def _preamble_text(row: Row) -> str:
    """The cells of a row above the table, each merged one once; of two, the first names the second."""
    cells = [cell for column, cell in enumerate(row.cells) if cell and column not in row.from_left | row.from_above]
    if len(cells) == 2:
        return f"{cells[0].rstrip(':')}: {cells[1]}"
    return " ".join(cells)


def _section_name(row: Row) -> str:
    """The text of a row that is one merged cell from the first column to the last; empty for other rows."""
    if len(row.cells) > 1 and not row.from_above and row.from_left >= set(range(1, len(row.cells))):
        return row.cells[0]
    return ""


def _numbers_columns(row: Row, names: Sequence[str]) -> bool:
    """Whether a row under the header only numbers the columns."""
    numbers = [str(column) for column in range(1, len(names) + 1)]
    return len(numbers) >= _MIN_NUMBERED_COLUMNS and row.cells == numbers
