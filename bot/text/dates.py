"""Dates as diaries write them, in Russian and English."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        [
            "января январь january jan",
            "февраля февраль february feb",
            "марта март march mar",
            "апреля апрель april apr",
            "мая май may",
            "июня июнь june jun",
            "июля июль july jul",
            "августа август august aug",
            "сентября сентябрь september sep sept",
            "октября октябрь october oct",
            "ноября ноябрь november nov",
            "декабря декабрь december dec",
        ],
        1,
    )
    for name in names.split()
}
_CENTURY_PIVOT: Final = 70
"""Years of two digits below this are of the twenty-first century."""
_MONTH_PATTERN: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE_PATTERN: Final = re.compile(
    rf"""(?:(?:{"|".join(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])}
            |понедельник|вторник|среда|четверг|пятница|суббота|воскресенье
            |(?:mon|tue|wed|thu|fri|sat|sun|пн|вт|ср|чт|пт|сб|вс)\.?),?\s+)?
    (?:(?P<y1>\d{{4}})[-./](?P<m1>\d{{1,2}})[-./](?P<d1>\d{{1,2}})
      |(?P<d2>\d{{1,2}})\.(?P<m2>\d{{1,2}})\.(?P<y2>\d{{4}}|\d{{2}})
      |(?P<d3>\d{{1,2}})(?:st|nd|rd|th|-?(?:го|е|ое))?\s+(?P<m3>{_MONTH_PATTERN})\.?,?\s+(?P<y3>\d{{4}})(?:\s*(?:года|г)\b)?
      |(?P<m4>{_MONTH_PATTERN})\.?\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y4>\d{{4}}))(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)


def heading_date(text: str) -> date | None:
    """The date a heading begins with; None when it begins with something else, or there is no such day."""
    return _date_from_match(_DATE_PATTERN.match(text.strip()))


def entry_date(text: str) -> date | None:
    """The date that opens a paragraph: alone on its first line, or set off by a point, a colon or a dash."""
    text = text.lstrip("*_ ")
    found = _DATE_PATTERN.match(text)
    if found is None or not re.match(r"[*_]{0,2}\s*(?:$|\n|[.:—–-]\s)", text[found.end() :] + "\n"):
        return None
    return _date_from_match(found)


def _date_from_match(found: re.Match[str] | None) -> date | None:
    if found is None:
        return None
    for form in "1234":
        year, month, day = (found[f"{part}{form}"] for part in "ymd")
        if year is not None:
            try:
                full = int(year) + (0 if len(year) == 4 else 2000 if int(year) < _CENTURY_PIVOT else 1900)
                return date(full, _MONTHS.get(month.lower()) or int(month), int(day))
            except ValueError:
                return None
    return None
