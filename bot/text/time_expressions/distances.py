"""Reads times by their distance from now: two weeks ago, in three days, over the last month, recently."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.text.time_expressions.counts import (
    Length,
    is_plural,
    read_count,
    read_inverted,
    read_length,
    read_single_unit,
    read_unit,
)
from bot.text.time_expressions.periods import Period, Point, Standing, fixed
from bot.text.time_expressions.spans import at_distance, from_now, until_now
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import Vocabulary

_FEW: Final = 3
"""What "the last days" counts."""
_CLOCK_UNITS: Final = ("second", "minute", "hour")


class DistanceReader:
    """Reads a distance from now at a place of a text."""

    def __init__(self, words: Words, vocabulary: Vocabulary, now: datetime) -> None:
        self._words = words
        self._vocabulary = vocabulary
        self._now = now

    def read(self, at: int) -> Point | None:
        """The longest distance that begins at an index."""
        readers = (self._ago, self._compound_ago, self._between_ago, self._ahead, self._last, self._coming, self._vague)
        found = [point for reader in readers if (point := reader(at)) is not None]
        return max(found, key=lambda point: point[1], default=None)

    def _ago(self, at: int) -> Point | None:
        """Three days ago, «неделю назад», «года два назад»."""
        for reader in (read_length, read_single_unit, read_inverted):
            length = reader(self._words, self._vocabulary, at)
            if length and (end := self._words.skip(self._vocabulary.ago, length[1])) > length[1]:
                return self._at_distance(length[0], -1), end
        return None

    def _compound_ago(self, at: int) -> Point | None:
        """A year and two months ago, «неделю и два дня назад»."""
        words, vocabulary = self._words, self._vocabulary
        first = read_length(words, vocabulary, at) or read_single_unit(words, vocabulary, at)
        after = words.skip(vocabulary.links, first[1]) if first else at
        second = read_length(words, vocabulary, after) if first and after > first[1] else None
        end = words.skip(vocabulary.ago, second[1]) if second else at
        if first is None or second is None or end == second[1]:
            return None
        (count, unit), _ = first
        start, stop = until_now(self._now, count, unit)
        distance = stop - start if unit in _CLOCK_UNITS else stop.date() - start.date()
        return fixed(at_distance(self._now - distance, -second[0][0], second[0][1])), end

    def _between_ago(self, at: int) -> Point | None:
        """Two or three days ago, «2–3 дня назад»."""
        first = read_count(self._words, self._vocabulary, at)
        if first is None:
            return None
        after = self._words.skip(self._vocabulary.links | self._vocabulary.to, first[1])
        far = read_length(self._words, self._vocabulary, after) if after > first[1] else None
        end = self._words.skip(self._vocabulary.ago, far[1]) if far else at
        if far is None or end == far[1]:
            return None
        (count, unit), _ = far
        start, _ = at_distance(self._now, -max(count, first[0]), unit)
        _, stop = at_distance(self._now, -min(count, first[0]), unit)
        return fixed((start, stop)), end

    def _ahead(self, at: int) -> Point | None:
        """In three days, «через неделю»."""
        after = self._words.skip(self._vocabulary.ahead, at)
        before = self._words.text(at - 1)
        if after == at or before in self._vocabulary.rates or before in self._vocabulary.units:
            return None
        length = read_length(self._words, self._vocabulary, after)
        length = length or read_single_unit(self._words, self._vocabulary, after)
        if length is None:
            return None
        return replace(self._at_distance(length[0], 1), standing=Standing.NOT_PAST), length[1]

    def _at_distance(self, length: Length, direction: int) -> Period:
        count, unit = length
        return fixed(at_distance(self._now, direction * count, unit), unit=unit, is_day=unit == "day")

    def _last(self, at: int) -> Point | None:
        """The time up to now: over the last six months, «за последнюю неделю»."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.span_prepositions, at)
        noun = words.skip(vocabulary.articles, start)
        found = words.find(vocabulary.past_spans, noun)
        if found is None:
            return None
        is_enough, after = found
        if length := read_length(words, vocabulary, after):
            return fixed(until_now(self._now, *length[0])), length[1]
        unit = read_unit(words, vocabulary, after)
        if unit is None:
            return None
        (count, name), end = unit
        if is_plural(words, vocabulary, end):
            return fixed(until_now(self._now, _FEW * count, name)), end
        # "In the last hour" and not "the last hour"; "over the last week" and not "last week".
        has_preposition = start > at and (noun > start or is_enough)
        is_long = name not in (*_CLOCK_UNITS, "day")
        if not has_preposition and not (is_enough and is_long) and count == 1:
            return None
        return fixed(until_now(self._now, count, name)), end

    def _coming(self, at: int) -> Point | None:
        """The time from now on: in the next three weeks, «в ближайшие дни»."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.span_prepositions, at)
        noun = words.skip(vocabulary.articles, start)
        found = words.find(vocabulary.coming_spans, noun)
        if found is None:
            return None
        is_enough, after = found
        if length := read_length(words, vocabulary, after):
            return fixed(from_now(self._now, *length[0])), length[1]
        unit = read_unit(words, vocabulary, after)
        if unit is None:
            return None
        (count, name), end = unit
        if is_plural(words, vocabulary, end):
            return fixed(from_now(self._now, _FEW * count, name)), end
        has_preposition = start > at and (noun > start or is_enough)
        return (fixed(from_now(self._now, count, name)), end) if has_preposition else None

    def _vague(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.vague, at)
        if found is None:
            return None
        length, end = found
        past, ahead = until_now(self._now, *length), from_now(self._now, *length)
        return replace(fixed(past), ahead=ahead), end
