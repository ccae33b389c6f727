"""Dates in Russian and English: as they are written, and those that open diary entries.

Stored chunks depend on the latter, see `CHUNKING_VERSION`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Literal

from bot.text.calendar import (
    ENGLISH_MONTHS,
    ENGLISH_WEEKDAY_ABBREVIATIONS,
    ENGLISH_WEEKDAYS,
    MONTH_NUMBERS,
    RUSSIAN_MONTHS_GENITIVE,
    RUSSIAN_WEEKDAY_ABBREVIATIONS,
    RUSSIAN_WEEKDAYS,
)

_CENTURY_PIVOT: Final = 70
"""Years of two digits below this are in the twenty-first century, the others in the twentieth."""
_MONTH: Final = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))
_WEEKDAY: Final = "|".join((*ENGLISH_WEEKDAYS, *RUSSIAN_WEEKDAYS))
_WEEKDAY_ABBREVIATION: Final = "|".join((*ENGLISH_WEEKDAY_ABBREVIATIONS, *RUSSIAN_WEEKDAY_ABBREVIATIONS))
_DATE: Final = re.compile(
    rf"""(?:(?:{_WEEKDAY}|(?:{_WEEKDAY_ABBREVIATION})\.?),?\s+)?
    (?:(?P<y1>\d{{4}})[-./](?P<m1>\d{{1,2}})[-./](?P<d1>\d{{1,2}})
      |(?P<d2>\d{{1,2}})\.(?P<m2>\d{{1,2}})\.(?P<y2>\d{{4}}|\d{{2}})
      |(?P<d3>\d{{1,2}})(?:st|nd|rd|th|-?(?:го|е|ое))?\s+(?P<m3>{_MONTH})\.?,?\s+(?P<y3>\d{{4}})(?:\s*(?:года|г)\b)?
      |(?P<m4>{_MONTH})\.?\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y4>\d{{4}}))(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_SEPARATOR: Final = re.compile(r"[*_]{0,2}\s*(?:$|\n|[.:—–-]\s)")
"""What separates an entry's date from its text."""


def format_day(day: date, language: Literal["ru", "en"]) -> str:
    """A day as people write it: 12 May 2026, 12 мая 2026."""
    months = RUSSIAN_MONTHS_GENITIVE if language == "ru" else [month.title() for month in ENGLISH_MONTHS]
    return f"{day.day} {months[day.month - 1]} {day.year}"


def heading_date(text: str) -> date | None:
    """The date a heading begins with; None when it begins with something else, or there is no such day."""
    return _to_date(_DATE.match(text.strip()))


def entry_date(text: str) -> date | None:
    """The date that opens a paragraph: alone on the first line, or followed by a point, a colon or a dash."""
    text = text.lstrip("*_ ")
    match = _DATE.match(text)
    if match is None or not _SEPARATOR.match(text[match.end() :] + "\n"):
        return None
    return _to_date(match)


def _to_date(match: re.Match[str] | None) -> date | None:
    if match is None:
        return None
    for form in "1234":
        year, month, day = (match[f"{part}{form}"] for part in "ymd")
        if year is not None:
            try:
                full_year = int(year) + (0 if len(year) == 4 else 2000 if int(year) < _CENTURY_PIVOT else 1900)
                return date(full_year, MONTH_NUMBERS.get(month.lower()) or int(month), int(day))
            except ValueError:
                return None
    return None
