"""CSV files, row by row."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block
from bot.library.parse.decoding import open_text
from bot.library.parse.grid import MAX_COLUMNS
from bot.library.parse.limits import ParseLimits
from bot.library.parse.tables import sheet_blocks

_SAMPLE_SIZE: Final = 1 << 16
_MAX_FIELD_SIZE: Final = 1 << 20
_STATED: Final = re.compile(r"\ufeff?sep=(.)\r?\n", re.IGNORECASE)
"""The first line by which Excel is told the delimiter."""
_DELIMITERS: Final = "\t;|,"
"""The rarer a delimiter is in sentences and numbers, the earlier."""
_ALMOST: Final = 0.75
"""A delimiter that makes so many of the best one's regular rows is preferred when it is rarer."""


def read_csv(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """The rows of a CSV file with any common delimiter, one in memory at a time."""
    csv.field_size_limit(_MAX_FIELD_SIZE)
    with open_text(path) as stream:
        sample = stream.read(_SAMPLE_SIZE)
        stated = _STATED.match(sample)
        delimiter = stated[1] if stated else detect_delimiter(sample, is_whole=len(sample) < _SAMPLE_SIZE)
        stream.seek(0)
        if stated:
            stream.readline()
        rows = csv.reader(stream, delimiter=delimiter)
        yield from sheet_blocks(([cell.lstrip("\ufeff") for cell in row[:MAX_COLUMNS]] for row in rows), limits)


def detect_delimiter(sample: str, *, is_whole: bool = True) -> str:
    """The delimiter with which most rows have the same number of cells, more than one.

    Commas within numbers and sentences make rows as well, and titles above a table make none: so the rarest delimiter
    that is nearly as regular as the best one wins.

    Args:
        is_whole: whether the sample ends where the file does, and not within a line.
    """
    lines = sample.splitlines()
    if not is_whole and len(lines) > 1:
        lines.pop()
    lines = [line for line in lines if line.strip()]
    regular = {delimiter: _regular_rows(lines, delimiter) for delimiter in _DELIMITERS}
    best = max(regular.values())
    if not best:
        return ","
    return next(delimiter for delimiter in _DELIMITERS if regular[delimiter] >= _ALMOST * best)


def _regular_rows(lines: list[str], delimiter: str) -> int:
    """How many rows have the number of cells that most rows have."""
    try:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if len(row) > 1)
    except csv.Error:
        return 0
    return max(widths.values(), default=0)
