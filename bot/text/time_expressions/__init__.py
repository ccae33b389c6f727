"""Expressions of time in what people write, in Russian and English, as intervals."""

from __future__ import annotations

from bot.text.time_expressions.finding import find_time_expression
from bot.text.time_expressions.intervals import Interval, TimeExpression

__all__ = ["Interval", "TimeExpression", "find_time_expression"]
