"""Reads the names of what comes around: months, weekdays, seasons, holidays, quarters, and days by their number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from bot.text.sentences import SENTENCE_ENDS
from bot.text.time_expressions.numbers_of_dates import day_number
from bot.text.time_expressions.periods import Period, Point, Standing
from bot.text.time_expressions.spans import DAY, Span, months, single_day, span_of_days, whole_unit
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import Vocabulary

_SATURDAY: Final = 5


def year_cycle(occurrence: Callable[[int], Span | None], standing: Standing, *, is_day: bool = False) -> Period:
    """A period of each year."""
    return Period(occurrence=occurrence, cycle="year", standing=standing, is_day=is_day)


class RecurringReader:
    """Reads a name that stands for one period of each year or week."""

    def __init__(self, words: Words, vocabulary: Vocabulary) -> None:
        self._words = words
        self._vocabulary = vocabulary

    def read(self, at: int) -> Point | None:
        """The longest name that begins at an index, after its article if it takes one."""
        found = [
            point
            for reader in (
                self.month,
                self._weekday,
                self._weekend,
                self._season,
                self._holiday,
                self._quarter,
                self._half_year,
            )
            if (point := reader(self._words.skip(self._vocabulary.articles, at) if reader != self.month else at))
        ]
        return max(found, key=lambda point: point[1], default=None)

    def month(self, at: int) -> Point | None:
        """A month, without an article."""
        found = self._words.find(self._vocabulary.months, at)
        if found is None or self.has_subject(at, found[1]):
            return None
        number, end = found
        return year_cycle(lambda year: months(year, number, 1), Standing.NAME), end

    def has_subject(self, at: int, end: int) -> bool:
        """Whether a month's name from one index to another is a verb, by what follows: may I, they march on.

        A capital in the middle of a sentence says that it is a name, and so does a preposition before it.
        """
        words, vocabulary = self._words, self._vocabulary
        if words.text(at) not in vocabulary.verbs or not words.starts(vocabulary.pronouns, end):
            return False
        before = words.text(at - 1)
        is_first = at == 0 or before in SENTENCE_ENDS
        is_name = words.tokens[at].is_capitalised and not is_first
        return not is_name and before not in vocabulary.prepositions

    def _weekday(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.weekdays, at)
        if found is None or self._words.starts(self._vocabulary.not_after_weekday, found[1]):
            return None
        number, end = found
        standing = Standing.NOUN if self._words.text(end).isalpha() else Standing.VERB

        def occurrence(index: int) -> Span:
            return single_day(whole_unit("week", index)[0].date() + timedelta(number))

        return Period(occurrence=occurrence, cycle="week", is_day=True, is_never_today=True, standing=standing), end

    def _weekend(self, at: int) -> Point | None:
        end = self._words.skip(self._vocabulary.weekends, at)
        if end == at:
            return None

        def occurrence(index: int) -> Span:
            saturday = whole_unit("week", index)[0].date() + timedelta(_SATURDAY)
            return span_of_days(saturday, saturday + 2 * DAY)

        return Period(occurrence=occurrence, cycle="week", standing=Standing.NOUN), end

    def _season(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.seasons, at)
        if found is None:
            return None
        first_month, end = found
        # The instrumental says "in": it needs no preposition.
        standing = Standing.ALONE if self._words.text(at) in self._vocabulary.adverbial_seasons else Standing.NOUN
        return year_cycle(lambda year: months(year, first_month, 3), standing), end

    def _holiday(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.holidays, at)
        if found is None:
            return None
        holiday, end = found
        span = holiday(2000)
        return year_cycle(holiday, Standing.NOUN, is_day=span[1] - span[0] == DAY), end

    def _quarter(self, at: int) -> Point | None:
        """A quarter with its number."""
        words, vocabulary = self._words, self._vocabulary
        found = words.find(vocabulary.numbered_quarters, at)
        standing = Standing.ALONE if found else Standing.NOUN
        if found is None:
            day = self.day(at)
            end = words.skip(vocabulary.quarters, day[1]) if day else at
            found = (day[0], end) if day and end > day[1] and day[0] <= 4 else None
        if found is None:
            return None
        number, end = found
        return year_cycle(lambda year: months(year, 3 * number - 2, 3), standing), end

    def _half_year(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.half_years, at)
        if found is None:
            return None
        number, end = found
        return year_cycle(lambda year: months(year, 6 * number - 5, 6), Standing.NOUN), end

    def day(self, at: int) -> tuple[int, int] | None:
        """The number of a day of a month, in digits or as an ordinal word, with the index after it."""
        if found := day_number(self._words.text(at)):
            return found[0], self._words.skip(self._vocabulary.day_words, at + 1)
        ordinal = self._words.find(self._vocabulary.ordinals, at)
        return (ordinal[0], self._words.skip(self._vocabulary.day_words, ordinal[1])) if ordinal else None
