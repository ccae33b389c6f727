"""What an expression of time means: an interval, and where the expression stands in its text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` up to `end`, which is not part of it, both in one time zone.

    "Before May" has no beginning: its start is the first moment a `datetime` can hold. "After Friday" of a coming week
    has no end: its end is the last such moment. So every interval can be compared like any other.
    """

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def has_beginning(self) -> bool:
        """Whether it excludes an earlier time."""
        return self.start.replace(tzinfo=None) > datetime.min  # noqa: DTZ901 - the zone has just been taken off


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """An expression of time in a text, and what it means."""

    interval: Interval
    start: int
    """Index of its first character."""
    end: int
    """Index after its last character."""
