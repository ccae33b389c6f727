"""Stretches of the local calendar, without a time zone: days, weeks, months, and the ways to cut and to move them."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, TypeAlias

Unit: TypeAlias = Literal["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
Span: TypeAlias = tuple[datetime, datetime]
"""Its first moment and the first after it, by the local clock."""

DAY: Final = timedelta(1)
_MONTHS: Final[dict[Unit, int]] = {"month": 1, "quarter": 3, "year": 12}
_SHORTEST: Final = timedelta(minutes=10)
_DAYS: Final[dict[Unit, int]] = {"day": 1, "week": 7}
_CLOCK_UNITS: Final[dict[Unit, timedelta]] = {
    "second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1),
}  # fmt: skip


def midnight(day: date) -> datetime:
    """The local moment a day begins."""
    return datetime.combine(day, time())


def span_of_days(first: date, after: date) -> Span:
    """From a day up to another, which is not part of it."""
    return midnight(first), midnight(after)


def single_day(day: date) -> Span:
    """One day."""
    return span_of_days(day, day + DAY)


def unit_index(unit: Unit, day: date) -> int:
    """The number of the day, week, month, quarter or year that a day is in; the next one has the next number."""
    if unit == "day":
        return day.toordinal()
    if unit == "week":
        return (day.toordinal() - 1) // 7
    return (day.year * 12 + day.month - 1) // _MONTHS[unit]


def whole_unit(unit: Unit, index: int) -> Span:
    """A day, a week from Monday, a month, a quarter or a year by its number (`unit_index`)."""
    if unit == "day":
        return single_day(date.fromordinal(index))
    if unit == "week":
        monday = date.fromordinal(index * 7 + 1)
        return span_of_days(monday, monday + 7 * DAY)
    size = _MONTHS[unit]
    return span_of_days(_month_start(index * size), _month_start((index + 1) * size))


def months(year: int, first: int, count: int) -> Span:
    """`count` months from the month `first` of a year; a month above 12 is one of the next year."""
    index = year * 12 + first - 1
    return span_of_days(_month_start(index), _month_start(index + count))


def shift(day: date, count: int, unit: Unit) -> date:
    """A day moved by whole units; the 31st becomes the last day of a month that has none."""
    if unit in _MONTHS:
        start = _month_start(day.year * 12 + day.month - 1 + count * _MONTHS[unit])
        return start.replace(day=min(day.day, monthrange(start.year, start.month)[1]))
    return day + timedelta(count * (7 if unit == "week" else 1))


def at_distance(now: datetime, count: float, unit: Unit) -> Span:
    """What lies `count` units from now, before it if negative: the longer the unit, the wider the span.

    Minutes are the ten around that moment, an hour the hour around it, a day that day, a week the seven days around it,
    a month or year all of it.
    With half a unit it is the span of the next smaller one.
    """
    if length := _CLOCK_UNITS.get(unit):
        middle, width = length * count, max(length, _SHORTEST)
        return _local_moment(now, middle - width / 2), _local_moment(now, middle + width / 2)
    count, unit = _in_months(count, unit)
    if unit == "day" or (unit in _MONTHS and count == int(count)):
        return whole_unit(unit, unit_index(unit, now.date()) + int(count))
    middle_day = distant_day(now.date(), count, unit)
    return span_of_days(middle_day - 3 * DAY, middle_day + 4 * DAY)


def distant_day(today: date, count: float, unit: Unit) -> date:
    """The day `count` days, weeks, months or years from today; half a month is 15 days."""
    count, unit = _in_months(count, unit)
    rest = count - int(count)
    return shift(today, int(count), unit) + timedelta(int(rest * _DAYS.get(unit, 30)))


def until_now(now: datetime, count: float, unit: Unit) -> Span:
    """The last `count` units up to now; days, weeks, months and years from the beginning of a day on."""
    local = now.replace(tzinfo=None)
    if length := _CLOCK_UNITS.get(unit):
        return _local_moment(now, -length * count), local
    return midnight(distant_day(now.date(), -count, unit)), local


def from_now(now: datetime, count: float, unit: Unit) -> Span:
    """The next `count` units from now on; days, weeks, months and years up to the end of a day."""
    local = now.replace(tzinfo=None)
    if length := _CLOCK_UNITS.get(unit):
        return local, _local_moment(now, length * count)
    return local, midnight(distant_day(now.date(), count, unit) + DAY)


def third(span: Span, which: int) -> Span | None:
    """The beginning (0), middle (1) or end (2) of a week, month, season, quarter, year or decade; None of others.

    A year begins with its first three months and ends with its last three; in between is its middle.
    """
    first, after = span[0].date(), span[1].date()
    days = (after - first).days
    if days == 7:
        cuts = [first + count * DAY for count in (0, 2, 4)]
    elif 28 <= days <= 31:
        cuts = [first + count * DAY for count in (0, 10, 20)]
    elif 89 <= days <= 92:
        cuts = [shift(first, count, "month") for count in (0, 1, 2)]
    elif days in (365, 366):
        cuts = [shift(first, count, "month") for count in (0, 3, 9)]
    elif days > 3650:
        cuts = [shift(first, count, "year") for count in (0, 3, 7)]
    else:
        return None
    return span_of_days(cuts[which], [*cuts, after][which + 1])


def half(span: Span, which: int) -> Span | None:
    """The first (0) or second (1) half of a month or year; None of anything else."""
    first, after = span[0].date(), span[1].date()
    days = (after - first).days
    if 28 <= days <= 31:
        middle = first + 15 * DAY
    elif days in (365, 366):
        middle = shift(first, 6, "month")
    else:
        return None
    return span_of_days(middle, after) if which else span_of_days(first, middle)


def _month_start(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def _local_moment(now: datetime, distance: timedelta) -> datetime:
    """The local moment so much of real time from now: an hour that the clocks skip does not count."""
    return (now.astimezone(UTC) + distance).astimezone(now.tzinfo).replace(tzinfo=None)


def _in_months(count: float, unit: Unit) -> tuple[float, Unit]:
    """Years and quarters that are not whole, in months: a year and a half is 18 months."""
    if count != int(count) and unit in ("year", "quarter"):
        return round(count * _MONTHS[unit]), "month"
    return count, unit
