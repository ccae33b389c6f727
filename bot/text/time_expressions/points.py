"""Reads one period, whatever is put together to say it: «утром 5 мая прошлого года», "early last summer"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.text.time_expressions.distances import DistanceReader
from bot.text.time_expressions.names import NameReader
from bot.text.time_expressions.periods import Period, Point, Standing, current, of_turn
from bot.text.time_expressions.spans import DAY, Span, half, single_day, third
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import NIGHT, Vocabulary

_POSSESSIVE: Final = frozenset(("'s",))
_COMMA: Final = frozenset((",",))
_HYPHEN: Final = frozenset(("-",))


class PointReader:
    """Reads a period at a place of a text, with all that narrows it."""

    def __init__(self, words: Words, vocabulary: Vocabulary, now: datetime) -> None:
        self._words = words
        self._now = now
        self._vocabulary = vocabulary
        self.names: Final = NameReader(words, vocabulary, now)
        self._known: Final[dict[int, Point | None]] = {}
        self._distances = DistanceReader(words, vocabulary, now)

    def read(self, at: int) -> Point | None:
        """The longest period whose words begin at an index."""
        if at not in self._known:
            self._known[at] = None
            self._known[at] = self._read_anew(at)
        return self._known[at]

    def read_after_link(self, at: int) -> Point | None:
        """The period after a word such as "before", which stands for a preposition."""
        words, vocabulary = self._words, self._vocabulary
        noun = words.skip(vocabulary.articles, at)
        if words.starts(vocabulary.each, at) or (noun > at and words.starts(vocabulary.ambiguous_nouns, noun)):
            return None
        point = self.read(at) or self.read(noun)
        if point is None or (point[0].standing in (Standing.NOT_PAST, Standing.VERB) and not point[0].is_day):
            return None
        return None if point[0].standing is Standing.NAME and noun > at else point

    def narrow_all(self, period: Period, end: int) -> Point:
        """A period with all that follows it and narrows it."""
        while (narrowed := self._narrow(period, end)) is not None:
            period, end = narrowed
        after = self._words.skip(_POSSESSIVE, end)
        if after > end and period.standing in (Standing.NOUN, Standing.VERB):
            period = replace(period, standing=Standing.ALONE)
        return period, after

    def _read_anew(self, at: int) -> Point | None:
        readers: tuple[Callable[[int], Point | None], ...] = (
            self._distances.read,
            self.names.read,
            self._third,
            self._half,
            self._part_of_named_day,
            self._night_before,
            self._eve,
        )
        found = [point for reader in readers if (point := reader(at)) is not None]
        point = max(found, key=lambda point: point[1], default=None)
        return self.narrow_all(*point) if point else None

    def skip_link(self, at: int) -> int:
        """The index after what may stand between the parts of one period: of, on the."""
        vocabulary = self._vocabulary
        after = self._words.skip(vocabulary.of, at)
        if after == at:
            after = self._words.skip(vocabulary.prepositions, at)
        return self._words.skip(vocabulary.articles, after)

    def _third(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.thirds, self._words.skip(self._vocabulary.articles, at))
        if found is None:
            return None
        which, after = found
        return self._map_inner(self._words.skip(_HYPHEN, after), lambda span: third(span, which))

    def _half(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.halves, self._words.skip(self._vocabulary.articles, at))
        if found is None:
            return None
        which, after = found
        return self._map_inner(after, lambda span: half(span, which))

    def _map_inner(self, at: int, change: Callable[[Span], Span | None]) -> Point | None:
        """A part of the longer period that follows."""
        inner = self.read(at)
        after_article = self._words.skip(self._vocabulary.articles, at)
        if inner is None:
            inner = self.read(after_article) or self.names.bare_unit(after_article)
        example = current(inner[0], self._now) if inner else None
        if inner is None or example is None or change(example) is None:
            return None
        return inner[0].map(change, Standing.ALONE), inner[1]

    def _part_of_named_day(self, at: int) -> Point | None:
        """A part of a day before the day: the morning of May 5."""
        found = self._words.find(self._vocabulary.parts, self._words.skip(self._vocabulary.articles, at))
        if found is None:
            return None
        part, after = found
        day = self.read(self.skip_link(after)) or self.read(after)
        return (day[0].map(part.of, Standing.ALONE), day[1]) if day and day[0].is_day else None

    def _night_before(self, at: int) -> Point | None:
        after = self._words.skip(self._vocabulary.night_before, at)
        day = self.read(after) if after > at else self._second_day_of_night(at)
        if day is None or not day[0].is_day:
            return None
        return day[0].map(lambda span: NIGHT.of((span[0] - DAY, span[0])), Standing.ALONE), day[1]

    def _second_day_of_night(self, at: int) -> Point | None:
        """The second of the two days that a night is between: «в ночь с пятницы на субботу»."""
        after = self._words.skip(self._vocabulary.night_between, at)
        first = self.read(after) if after > at else None
        return self.read(self._words.skip(self._vocabulary.prepositions, first[1])) if first else None

    def _eve(self, at: int) -> Point | None:
        start = self._words.skip(self._vocabulary.articles, at)
        after = self._words.skip(self._vocabulary.eves, start)
        day = self.read(self._words.skip(self._vocabulary.articles, after)) if after > start else None
        return (day[0].map(lambda span: single_day(span[0].date() - DAY), Standing.ALONE), day[1]) if day else None

    def _narrow(self, period: Period, end: int) -> Point | None:
        """The period with what follows it, if that narrows it: its year, its week, a part of its day."""
        return (
            self._in_turn(period, end)
            or self._one_of_turn(period, end)
            or self._date_of_weekday(period, end)
            or self._with_part(period, end)
        )

    def _in_turn(self, period: Period, end: int) -> Point | None:
        """A period that comes around, with the turn that follows: May of last year."""
        if period.is_certain:
            return None
        direct = self._words.skip(_COMMA, end)
        for start in (self.skip_link(end), direct, end):
            turn = self.names.turn(start) or self._distances.read(start)
            if turn and turn[0].unit == period.cycle and (span := turn[0].occurrence(0)):
                return of_turn(period, span), turn[1]
        return None

    def _one_of_turn(self, period: Period, end: int) -> Point | None:
        """A turn, with the period of it that follows: last week on Tuesday."""
        if period.unit is None or not period.is_certain:
            return None
        start = self.skip_link(self._words.skip(_POSSESSIVE, end))
        inner = self.names.read(start)
        if inner is None or inner[0].is_certain or inner[0].cycle != period.unit:
            return None
        if start == end and inner[0].standing is Standing.NAME:
            return None
        span = period.occurrence(0)
        return (of_turn(inner[0], span), inner[1]) if span else None

    def _date_of_weekday(self, period: Period, end: int) -> Point | None:
        """A weekday with its date, which says more: Friday, May 5."""
        if not period.is_never_today:
            return None
        date = self.names.read(self._words.skip(_COMMA, end))
        return date if date and date[0].is_day and date[0].cycle in ("month", "year", None) else None

    def _with_part(self, period: Period, end: int) -> Point | None:
        """A day with the part of it that follows: yesterday evening."""
        if not period.is_day:
            return None
        for start in (end, self.skip_link(end)):
            if found := self._words.find(self._vocabulary.parts, start):
                part, after = found
                return period.map(part.of, None if period.standing is Standing.NOT_PAST else Standing.ALONE), after
        return None
