"""Expressions of time in what people write, in Russian and English, as intervals."""

from __future__ import annotations

from datetime import datetime

from bot.text.time_expressions.english import ENGLISH_PATTERNS
from bot.text.time_expressions.intervals import Interval, TimeExpression, find_earliest
from bot.text.time_expressions.russian import RUSSIAN_PATTERNS

__all__ = ["Interval", "TimeExpression", "find_time_expression"]

MAX_CHARACTERS = 1000
"""Characters of a text that are searched."""


def find_time_expression(text: str, now: datetime) -> TimeExpression | None:
    """The first expression of time in a text; of two that begin at the same place, the longer.

    Args:
        text: its first `MAX_CHARACTERS` count.
        now: with a time zone; days begin and end in it.
    """
    return find_earliest((*ENGLISH_PATTERNS, *RUSSIAN_PATTERNS), text[:MAX_CHARACTERS], now)
