"""Reads a whole expression of time: a period with its preposition, a range, or one without a beginning or an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from bot.text.time_expressions.counts import read_length, read_unit
from bot.text.time_expressions.names import date_of_each_year
from bot.text.time_expressions.numbers_of_dates import day_of_year
from bot.text.time_expressions.periods import Period, Standing, Tense, choose, latest, latest_ended, next_one
from bot.text.time_expressions.points import PointReader
from bot.text.time_expressions.spans import Span, Unit, at_distance, midnight, shift, unit_index
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import Preposition, Vocabulary

BEGINNING: Final = datetime.min  # noqa: DTZ901 - local time, like every span
END: Final = datetime.max  # noqa: DTZ901
_DASHES: Final = ("-", "–", "—")

Meaning: TypeAlias = Callable[[datetime, Tense], Span | None]
"""What an expression means, by the time it is used at and the tense of its question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression that was read."""

    meaning: Meaning
    end: int
    """Index after its last token."""
    standing: Standing = Standing.ALONE
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
        preposition = self._words.find(self._vocabulary.prepositions, at)
        first = self._points.read(preposition[1]) if preposition else None
        link = self._words.skip(self._vocabulary.links, first[1]) if first else at
        last = self._points.read(self._words.skip(self._vocabulary.prepositions, link)) if first else None
        if first is None or last is None or link == first[1]:
            return None
        earlier, later = first[0], last[0]
        if not _are_neighbours(earlier, later, self._now):
            return None
        return Expression(meaning=lambda now, tense: _range_of(earlier, later, now, tense), end=last[1])

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
            return Expression(meaning=_since_meaning(first[0]), end=now_end)
        last = self._points.read_after_link(link)
        if last is None:
            return None
        dash = words.text(first[1])
        if not has_start and not _needs_no_start(first[0], last[0], dash, has_preposition=has_preposition):
            return None
        earlier, later = first[0], last[0]
        return Expression(meaning=lambda now, tense: _range_of(earlier, later, now, tense), end=last[1])

    def _days_of_month(self, start: int, links: frozenset[str]) -> Expression | None:
        """Two days of one month, which is named once: 5 to 7 May, May 5–7."""
        words, vocabulary, names = self._words, self._vocabulary, self._points.names
        if (day := names.day(start)) and (link := words.skip(links, day[1])) > day[1]:
            last = self._points.read(words.skip(vocabulary.articles, link))
            if last is None or not last[0].is_day:
                return None
            number = day[0]
            return Expression(meaning=lambda now, tense: _days_up_to(number, choose(last[0], now, tense)), end=last[1])
        month = words.find(vocabulary.months, start)
        first = names.day(words.skip(vocabulary.articles, month[1])) if month else None
        link = words.skip(links, first[1]) if first else start
        last_day = names.day(words.skip(vocabulary.articles, link)) if first and link > first[1] else None
        if month is None or first is None or last_day is None or words.starts(vocabulary.months, last_day[1]):
            return None
        period = self._points.narrow_all(date_of_each_year(month[0], last_day[0]), last_day[1])
        number = first[0]
        return Expression(meaning=lambda now, tense: _days_up_to(number, choose(period[0], now, tense)), end=period[1])

    def _since(self, at: int) -> Expression | None:
        """Since May, «с прошлой недели до сих пор»."""
        start = self._words.skip(self._vocabulary.since, at)
        point = self._points.read_after_link(start) if start > at else None
        if point is None:
            return None
        period, end = point
        return Expression(meaning=_since_meaning(period), end=self._words.skip(self._vocabulary.until_now, end))

    def _onwards(self, at: int) -> Expression | None:
        """From June on."""
        start = self._words.skip(self._vocabulary.range_starts, at)
        point = self._points.read(start) if start > at else None
        if point is None:
            return None
        period, end = point
        after = self._words.skip(self._vocabulary.onwards | self._vocabulary.until_now, end)
        return Expression(meaning=_since_meaning(period), end=after) if after > end else None

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
        return Expression(meaning=lambda now, tense: _up_to(choose(period, now, tense), edge, now, tense), end=end)

    def _by(self, at: int) -> Expression | None:
        """By Friday, «к пятнице»: Friday is included."""
        start = self._words.skip(self._vocabulary.by, at)
        point = self._points.read_after_link(start) if start > at else None
        if point is None:
            return None
        period, end = point
        return Expression(meaning=lambda now, tense: _up_to(choose(period, now, tense), 1, now, tense), end=end)

    def _after(self, at: int) -> Expression | None:
        start = self._words.skip(self._vocabulary.after, at)
        point = self._points.read_after_link(start) if start > at else None
        if point is None:
            return None
        period, end = point

        return Expression(meaning=_after_meaning(period), end=end)

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
            if span is None or is_whole:
                return _next_to(span, direction, int(count), unit) if span else None
            edge = span[0] if direction < 0 else span[1] - timedelta.resolution
            return at_distance(edge.replace(tzinfo=now.tzinfo), direction * count, unit)

        return Expression(meaning=meaning, end=end)


def _since_meaning(period: Period) -> Meaning:
    def meaning(now: datetime, tense: Tense) -> Span | None:
        span = choose(period, now, tense)
        return (span[0], _end_of_open(span[0], now)) if span else None

    return meaning


def _after_meaning(period: Period) -> Meaning:
    def meaning(now: datetime, tense: Tense) -> Span | None:
        is_past = tense is not Tense.FUTURE and not period.is_certain
        span = latest_ended(period, now) if is_past else choose(period, now, tense)
        return (span[1], _end_of_open(span[1], now)) if span else None

    return meaning


def _end_of_open(start: datetime, now: datetime) -> datetime:
    """Now, for what has begun; what is to come has no end."""
    local = now.replace(tzinfo=None)
    return END if start > local else local


def _up_to(span: Span | None, edge: int, now: datetime, tense: Tense) -> Span | None:
    """All before the start (0) or the end (1) of a span; with a future verb, from now on."""
    if span is None:
        return None
    local = now.replace(tzinfo=None)
    is_ahead = tense is Tense.FUTURE and span[edge] > local
    return local if is_ahead else BEGINNING, span[edge]


def _range_of(earlier: Period, later: Period, now: datetime, tense: Tense) -> Span | None:
    """From one period to the end of another.

    What is uncertain fits what is certain. Of two that are not, a past range is the latest of which both have begun, and
    a future one the first that has not begun.
    """
    if earlier.is_certain or (tense is Tense.FUTURE and not later.is_certain):
        first = choose(earlier, now, tense)
        if first is None:
            return None
        last = choose(later, now, tense) if later.is_certain else next_one(later, now, first[0])
    else:
        last = choose(later, now, tense)
        first = latest(earlier, now, last[0]) if last else None
    return (first[0], last[1]) if first and last else None


def _days_up_to(first: int, last: Span | None) -> Span | None:
    """From a day of a month up to a later day, in the month before if its number is higher."""
    if last is None:
        return None
    day = last[0].date()
    month = day.replace(day=1) if first <= day.day else shift(day.replace(day=1), -1, "month")
    start = day_of_year(month.year, month.month, first)
    return (midnight(start), last[1]) if start else None


def _next_to(span: Span, direction: int, count: int, unit: Unit) -> Span:
    """The units right before or after a span."""
    if unit in ("second", "minute", "hour"):
        length = count * timedelta(**{f"{unit}s": 1})
        return (span[0] - length, span[0]) if direction < 0 else (span[1], span[1] + length)
    if direction < 0:
        return midnight(shift(span[0].date(), -count, unit)), span[0]
    return span[1], midnight(shift(span[1].date(), count, unit))


def _are_neighbours(first: Period, last: Period, now: datetime) -> bool:
    """Whether two periods lie side by side, in one turn or in two."""
    if last.cycle is None:
        end = last.occurrence(0)
        return end is not None and (start := latest(first, now, end[0])) is not None and start[1] == end[0]
    if first.cycle is None or first.cycle != last.cycle or first.which or last.which:
        return False
    turn = unit_index(first.cycle, now.date())
    start = first.occurrence(turn)
    return start is not None and any(
        span is not None and span[0] == start[1] for span in map(last.occurrence, (turn, turn + 1))
    )


def _needs_no_start(first: Period, last: Period, link: str, *, has_preposition: bool) -> bool:
    """Whether two periods with a link between them are a range without a word for "from"."""
    if link in _DASHES and has_preposition:
        return True
    if link in _DASHES and first.standing is Standing.NAME:
        return True
    return first.is_day and last.is_day and first.standing is Standing.ALONE
