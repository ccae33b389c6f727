"""The days of holidays in a year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeAlias

from bot.text.time_expressions.spans import DAY, Span, single_day, span_of_days

Holiday: TypeAlias = Callable[[int], Span]
"""The days of a holiday in a year."""


def on(month: int, first: int, last: int | None = None) -> Holiday:
    """The same days of each year."""
    return lambda year: span_of_days(date(year, month, first), date(year, month, last or first) + DAY)


def new_year(year: int) -> Span:
    """The last day of the year before and the first of a year: the night between them is celebrated."""
    return span_of_days(date(year - 1, 12, 31), date(year, 1, 2))


def nth_weekday(month: int, weekday: int, number: int, plus: int = 0) -> Holiday:
    """Such as the fourth Thursday of November; the last one by the number -1; `plus` days after it."""

    def of_year(year: int) -> Span:
        if number > 0:
            start = date(year, month, 1)
            day = start + timedelta((weekday - start.weekday()) % 7 + 7 * (number - 1))
        else:
            end = date(year + month // 12, month % 12 + 1, 1) - DAY
            day = end - timedelta((end.weekday() - weekday) % 7)
        return single_day(day + plus * DAY)

    return of_year


def western_easter(first: int = 0, last: int | None = None) -> Holiday:
    """Days counted from Easter Sunday of the western churches."""
    return lambda year: _around(_gregorian_easter(year), first, last)


def orthodox_easter(first: int = 0, last: int | None = None) -> Holiday:
    """Days counted from Easter Sunday of the Orthodox churches."""
    return lambda year: _around(_julian_easter(year), first, last)


def _around(easter: date, first: int, last: int | None) -> Span:
    return span_of_days(easter + first * DAY, easter + ((first if last is None else last) + 1) * DAY)


def _gregorian_easter(year: int) -> date:
    """By the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, chapter 8)."""
    century, rest = divmod(year, 100)
    correction = (8 * century + 13) // 25
    epact = (19 * (year % 19) + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shifted = (year % 19 + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shifted + 114, 31)
    return date(year, month, day + 1)


def _julian_easter(year: int) -> date:
    """By Meeus' Julian algorithm, moved by the days that the two calendars differ in."""
    epact = (19 * (year % 19) + 15) % 30
    weekday = (2 * (year % 4) + 4 * (year % 7) - epact + 34) % 7
    month, day = divmod(epact + weekday + 114, 31)
    return date(year, month, day + 1) + timedelta(year // 100 - year // 400 - 2)
