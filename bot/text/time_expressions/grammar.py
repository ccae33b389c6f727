"""Reads a whole expression of time: a period with its preposition, a range, or one without a beginning or an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.text.time_expressions.counts import read_length, read_unit
from bot.text.time_expressions.meanings import (
    Meaning,
    after_meaning,
    are_neighbours,
    beside,
    days_up_to,
    range_of,
    since_meaning,
    up_to,
)
from bot.text.time_expressions.names import date_of_each_year
from bot.text.time_expressions.periods import Period, Standing, Tense, choose
from bot.text.time_expressions.points import PointReader
from bot.text.time_expressions.spans import Span
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import Preposition, Vocabulary

_DASHES: Final = ("-", "–", "—")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression that was read."""

    meaning: Meaning
    end: int
    """Index after its last token."""
    standing: Standing = Standing.ALONE
    is_since: bool = False
    """Whether it says since when: the present tense then speaks of the past."""
    is_for: bool = False
    """Whether it says what something is for, so that it is of the future unless a verb says otherwise."""


class ExpressionReader:
    """Reads an expression at a place of a text."""

    def __init__(self, words: Words, vocabulary: Vocabulary, now: datetime) -> None:
        self._words = words
        self._vocabulary = vocabulary
        self._now = now
        self._points = PointReader(words, vocabulary, now)

    def read(self, at: int) -> Expression | None:
        """The longest expression that begins at an index; of two as long, the first of these kinds."""
        if self._words.starts(self._vocabulary.each, at - 1) or self._words.starts(self._vocabulary.not_times, at):
            return None
        readers = (
            self._range, self._pair, self._between, self._since, self._onwards, self._before, self._after, self._by,
            self._period, self._distance_from_day,
        )  # fmt: skip
        found = [expression for reader in readers if (expression := reader(at)) is not None]
        return max(found, key=lambda expression: expression.end, default=None)

    def _period(self, at: int) -> Expression | None:
        """One period, after a preposition where it needs one."""
        words, vocabulary = self._words, self._vocabulary
        found = [self._stand(at, at, None)]
        if preposition := words.find(vocabulary.prepositions, at):
            kind, start = preposition
            found += [self._stand(at, start, kind), self._stand(at, words.skip(vocabulary.articles, start), kind)]
        return max((one for one in found if one), key=lambda one: one.end, default=None)

    def _stand(self, at: int, start: int, preposition: Preposition | None) -> Expression | None:
        point = None if self._words.starts(self._vocabulary.each, start) else self._points.read(start)
        if point is None:
            return None
        period, end = point
        standing = period.standing
        has_article = start > at and self._words.starts(self._vocabulary.articles, start - 1)
        if standing is Standing.NUMBER and preposition != "in":
            return None
        if standing in (Standing.NOUN, Standing.NAME) and preposition is None:
            return None
        if standing is Standing.NAME and has_article:
            return None
        is_told = standing is Standing.NOT_PAST or (standing is Standing.VERB and preposition is None)
        return Expression(
            meaning=lambda now, tense: choose(period, now, tense),
            end=end,
            standing=standing if is_told else Standing.ALONE,
            is_for=preposition == "for" and period.is_never_today,
        )

    def _range(self, at: int) -> Expression | None:
        """From June to October, «с 5 по 7 мая», 5–7 May; it includes both."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.since | vocabulary.range_starts, at)
        has_start = start > at
        if not has_start and (preposition := words.find(vocabulary.prepositions, at)):
            start = preposition[1]
        return self._ends(start, vocabulary.to, has_start=has_start, has_preposition=start > at)

    def _pair(self, at: int) -> Expression | None:
        """Two neighbours: in May and June, «в субботу и воскресенье»."""
        start = self._words.skip(self._vocabulary.prepositions, at)
        first = self._points.read(start)
        if first is None or (start == at and first[0].standing is not Standing.ALONE):
            return None
        link = self._words.skip(self._vocabulary.links, first[1])
        last = self._points.read(self._words.skip(self._vocabulary.prepositions, link))
        if last is None or link == first[1]:
            return None
        earlier, later = first[0], last[0]
        if not are_neighbours(earlier, later, self._now):
            return None
        return Expression(meaning=lambda now, tense: range_of(earlier, later, now, tense), end=last[1])

    def _between(self, at: int) -> Expression | None:
        start = self._words.skip(self._vocabulary.between, at)
        return self._ends(start, self._vocabulary.links, has_start=True, has_preposition=True) if start > at else None

    def _ends(self, start: int, links: frozenset[str], *, has_start: bool, has_preposition: bool) -> Expression | None:
        """The two ends of a range with a link between them."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.articles, start)
        if short := self._days_of_month(start, links):
            return short
        first = self._points.read(start)
        link = words.skip(links, first[1]) if first else start
        if first is None or link == first[1]:
            return None
        if has_start and (now_end := words.skip(vocabulary.nows, link)) > link:
            return Expression(meaning=since_meaning(first[0]), end=now_end, is_since=True)
        last = self._points.read_after_link(link)
        if last is None:
            return None
        dash = words.text(first[1])
        if not has_start and not _needs_no_start(first[0], last[0], dash, has_preposition=has_preposition):
            return None
        earlier, later = first[0], last[0]
        return Expression(meaning=lambda now, tense: range_of(earlier, later, now, tense), end=last[1])

    def _days_of_month(self, start: int, links: frozenset[str]) -> Expression | None:
        """Two days of one month, which is named once: 5 to 7 May, May 5–7."""
        words, vocabulary, names = self._words, self._vocabulary, self._points.names
        if (day := names.day(start)) and (link := words.skip(links, day[1])) > day[1]:
            date_start = words.skip(vocabulary.articles, link)
            last = self._points.read(date_start)
            # Of "2–3 days ago" neither number is a day of a month.
            is_date = words.text(date_start)[:1].isdigit() or names.day(date_start) is not None
            if last is None or not (is_date and last[0].is_day and last[0].unit is None):
                return None
            number = day[0]
            return Expression(meaning=lambda now, tense: days_up_to(number, choose(last[0], now, tense)), end=last[1])
        month = words.find(vocabulary.months, start)
        first = names.day(words.skip(vocabulary.articles, month[1])) if month else None
        link = words.skip(links, first[1]) if first else start
        last_day = names.day(words.skip(vocabulary.articles, link)) if first and link > first[1] else None
        if month is None or first is None or last_day is None or words.starts(vocabulary.months, last_day[1]):
            return None
        period = self._points.narrow_all(date_of_each_year(month[0], last_day[0]), last_day[1])
        number = first[0]
        return Expression(meaning=lambda now, tense: days_up_to(number, choose(period[0], now, tense)), end=period[1])

    def _since(self, at: int) -> Expression | None:
        """Since May, «с прошлой недели до сих пор»."""
        start = self._words.skip(self._vocabulary.since, at)
        point = self._points.read_after_link(start) if start > at else None
        if point is None:
            return None
        period, end = point
        end = self._words.skip(self._vocabulary.until_now, end)
        return Expression(meaning=since_meaning(period), end=end, is_since=True)

    def _onwards(self, at: int) -> Expression | None:
        """From June on."""
        start = self._words.skip(self._vocabulary.range_starts, at)
        point = self._points.read(start) if start > at else None
        if point is None:
            return None
        period, end = point
        after = self._words.skip(self._vocabulary.onwards | self._vocabulary.until_now, end)
        return Expression(meaning=since_meaning(period), end=after, is_since=True) if after > end else None

    def _before(self, at: int) -> Expression | None:
        """Before May, until the end of May."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.before | vocabulary.until, at)
        if start == at:
            return None
        point = self._points.read_after_link(start)
        if point is None:
            return None
        period, end = point
        third = words.find(vocabulary.thirds, words.skip(vocabulary.articles, start))
        # Before the end of May: before it ends, and not before the last days of May begin.
        edge = 1 if third and third[0] == 2 else 0
        return Expression(meaning=lambda now, tense: up_to(choose(period, now, tense), edge, now, tense), end=end)

    def _by(self, at: int) -> Expression | None:
        """By Friday, «к пятнице»: Friday is included."""
        start = self._words.skip(self._vocabulary.by, at)
        point = self._points.read_after_link(start) if start > at else None
        if point is None:
            return None
        period, end = point
        return Expression(meaning=lambda now, tense: up_to(choose(period, now, tense), 1, now, tense), end=end)

    def _after(self, at: int) -> Expression | None:
        start = self._words.skip(self._vocabulary.after, at)
        point = self._points.read_after_link(start) if start > at else None
        if point is None:
            return None
        period, end = point
        return Expression(meaning=after_meaning(period), end=end)

    def _distance_from_day(self, at: int) -> Expression | None:
        """Two days before May 5, «через неделю после Нового года»; "the week before" is the whole of it."""
        words, vocabulary = self._words, self._vocabulary
        start = words.skip(vocabulary.distance_starts | vocabulary.ahead, at)
        noun = words.skip(vocabulary.articles, start)
        length = read_length(words, vocabulary, noun) or read_unit(words, vocabulary, noun)
        if length is None:
            return None
        (count, unit), after = length
        before_end, after_end = words.skip(vocabulary.before, after), words.skip(vocabulary.after, after)
        direction = -1 if before_end > after else 1
        point = self._points.read_after_link(max(before_end, after_end)) if max(before_end, after_end) > after else None
        if point is None:
            return None
        period, end = point
        is_whole = noun > start and unit != "day"

        def meaning(now: datetime, tense: Tense) -> Span | None:
            span = choose(period, now, tense)
            return beside(span, direction, (count, unit), now, is_whole=is_whole) if span else None

        return Expression(meaning=meaning, end=end)


def _needs_no_start(first: Period, last: Period, link: str, *, has_preposition: bool) -> bool:
    """Whether two periods with a link between them are a range without a word for "from"."""
    if link in _DASHES and has_preposition:
        return True
    if link in _DASHES and first.standing is Standing.NAME:
        return True
    return first.is_day and last.is_day and first.standing is Standing.ALONE
