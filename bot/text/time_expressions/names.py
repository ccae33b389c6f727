"""Reads the names of periods: days, months, seasons, holidays, years, and which of them is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.text.time_expressions.counts import is_plural
from bot.text.time_expressions.numbered import read_first_units, read_nth
from bot.text.time_expressions.numbers_of_dates import (
    day_number,
    day_of_year,
    decade_start,
    numeric_date,
    year_number,
)
from bot.text.time_expressions.periods import Period, Point, Standing, fixed
from bot.text.time_expressions.recurring import RecurringReader, year_cycle
from bot.text.time_expressions.spans import (
    Span,
    Unit,
    single_day,
    span_of_days,
    unit_index,
    whole_unit,
)
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import NIGHT, Part, Vocabulary, Which

_STEPS: Final[dict[Which, int]] = {
    "before last": -2, "last": -1, "this": 0, "next": 1, "coming": 1, "after next": 2,
}  # fmt: skip
_TURNS: Final[tuple[Unit, ...]] = ("week", "month", "quarter", "year")


def date_of_each_year(month: int, day: int) -> Period:
    """The same date in each year that has it."""

    def occurrence(year: int) -> Span | None:
        found = day_of_year(year, month, day)
        return single_day(found) if found else None

    return year_cycle(occurrence, Standing.ALONE, is_day=True)


def part_of_each_day(part: Part, standing: Standing) -> Period:
    """A part of each day."""
    return Period(occurrence=lambda index: part.of(whole_unit("day", index)), cycle="day", standing=standing)


class NameReader:
    """Reads a name at a place of a text."""

    def __init__(self, words: Words, vocabulary: Vocabulary, now: datetime) -> None:
        self._words = words
        self._vocabulary = vocabulary
        self._today = now.date()
        self._recurring = RecurringReader(words, vocabulary)

    def read(self, at: int) -> Point | None:
        """The longest name that begins at an index."""
        readers = (
            self._relative_day, self._part_of_relative_day, self._lone_part, self._digits, self._day_and_month,
            self._day_of_month, self._recurring.read, self._chosen, self._chosen_after, self._nth, self._first_units,
            self.turn, self._decade,
        )  # fmt: skip
        found = [point for reader in readers if (point := reader(at)) is not None]
        return max(found, key=lambda point: point[1], default=None)

    def turn(self, at: int) -> Point | None:
        """A certain week, month, quarter or year: last week, 2024."""
        return self._year(at) or self._chosen_unit(at)

    def bare_unit(self, at: int) -> Point | None:
        """A week, month, quarter or year that is only said to be one, as in "the end of the month"."""
        found = self._words.find(self._vocabulary.units, at)
        if found is None or found[0][0] != 1 or found[0][1] not in _TURNS:
            return None
        (_, unit), end = found
        return Period(occurrence=lambda index: whole_unit(unit, index), cycle=unit), end

    def day(self, at: int) -> tuple[int, int] | None:
        """The number of a day of a month, with the index after it."""
        return self._recurring.day(at)

    def _nth(self, at: int) -> Point | None:
        return read_nth(self._words, self._vocabulary, self._month_or_turn, at)

    def _first_units(self, at: int) -> Point | None:
        return read_first_units(self._words, self._vocabulary, self._whole, at)

    def _whole(self, at: int) -> Point | None:
        """What has units: a month, a season, last year."""
        found = self.turn(at) or self._recurring.read(at)
        return found if found and not found[0].is_day else None

    def _month_or_turn(self, at: int) -> Point | None:
        """A month by its name, or "last month"."""
        turn = self._chosen_unit(at)
        return turn if turn and turn[0].unit == "month" else self._recurring.month(at)

    def _relative_day(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.days, self._words.skip(self._vocabulary.articles, at))
        return (fixed(single_day(self._today + timedelta(found[0])), is_day=True), found[1]) if found else None

    def _part_of_relative_day(self, at: int) -> Point | None:
        found = self._words.find(self._vocabulary.parts_of_days, at)
        if found is None:
            return None
        (days, part), end = found
        return fixed(part.of(single_day(self._today + timedelta(days)))), end

    def _lone_part(self, at: int) -> Point | None:
        end = self._words.skip(self._vocabulary.current_nights, at)
        if end > at:
            return part_of_each_day(NIGHT, Standing.ALONE), end
        found = self._words.find(self._vocabulary.lone_parts, at)
        return (part_of_each_day(found[0], Standing.VERB), found[1]) if found else None

    def _digits(self, at: int) -> Point | None:
        found = numeric_date(self._words, at, self._vocabulary)
        if found is None:
            return None
        day, month, year = found
        if year is None:
            return date_of_each_year(month, day), at + 1
        date_ = day_of_year(year, month, day)
        return fixed(single_day(date_) if date_ else None, is_day=True), at + 1

    def _day_and_month(self, at: int) -> Point | None:
        """A day with its month, in either order."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.articles, at)
        if day := self._recurring.day(start):
            name = words.skip(vocabulary.of, day[1])
            month = words.find(vocabulary.months, name)
            if month is None or self._recurring.has_subject(name, month[1]):
                return None
            return date_of_each_year(month[0], day[0]), month[1]
        month = words.find(vocabulary.months, start)
        if month is None:
            return None
        after = words.skip(frozenset((".",)), month[1])
        day = self._recurring.day(words.skip(vocabulary.articles, after))
        if day is None or words.starts(vocabulary.not_after_year, day[1]):
            return None
        return date_of_each_year(month[0], day[0]), day[1]

    def _day_of_month(self, at: int) -> Point | None:
        """A day without its month: the 15th, 15-го числа."""
        start = self._words.skip(self._vocabulary.articles, at)
        day = self._recurring.day(start)
        if day is None:
            return None
        number, end = day
        has_word = self._words.text(end - 1) in self._vocabulary.day_words
        digits = day_number(self._words.text(start))
        if not has_word and not (digits and digits[1] and self._ends_phrase(end)):
            return None

        def occurrence(index: int) -> Span | None:
            found = day_of_year(index // 12, index % 12 + 1, number)
            return single_day(found) if found else None

        standing = Standing.ALONE if has_word else Standing.NOUN
        return Period(occurrence=occurrence, cycle="month", is_day=True, standing=standing), end

    def _ends_phrase(self, at: int) -> bool:
        """Whether no noun follows that an ordinal before it could number: the 5th time."""
        text, vocabulary = self._words.text(at), self._vocabulary
        return not text.isalpha() or text in vocabulary.prepositions or text in vocabulary.links | vocabulary.to

    def _chosen(self, at: int) -> Point | None:
        """A name with the word that tells which is meant before it: last Friday."""
        which = self._words.find(self._vocabulary.which, self._words.skip(self._vocabulary.articles, at))
        named = self._recurring.read(which[1]) if which else None
        if which is None or named is None or self._is_verb(which[1], named[1]):
            return None
        return replace(named[0], which=which[0], standing=Standing.ALONE), named[1]

    def _is_verb(self, at: int, end: int) -> bool:
        """Whether a month's name may be a verb: this may take long."""
        is_verb = self._words.text(at) in self._vocabulary.verbs and not self._words.tokens[at].is_capitalised
        return is_verb and self._words.text(end).isalpha()

    def _chosen_after(self, at: int) -> Point | None:
        """A name with the word that tells which is meant after it: the week before last."""
        start = self._words.skip(self._vocabulary.articles, at)
        named = self._recurring.read(start)
        if named and (which := self._words.find(self._vocabulary.which_after, named[1])):
            return replace(named[0], which=which[0], standing=Standing.ALONE), which[1]
        unit = self._words.find(self._vocabulary.units, start)
        which = self._words.find(self._vocabulary.which_after, unit[1]) if unit else None
        return self._unit_by_word(unit[0], which[0], which[1]) if unit and which else None

    def _chosen_unit(self, at: int) -> Point | None:
        which = self._words.find(self._vocabulary.which, self._words.skip(self._vocabulary.articles, at))
        unit = self._words.find(self._vocabulary.units, which[1]) if which else None
        if which is None or unit is None or is_plural(self._words, self._vocabulary, unit[1]):
            return None
        return self._unit_by_word(unit[0], which[0], unit[1])

    def _unit_by_word(self, length: tuple[int, Unit], which: Which, end: int) -> Point | None:
        factor, unit = length
        if factor != 1 or unit not in _TURNS:
            return None
        return fixed(whole_unit(unit, unit_index(unit, self._today) + _STEPS[which]), unit=unit), end

    def _year(self, at: int) -> Point | None:
        """A year by its number, with or without the word for it."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.year_words, words.skip(vocabulary.articles, at))
        year = year_number(words, start, vocabulary)
        if year is None:
            return None
        end = words.skip(vocabulary.year_words, start + 1)
        # «В 2025-м» says by its ending that it is a year.
        has_word = start > at or end > start + 1 or not words.text(start).isdigit()
        period = fixed(whole_unit("year", year), unit="year")
        return replace(period, standing=Standing.ALONE if has_word else Standing.NUMBER), end

    def _decade(self, at: int) -> Point | None:
        start = self._words.skip(self._vocabulary.articles, at)
        found = self._words.find(self._vocabulary.decades, start)
        if found is None:
            year = decade_start(self._words.text(start))
            found = (year, start + 1) if year is not None else None
        if found is None:
            return None
        span = span_of_days(date(found[0], 1, 1), date(found[0] + 10, 1, 1))
        return replace(fixed(span), standing=Standing.NOUN), self._words.skip(self._vocabulary.year_words, found[1])
