"""CSV files and Excel workbooks, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from bot.library.parse.block import Block
from bot.library.parse.decoding import open_text
from bot.library.parse.limits import ParseLimits, check_archive
from bot.library.parse.tables import table_blocks

_SAMPLE_SIZE: Final = 8192
_MAX_FIELD_SIZE: Final = 1 << 20
_MAX_CELLS_PER_ROW: Final = 1000
"""Cells of a row beyond this are left out."""


def read_csv(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """The rows of a CSV file with any common delimiter, one in memory at a time."""
    csv.field_size_limit(_MAX_FIELD_SIZE)
    with open_text(path) as stream:
        delimiter = _detect_delimiter(stream.read(_SAMPLE_SIZE))
        stream.seek(0)
        rows = csv.reader(stream, delimiter=delimiter)
        yield from table_blocks(([cell.lstrip("\ufeff") for cell in row[:_MAX_CELLS_PER_ROW]] for row in rows), limits)


def _detect_delimiter(sample: str) -> str:
    """The delimiter with which most rows have as many cells as the first one, and more than one.

    Of equals the one that is rarest in numbers and sentences wins.
    """
    lines = sample.splitlines()
    if len(sample) == _SAMPLE_SIZE and len(lines) > 1:
        lines.pop()  # the last line may be cut off
    lines = [line for line in lines if line.strip()]
    best, best_score = ",", (False, 0.0)
    for delimiter in "\t;|,":
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        regular = sum(width == widths[0] for width in widths) / len(widths)
        score = (regular > 0.9, regular)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def read_xlsx(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """The rows of each sheet of a workbook, as a table with the sheet's name; formulas with their last saved value."""
    import openpyxl

    check_archive(path, limits)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        first = 1
        for sheet in book.worksheets:
            # The size that a sheet states may be false.
            sheet.reset_dimensions()
            rows = (
                [_cell_text(cell) for cell in row[:_MAX_CELLS_PER_ROW]] for row in sheet.iter_rows(values_only=True)
            )
            for block in table_blocks(rows, limits, caption=sheet.title, first_number=first):
                first = block.number + 1
                yield block
    finally:
        book.close()


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
