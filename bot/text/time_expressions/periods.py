"""Periods that come around again, as May and Friday do, and the choice of the one that is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from typing import Final, TypeAlias

from bot.text.time_expressions.spans import DAY, Span, Unit, midnight, unit_index, whole_unit
from bot.text.time_expressions.vocabulary import Which

_REACH: Final = 12
"""Turns of a cycle in which an occurrence is looked for: the 29th of February may be eight years away."""


class Tense(Enum):
    """What a question is about, by its verbs."""

    PAST = "past"
    FUTURE = "future"
    UNKNOWN = "unknown"
    """It has no verb that tells. Memory is of the past, so this counts as past where one must be chosen."""


class Standing(Enum):
    """What must stand before the words of a period, so that they are surely about time."""

    ALONE = "nothing"
    NOUN = "a preposition"
    """As in "in the fall"."""
    NAME = "a preposition without an article"
    """As in "in March", and not in "the march"."""
    NUMBER = "a preposition of time"
    """As in "in 2024", and not in "for 2024"."""
    VERB = "anything, but the question has a verb that tells its tense"
    """As in "did I run in the morning", and not in "is it good to run in the morning"."""
    NOT_PAST = "anything, but the question is not about the past"
    """As in "in two days", and not in "I built it in two days"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period of time, or one of each turn of a cycle."""

    occurrence: Callable[[int], Span | None]
    """The one of the turn with this number (`spans.unit_index`); None if that turn has none, as the 31st of a month."""
    cycle: Unit | None = None
    """What it comes around in; None if there is only one."""
    unit: Unit | None = None
    """What it fills from beginning to end."""
    is_day: bool = False
    is_never_today: bool = False
    """Weekdays: on Friday, "on Friday" is another Friday."""
    which: Which | None = None
    """The word that tells which occurrence is meant, if there is one."""
    ahead: Span | None = None
    """What it is with a future verb instead, where that is something else."""
    standing: Standing = Standing.ALONE

    @property
    def is_certain(self) -> bool:
        """Whether it is the same, whatever else the question says."""
        return self.cycle is None or self.which is not None

    def map(self, change: Callable[[Span], Span | None], standing: Standing | None = None) -> Period:
        """A period made of each occurrence of this one, as its evening is."""

        def changed(index: int) -> Span | None:
            span = self.occurrence(index)
            return change(span) if span else None

        return replace(
            self, occurrence=changed, unit=None, is_day=False, standing=self.standing if standing is None else standing
        )


Point: TypeAlias = tuple[Period, int]
"""A period that was read, and the index after its last word."""


def fixed(span: Span | None, *, unit: Unit | None = None, is_day: bool = False) -> Period:
    """A period there is only one of; None for one there is not."""
    return Period(occurrence=lambda _: span, unit=unit, is_day=is_day)


def of_turn(period: Period, turn: Span) -> Period:
    """The occurrence in one turn of the cycle: May of last year."""
    assert period.cycle is not None
    # The middle: "a week ago" is the seven days around a day, and lies in two weeks of the calendar.
    middle = turn[0] + (turn[1] - turn[0]) / 2
    return fixed(period.occurrence(unit_index(period.cycle, middle.date())), is_day=period.is_day)


def current(period: Period, now: datetime) -> Span | None:
    """The occurrence of the turn that now is in."""
    return period.occurrence(_turn(period, now))


def latest(period: Period, now: datetime, limit: datetime | None = None) -> Span | None:
    """The latest occurrence that has begun, or that begins at a limit or earlier."""
    limit = limit or (midnight(now.date()) - timedelta.resolution if period.is_never_today else _local(now))
    return next((span for span in _backwards(period, now) if span[0] <= limit), None)


def latest_ended(period: Period, now: datetime) -> Span | None:
    """The latest occurrence that is over."""
    return next((span for span in _backwards(period, now) if span[1] <= _local(now)), None)


def next_one(period: Period, now: datetime, limit: datetime | None = None) -> Span | None:
    """The first occurrence that is not over, or that begins at a limit or later."""
    if limit is None and period.is_never_today:
        limit = midnight(now.date() + DAY)
    spans = _forwards(period, now)
    if limit is not None:
        return next((span for span in spans if span[0] >= limit), None)
    return next((span for span in spans if span[1] > _local(now)), None)


def choose(period: Period, now: datetime, tense: Tense) -> Span | None:
    """The occurrence that is meant."""
    if period.which is not None:
        return _by_word(period, period.which, now, tense)
    if period.cycle is None:
        return (period.ahead if tense is Tense.FUTURE else None) or period.occurrence(0)
    return next_one(period, now) if tense is Tense.FUTURE else latest(period, now)


def _by_word(period: Period, which: Which, now: datetime, tense: Tense) -> Span | None:
    """The occurrence that a word such as "last" or "next" tells."""
    if which == "this":
        return _this_one(period, now, tense)
    if which in ("last", "before last"):
        limit = midnight(now.date()) if period.is_never_today else _local(now)
        ended = (span for span in _backwards(period, now) if span[1] <= limit)
        return next(islice(ended, int(which == "before last"), None), None)
    if period.cycle == "week" and which != "coming":
        return period.occurrence(_turn(period, now) + 1 + (which == "after next"))
    ahead = (span for span in _forwards(period, now) if span[0] > _local(now))
    return next(islice(ahead, int(which == "after next"), None), None)


def _this_one(period: Period, now: datetime, tense: Tense) -> Span | None:
    """The occurrence that is on, or the nearest in this turn of the cycle unless the tense contradicts.

    Two winters lie in a year: in March "this winter" is the one that has just ended, and in November the coming one.
    """
    assert period.cycle is not None
    local, spans = _local(now), list(_backwards(period, now))
    turn = whole_unit(period.cycle, _turn(period, now))
    near = [span for span in spans if span[0] < turn[1] and span[1] > turn[0]]
    span = min(near, key=lambda span: max(span[0] - local, local - span[1]), default=None)
    if tense is Tense.PAST and (span is None or span[0] > local):
        return latest(period, now)
    if tense is Tense.FUTURE and (span is None or span[1] <= local):
        return next_one(period, now)
    return span


def _local(now: datetime) -> datetime:
    return now.replace(tzinfo=None)


def _turn(period: Period, now: datetime) -> int:
    return unit_index(period.cycle, now.date()) if period.cycle else 0


def _backwards(period: Period, now: datetime) -> Iterator[Span]:
    turn = _turn(period, now)
    return _occurrences(period, range(turn + 1, turn - _REACH, -1))


def _forwards(period: Period, now: datetime) -> Iterator[Span]:
    turn = _turn(period, now)
    return _occurrences(period, range(turn - 1, turn + _REACH))


def _occurrences(period: Period, turns: Iterable[int]) -> Iterator[Span]:
    for turn in turns:
        try:
            span = period.occurrence(turn)
        except (ValueError, OverflowError):
            # Beyond the years a date can have.
            continue
        if span is not None:
            yield span
