"""Finds the first expression of time in a text."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.text.numerals import parse_numeral
from bot.text.time_expressions.english import ENGLISH
from bot.text.time_expressions.grammar import Expression, ExpressionReader
from bot.text.time_expressions.intervals import Interval, TimeExpression
from bot.text.time_expressions.periods import Standing, Tense
from bot.text.time_expressions.russian import RUSSIAN
from bot.text.time_expressions.tense import tense_at
from bot.text.time_expressions.tokens import Words, tokenise
from bot.text.time_expressions.vocabulary import first_words, join

MAX_CHARACTERS: Final = 1000
"""Characters of a text that are searched."""
_VOCABULARY: Final = join((ENGLISH, RUSSIAN))
_FIRST_WORDS: Final = first_words(_VOCABULARY)


def find_time_expression(text: str, now: datetime) -> TimeExpression | None:
    """The first expression of time in a text; of two that begin at the same place, the longer.

    What comes around again, as May and Friday do, is the latest, or with a future verb the next.

    Args:
        text: its first `MAX_CHARACTERS` count.
        now: with a time zone; days begin and end in it.
    """
    text = text[:MAX_CHARACTERS]
    words = Words(tokenise(text))
    reader = ExpressionReader(words, _VOCABULARY, now)
    at = 0
    while at < len(words.tokens):
        expression = _read(reader, at) if _may_begin(words, at) else None
        if expression is None:
            at += 1
            continue
        start, end = words.tokens[at].start, words.tokens[expression.end - 1].end
        tense = tense_at(text, start, end, since=expression.is_since)
        if not _is_about_time(expression, tense):
            at += 1
            continue
        if tense is Tense.UNKNOWN and expression.is_for:
            tense = Tense.FUTURE
        if interval := _interval(expression, now, tense):
            return TimeExpression(interval, start, end)
        # A day that does not exist is no day, and neither are the words that are left of it without its number.
        at = expression.end
    return None


def _may_begin(words: Words, at: int) -> bool:
    """Whether an expression may begin at an index; for most words of a text this spares the reading."""
    text = words.text(at)
    return text in _FIRST_WORDS or text[0].isdigit() or parse_numeral(words.texts, at) is not None


def _read(reader: ExpressionReader, at: int) -> Expression | None:
    try:
        return reader.read(at)
    except (ValueError, OverflowError):
        # Beyond the years a date can have.
        return None


def _is_about_time(expression: Expression, tense: Tense) -> bool:
    if expression.standing is Standing.VERB:
        return tense is not Tense.UNKNOWN
    return expression.standing is not Standing.NOT_PAST or tense is not Tense.PAST


def _interval(expression: Expression, now: datetime, tense: Tense) -> Interval | None:
    try:
        span = expression.meaning(now, tense)
        if span is None or span[0] >= span[1]:
            return None
        return Interval(span[0].replace(tzinfo=now.tzinfo), span[1].replace(tzinfo=now.tzinfo))
    except (ValueError, OverflowError):
        return None
