"""Reads parts of a month by their number: the first week of May, its last Monday, «первые три дня июня»."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.text.time_expressions.counts import is_plural, read_length
from bot.text.time_expressions.periods import Point, Standing
from bot.text.time_expressions.spans import DAY, Span, Unit, shift, single_day, span_of_days
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import Vocabulary


def read_nth(words: Words, vocabulary: Vocabulary, read_month: Callable[[int], Point | None], at: int) -> Point | None:
    """What begins at an index, and the index after it; the month may be narrowed further: of last year."""
    start = words.skip(vocabulary.articles, at)
    number = words.find(vocabulary.ordinals, start) or _last(words, vocabulary, start)
    if number is None:
        return None
    count, noun = number
    change = _change(words, vocabulary, noun, count)
    if change is None:
        return None
    (part_of, is_day), end = change
    month = read_month(words.skip(vocabulary.prepositions, end))
    return (replace(month[0].map(part_of, Standing.ALONE), is_day=is_day), month[1]) if month else None


def read_first_units(
    words: Words, vocabulary: Vocabulary, read_whole: Callable[[int], Point | None], at: int
) -> Point | None:
    """The first or last units of a month, season or year: the first two weeks of May."""
    start = words.skip(vocabulary.articles, at)
    first, last = words.skip(vocabulary.first_of, start), words.skip(vocabulary.last_of, start)
    length = read_length(words, vocabulary, max(first, last)) if max(first, last) > start else None
    if length is None:
        return None
    (count, unit), end = length
    whole = read_whole(words.skip(vocabulary.articles, words.skip(vocabulary.prepositions, end)))
    if whole is None or unit not in ("day", "week", "month"):
        return None
    from_end = last > start
    return whole[0].map(lambda span: _edge(span, int(count), unit, from_end=from_end), Standing.ALONE), whole[1]


def _edge(span: Span, count: int, unit: Unit, *, from_end: bool) -> Span | None:
    """So many units of a span, from its beginning or before its end; None if it has no more than that."""
    first, after = span[0].date(), span[1].date()
    cut = shift(after, -count, unit) if from_end else shift(first, count, unit)
    if not first < cut < after:
        return None
    return span_of_days(cut, after) if from_end else span_of_days(first, cut)


def _last(words: Words, vocabulary: Vocabulary, at: int) -> tuple[int, int] | None:
    end = words.skip(vocabulary.last_of, at)
    return (-1, end) if end > at else None


def _change(
    words: Words, vocabulary: Vocabulary, at: int, count: int
) -> tuple[tuple[Callable[[Span], Span | None], bool], int] | None:
    """What the noun takes of a month, whether that is a day, and the index after the noun."""
    if weekday := words.find(vocabulary.weekdays, at):
        number, end = weekday
        return (lambda month: _nth_weekday(month, number, count), True), end
    unit = words.find(vocabulary.units, at)
    if unit and unit[0] in ((1, "week"), (1, "day")) and not is_plural(words, vocabulary, unit[1]):
        days = 7 if unit[0][1] == "week" else 1
        return (lambda month: _nth_days(month, days, count), days == 1), unit[1]
    return None


def _nth_weekday(month: Span, weekday: int, number: int) -> Span | None:
    days = [month[0] + index * DAY for index in range((month[1] - month[0]).days)]
    found = [day for day in days if day.weekday() == weekday]
    index = number - 1 if number > 0 else number
    return single_day(found[index].date()) if index < len(found) else None


def _nth_days(month: Span, days: int, number: int) -> Span | None:
    """The days 1 to 7, 8 to 14 and so on, or the last seven; single days likewise."""
    first, after = month[0].date(), month[1].date()
    start = first + (number - 1) * days * DAY if number > 0 else after - days * DAY
    return span_of_days(start, min(start + days * DAY, after)) if start < after else None
