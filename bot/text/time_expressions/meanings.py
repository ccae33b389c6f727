"""What ranges and times without a beginning or an end mean, by when they are said and the tense of the question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from bot.text.time_expressions.numbers_of_dates import day_of_year
from bot.text.time_expressions.periods import Period, Tense, choose, latest, latest_ended, next_one
from bot.text.time_expressions.spans import Span, Unit, at_distance, midnight, shift, unit_index

BEGINNING: Final = datetime.min  # noqa: DTZ901 - local time, like every span
END: Final = datetime.max  # noqa: DTZ901
Meaning: TypeAlias = Callable[[datetime, Tense], Span | None]
"""What an expression means, by the time it is used at and the tense of its question."""


def since_meaning(period: Period) -> Meaning:
    """From the beginning of a period up to now, or without an end if it is to come."""

    def meaning(now: datetime, tense: Tense) -> Span | None:
        span = choose(period, now, tense)
        return (span[0], _end_of_open(span[0], now)) if span else None

    return meaning


def after_meaning(period: Period) -> Meaning:
    """From the end of a period up to now, or without an end if it is to come."""

    def meaning(now: datetime, tense: Tense) -> Span | None:
        is_past = tense is not Tense.FUTURE and not period.is_certain
        span = latest_ended(period, now) if is_past else choose(period, now, tense)
        return (span[1], _end_of_open(span[1], now)) if span else None

    return meaning


def _end_of_open(start: datetime, now: datetime) -> datetime:
    """Now, for what has begun; what is to come has no end."""
    local = now.replace(tzinfo=None)
    return END if start > local else local


def up_to(span: Span | None, edge: int, now: datetime, tense: Tense) -> Span | None:
    """All before the start (0) or the end (1) of a span; with a future verb, from now on."""
    if span is None:
        return None
    local = now.replace(tzinfo=None)
    is_ahead = tense is Tense.FUTURE and span[edge] > local
    return local if is_ahead else BEGINNING, span[edge]


def range_of(earlier: Period, later: Period, now: datetime, tense: Tense) -> Span | None:
    """From one period to the end of another.

    What is uncertain fits what is certain. Of two that are not, a past range is the latest of which both have begun,
    and a future one the first that has not begun.
    """
    if earlier.is_certain or (tense is Tense.FUTURE and not later.is_certain):
        first = choose(earlier, now, tense)
        if first is None:
            return None
        last = choose(later, now, tense) if later.is_certain else next_one(later, now, first[0])
    else:
        last = choose(later, now, tense)
        first = latest(earlier, now, last[0]) if last else None
    return (first[0], last[1]) if first and last else None


def days_up_to(first: int, last: Span | None) -> Span | None:
    """From a day of a month up to a later day, in the month before if its number is higher."""
    if last is None:
        return None
    day = last[0].date()
    month = day.replace(day=1) if first <= day.day else shift(day.replace(day=1), -1, "month")
    start = day_of_year(month.year, month.month, first)
    return (midnight(start), last[1]) if start else None


def beside(span: Span, direction: int, length: tuple[float, Unit], now: datetime, *, is_whole: bool) -> Span:
    """What lies a length before (-1) or after (1) a span, or all of the length between."""
    count, unit = length
    if is_whole:
        return _next_to(span, direction, int(count), unit)
    edge = span[0] if direction < 0 else span[1] - timedelta.resolution
    return at_distance(edge.replace(tzinfo=now.tzinfo), direction * count, unit)


def _next_to(span: Span, direction: int, count: int, unit: Unit) -> Span:
    """The units right before or after a span."""
    if unit in ("second", "minute", "hour"):
        length = count * timedelta(**{f"{unit}s": 1})
        return (span[0] - length, span[0]) if direction < 0 else (span[1], span[1] + length)
    if direction < 0:
        return midnight(shift(span[0].date(), -count, unit)), span[0]
    return span[1], midnight(shift(span[1].date(), count, unit))


def are_neighbours(first: Period, last: Period, now: datetime) -> bool:
    """Whether two periods lie side by side, in one turn or in two."""
    if last.cycle is None:
        end = last.occurrence(0)
        return end is not None and (start := latest(first, now, end[0])) is not None and start[1] == end[0]
    if first.cycle is None or first.cycle != last.cycle or first.which or last.which:
        return False
    turn = unit_index(first.cycle, now.date())
    start = first.occurrence(turn)
    return start is not None and any(
        span is not None and span[0] == start[1] for span in map(last.occurrence, (turn, turn + 1))
    )
