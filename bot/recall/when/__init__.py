"""Expressions of time in what people write, in Russian and English, as intervals."""

from __future__ import annotations

from datetime import datetime

from bot.recall.when.calendar import Interval, TimeExpression, earliest
from bot.recall.when.english import ENGLISH
from bot.recall.when.russian import RUSSIAN

__all__ = ["Interval", "TimeExpression", "find_time"]

HEAD = 1000
"""Characters of a text that are looked at."""


def find_time(text: str, now: datetime) -> TimeExpression | None:
    """The time a text speaks of: its first such expression, and of two that begin together the longer.

    Args:
        text: a question, say; its first thousand characters count.
        now: with a zone; days begin and end in it.
    """
    return earliest((*ENGLISH, *RUSSIAN), text[:HEAD], now)
