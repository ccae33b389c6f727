"""Days, weeks, months and seasons, counted from today; what both languages' expressions are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` up to `end`, which is no longer part of it."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """Where a text says when, and when that is."""

    interval: Interval
    start: int
    """Index of its first character."""
    end: int
    """Index after its last."""


DayRange: TypeAlias = tuple[date, date]
"""The first day, and the first day after."""
DatePattern: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str], date], DayRange | None]]
"""A form, and what it means said on a day; None when it means nothing, as the 31st of February."""

SEASONS = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9}
"""The month each begins with."""


def find_earliest(patterns: Iterable[DatePattern], text: str, now: datetime) -> TimeExpression | None:
    """The first expression in a text that means something, the longest of those that begin there."""
    best: TimeExpression | None = None
    for pattern, days_of in patterns:
        for match in pattern.finditer(text):
            begin, end = match.span()
            if best is not None and (begin, -end) >= (best.start, -best.end):
                break
            if (days := _days_or_none(days_of, match, now.date())) is not None:
                start, after = (datetime.combine(day, time(), now.tzinfo) for day in days)
                best = TimeExpression(Interval(start, after), begin, end)
                break
    return best


def _days_or_none(
    days_of: Callable[[re.Match[str], date], DayRange | None], match: re.Match[str], today: date
) -> DayRange | None:
    try:
        return days_of(match, today)
    except (ValueError, OverflowError):  # beyond the years that there are
        return None


def single_day(value: date) -> DayRange:
    return value, value + timedelta(1)


def days_ago(today: date, count: int) -> DayRange:
    """The one day so many days ago."""
    return single_day(today - timedelta(count))


def week(today: date, back: int = 0) -> DayRange:
    """Monday to Sunday, so many weeks back."""
    monday = today - timedelta(today.weekday() + 7 * back)
    return monday, monday + timedelta(7)


def weekend(today: date, back: int = 0) -> DayRange:
    """Saturday and Sunday of the week so many weeks back."""
    monday, after = week(today, back)
    return monday + timedelta(5), after


def month(year: int, number: int) -> DayRange:
    """A calendar month; numbers beyond 1 to 12 reach into the years around."""
    year, number = year + (number - 1) // 12, (number - 1) % 12 + 1
    return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)


def year(number: int) -> DayRange:
    return date(number, 1, 1), date(number + 1, 1, 1)


def latest_month(today: date, number: int) -> DayRange:
    """The latest month of that name that has begun."""
    return month(today.year - (number > today.month), number)


def latest_date(today: date, month_number: int, day_number: int) -> DayRange | None:
    """The latest day of that name that is not to come."""
    for of_year in range(today.year, today.year - 8, -1):
        some = calendar_day(of_year, month_number, day_number)
        if some is not None and some[0] <= today:
            return some
    return None


def calendar_day(of_year: int, month_number: int, day_number: int) -> DayRange | None:
    """One day; None when the calendar has no such day."""
    try:
        return single_day(date(of_year, month_number, day_number))
    except ValueError:
        return None


def days_of_month(month_number: int, first: int, last: int, of_year: int | None, today: date) -> DayRange | None:
    """Some days of one month, the last among them; without a year the latest that have begun."""
    begun = calendar_day(of_year, month_number, first) if of_year else latest_date(today, month_number, first)
    ended = calendar_day(begun[0].year, month_number, last) if begun else None
    return (begun[0], ended[1]) if begun and ended and begun[0] < ended[1] else None


def last_weekday(today: date, number: int) -> DayRange:
    """The latest such day of the week before today; Monday is 0."""
    return single_day(today - timedelta((today.weekday() - number - 1) % 7 + 1))


def season(today: date, first_month: int, back: int = 0, of_year: int | None = None) -> DayRange:
    """The latest such season that has begun, or the one so many years before it; winter is of the year it begins in."""
    if of_year is None:
        of_year = today.year - (date(today.year, first_month, 1) > today) - back
    return month(of_year, first_month)[0], month(of_year, first_month + 2)[1]


def units_ago(today: date, count: int, unit: str) -> DayRange:
    """So many days, weeks, months or years ago: the vaguer the unit, the wider."""
    if unit == "day":
        return days_ago(today, count)
    if unit == "week":
        middle = today - timedelta(7 * count)
        return middle - timedelta(3), middle + timedelta(4)
    if unit == "month":
        return month(today.year, today.month - count)
    return year(today.year - count)


ONE_AND_A_HALF_UNITS = {"year": (18, "month"), "month": (6, "week"), "week": (10, "day")}
"""One and a half of a unit, in smaller ones."""


def past_units(today: date, count: int, unit: str) -> DayRange:
    """The days, weeks, months or years that lead up to today, today among them."""
    if unit == "year":
        start = month(today.year - count, today.month)[0]
    elif unit == "month":
        start = month(today.year, today.month - count)[0]
    else:
        start = today - timedelta(count * (7 if unit == "week" else 1))
    return start, today + timedelta(1)


def unit_before(days: DayRange, unit: str) -> DayRange:
    """The week, month or year that ends where other days begin."""
    start = days[0]
    if unit == "week":
        return start - timedelta(7), start
    if unit == "month":
        return month(start.year, start.month - 1)[0], start
    return date(start.year - 1, start.month, 1), start
