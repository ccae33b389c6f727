"""Days and years written in digits, and whether a number is one: 7.05 is a day, but no version and no weight."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import Vocabulary

_DAY: Final = re.compile(r"(\d{1,2})(?:(st|nd|rd|th|-?(?:го|ого|его|е|ое|му|м|ым)))?")
_YEAR: Final = re.compile(r"((?:19|20)\d\d)(?:-?(?:й|го|м|е|ый|ом)|г)?")
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})\.(\d{2})(?:\.(\d{4}|\d\d))?|(\d{1,2})\.(\d)\.(\d{4})")
_DAY_FIRST_WITH_YEAR: Final = re.compile(r"(\d{1,2})([-/])(\d{1,2})[-/](\d{4})")
_DECADE: Final = re.compile(r"((?:(?:19|20)\d|[3-9])0)(?:s|-?(?:е|х|ые|ых))")
_CENTURY_PIVOT: Final = 70
"""Years of two digits below this are in the twenty-first century, the others in the twentieth."""
_LATIN: Final = re.compile("[a-z]+")

DayAndMonth = tuple[int, int, int | None]
"""Day, month, and the year if it is written."""


def day_number(text: str) -> tuple[int, bool] | None:
    """The number of a day of a month, and whether it is written as an ordinal: 5th, 5-го."""
    match = _DAY.fullmatch(text)
    return (int(match[1]), match[2] is not None) if match and 1 <= int(match[1]) <= 31 else None


def year_number(words: Words, at: int, vocabulary: Vocabulary) -> int | None:
    """The year that a token of four digits names; None if it counts something."""
    match = _YEAR.fullmatch(words.text(at))
    return int(match[1]) if match and not words.starts(vocabulary.not_after_year, at + 1) else None


def numeric_date(words: Words, at: int, vocabulary: Vocabulary) -> DayAndMonth | None:
    """The date that a token in digits names, whether there is such a day or not; None if it is another number."""
    text = words.text(at)
    if match := _YEAR_FIRST.fullmatch(text):
        return int(match[3]), int(match[2]), int(match[1])
    if match := _DAY_FIRST_WITH_YEAR.fullmatch(text):
        return _in_known_order(int(match[1]), int(match[3]), int(match[4]), match[2])
    match = _DAY_FIRST.fullmatch(text)
    if match is None or _counts_something(words, at, vocabulary):
        return None
    if match[4]:
        return int(match[4]), int(match[5]), int(match[6])
    if match[3] is None and not _may_be_day(int(match[1]), int(match[2])):
        return None
    return int(match[1]), int(match[2]), _full_year(match[3])


def _in_known_order(first: int, second: int, year: int, separator: str) -> DayAndMonth | None:
    """A date with its day first; with slashes the order differs by country, and None is returned where it shows not."""
    if separator == "-" or first > 12:
        return first, second, year
    return (second, first, year) if second > 12 else None


def _may_be_day(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _counts_something(words: Words, at: int, vocabulary: Vocabulary) -> bool:
    if len(words.text(at)) > len("07.05.26"):
        return False
    if words.starts(vocabulary.not_after_year, at + 1):
        return True
    before = words.text(at - 1)
    # An English word before the number is a preposition, or the name of what has this version: Python 3.11.
    is_name = _LATIN.fullmatch(before) is not None and before not in _prepositions(vocabulary)
    return before in vocabulary.not_before_date or is_name


def _prepositions(vocabulary: Vocabulary) -> frozenset[str]:
    return (
        frozenset(vocabulary.prepositions)
        | vocabulary.since
        | vocabulary.before
        | vocabulary.until
        | vocabulary.after
        | vocabulary.range_starts
        | vocabulary.between
        | vocabulary.links
        | vocabulary.by
        | vocabulary.to
    )


def _full_year(digits: str | None) -> int | None:
    if digits is None or len(digits) == 4:
        return int(digits) if digits else None
    return int(digits) + (2000 if int(digits) < _CENTURY_PIVOT else 1900)


def decade_start(text: str) -> int | None:
    """The year that begins a decade written in digits: 1990s, 90-е."""
    match = _DECADE.fullmatch(text)
    return int(match[1]) + (0 if len(match[1]) == 4 else 1900) if match else None


def day_of_year(year: int, month: int, day: int) -> date | None:
    """A day; None when the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None
