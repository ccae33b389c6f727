"""CSV and Excel workbooks, a row at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from bot.recall.library.parse.archive import check_archive
from bot.recall.library.parse.block import Block
from bot.recall.library.parse.decoding import open_text
from bot.recall.library.parse.limits import Limits
from bot.recall.library.parse.rows import table

_SAMPLE: Final = 8192
_FIELD: Final = 1 << 20
_WIDEST_ROW: Final = 1000
"""Cells of a row at most; what is beyond is left out."""


def read_csv(path: Path, limits: Limits) -> Iterator[Block]:
    """A CSV file, whatever separates its cells; never more of it in memory than a row."""
    csv.field_size_limit(_FIELD)
    with open_text(path) as stream:
        sample = stream.read(_SAMPLE)
        stream.seek(0)
        try:
            dialect: type[csv.Dialect] = csv.Sniffer().sniff(sample, ",;\t|")
        except csv.Error:
            dialect = csv.excel
        lines = csv.reader(stream, delimiter=dialect.delimiter)
        yield from table(([cell.lstrip("\ufeff") for cell in line[:_WIDEST_ROW]] for line in lines), limits)


def read_xlsx(path: Path, limits: Limits) -> Iterator[Block]:
    """Every sheet of a workbook as a table called by the sheet's name; formulas by the value they last had."""
    import openpyxl

    check_archive(path, limits)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        first = 1
        for sheet in book.worksheets:
            # What a sheet says of its own size is not to be believed.
            sheet.reset_dimensions()
            lines = ([_shown(cell) for cell in row[:_WIDEST_ROW]] for row in sheet.iter_rows(values_only=True))
            for block in table(lines, limits, caption=sheet.title, first=first):
                first = block.number + 1
                yield block
    finally:
        book.close()


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat(*([" "] if isinstance(value, datetime) else []))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
