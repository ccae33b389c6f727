"""Days, weeks, months and seasons, counted from today: what the expressions of both languages mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` up to `end`, which is not part of it."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """An expression of time in a text, and what it means."""

    interval: Interval
    start: int
    """Index of its first character."""
    end: int
    """Index after its last character."""


DayRange: TypeAlias = tuple[date, date]
"""The first day, and the day after the last."""
DatePattern: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str], date], DayRange | None]]
"""An expression, and what it means on a given day; None when it means nothing, as the 31st of February."""

ONE_AND_A_HALF_UNITS: Final = {"year": (18, "month"), "month": (6, "week"), "week": (10, "day")}
"""One and a half of a unit, in smaller ones."""


def find_earliest(patterns: Iterable[DatePattern], text: str, now: datetime) -> TimeExpression | None:
    """The first expression in a text that means something; of those that begin at one place, the longest."""
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
    except (ValueError, OverflowError, LookupError):
        # Beyond the years a date can have, or a letter that a case-insensitive pattern takes for another: wınter.
        return None


def single_day(value: date) -> DayRange:
    return value, value + timedelta(1)


def days_ago(today: date, count: int) -> DayRange:
    """The one day `count` days ago."""
    return single_day(today - timedelta(count))


def week(today: date, back: int = 0) -> DayRange:
    """Monday to Sunday, `back` weeks before this week."""
    monday = today - timedelta(today.weekday() + 7 * back)
    return monday, monday + timedelta(7)


def weekend(today: date, back: int = 0) -> DayRange:
    """Saturday and Sunday, `back` weeks before this week."""
    monday, after = week(today, back)
    return monday + timedelta(5), after


def month(year: int, number: int) -> DayRange:
    """A calendar month; a number beyond 1 to 12 is a month of an earlier or later year."""
    year, number = year + (number - 1) // 12, (number - 1) % 12 + 1
    return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)


def year(number: int) -> DayRange:
    return date(number, 1, 1), date(number + 1, 1, 1)


def latest_month(today: date, number: int) -> DayRange:
    """The latest month with this number that has begun."""
    return month(today.year - (number > today.month), number)


def latest_date(today: date, month_number: int, day_number: int) -> DayRange | None:
    """The latest day with this date that is not in the future; None when no year has it."""
    # The 29th of February is at most eight years apart.
    for of_year in range(today.year, today.year - 8, -1):
        days = calendar_day(of_year, month_number, day_number)
        if days is not None and days[0] <= today:
            return days
    return None


def calendar_day(of_year: int, month_number: int, day_number: int) -> DayRange | None:
    """One day; None when the calendar has no such day."""
    try:
        return single_day(date(of_year, month_number, day_number))
    except ValueError:
        return None


def days_of_month(month_number: int, *, first: int, last: int, of_year: int | None, today: date) -> DayRange | None:
    """The days `first` to `last` of a month, both included; without a year, the latest that have begun."""
    start = calendar_day(of_year, month_number, first) if of_year else latest_date(today, month_number, first)
    end = calendar_day(start[0].year, month_number, last) if start else None
    return (start[0], end[1]) if start and end and start[0] < end[1] else None


def last_weekday(today: date, number: int) -> DayRange:
    """The latest day before today with this number in the week; Monday is 0."""
    return single_day(today - timedelta((today.weekday() - number - 1) % 7 + 1))


def season(today: date, first_month: int, back: int = 0, of_year: int | None = None) -> DayRange:
    """The season of three months that begins with `first_month`: of a year, or the latest that has begun.

    Args:
        back: years before the latest.
        of_year: in which it begins, so that winter is of the year of its December.
    """
    if of_year is None:
        of_year = today.year - (date(today.year, first_month, 1) > today) - back
    return month(of_year, first_month)[0], month(of_year, first_month + 2)[1]


def units_ago(today: date, count: int, unit: str) -> DayRange:
    """`count` days, weeks, months or years ago: the longer the unit, the wider the range."""
    if unit == "day":
        return days_ago(today, count)
    if unit == "week":
        middle = today - timedelta(7 * count)
        return middle - timedelta(3), middle + timedelta(4)
    if unit == "month":
        return month(today.year, today.month - count)
    return year(today.year - count)


def past_units(today: date, count: int, unit: str) -> DayRange:
    """The last `count` days, weeks, months or years, up to today and including it."""
    if unit == "year":
        start = month(today.year - count, today.month)[0]
    elif unit == "month":
        start = month(today.year, today.month - count)[0]
    else:
        start = today - timedelta(count * (7 if unit == "week" else 1))
    return start, today + timedelta(1)


def unit_before(days: DayRange, unit: str) -> DayRange:
    """The week, month or year that ends where `days` begin."""
    start = days[0]
    if unit == "week":
        return start - timedelta(7), start
    if unit == "month":
        return month(start.year, start.month - 1)[0], start
    return date(start.year - 1, start.month, 1), start
