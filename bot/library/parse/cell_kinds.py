"""What kind of value a cell of a table holds, by its text."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

_CURRENCY: Final = "$€£¥₽₸₴₹"
_NUMBER: Final = re.compile(
    rf"[-+−–~≈<>≤≥±(]{{0,2}}\s*[{_CURRENCY}]?\s*[-+−–]?\d[\d\s.,'’]*(?:[eE][-+]?\d{{1,3}})?\)?"
    rf"\s*(?:%|‰|°|°[CFСФ]|[{_CURRENCY}]|руб\.?|[A-Z]{{3}})?"
)
_QUANTITY: Final = re.compile(r"[-+−–]?\d[\d\s.,]*\s?[^\W\d_]{1,6}\.?(?:/[^\W\d_]{1,4})?")
_YEAR: Final = re.compile(r"(?:1[6-9]|20|21)\d\d(?:\s?г\.?|\sгод)?")
_DATE: Final = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[ T,]+\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?|\d{1,2}:\d{2}(?::\d{2})?"
)
_MAX_VALUE_LENGTH: Final = 40


class CellKind(StrEnum):
    """The kind of a cell."""

    EMPTY = "empty"
    TEXT = "text"
    NUMBER = "number"
    """A share or a sum of money, too."""
    QUANTITY = "quantity"
    """A number and a unit; it may be a name as well, such as “1 кв.”."""
    YEAR = "year"
    DATE = "date"
    """Or a time."""


def cell_kind(text: str) -> CellKind:
    """The kind of a cell with this text; a number that may be a year is one."""
    text = text.strip()
    if not text:
        return CellKind.EMPTY
    if len(text) > _MAX_VALUE_LENGTH:
        return CellKind.TEXT
    for kind, pattern in (
        (CellKind.YEAR, _YEAR),
        (CellKind.DATE, _DATE),
        (CellKind.NUMBER, _NUMBER),
        (CellKind.QUANTITY, _QUANTITY),
    ):
        if pattern.fullmatch(text):
            return kind
    return CellKind.TEXT
