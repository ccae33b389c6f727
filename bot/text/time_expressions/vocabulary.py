"""The words that make expressions of time. The grammar knows these tables only, and no language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

from bot.text.time_expressions.holidays import Holiday
from bot.text.time_expressions.spans import Span, Unit
from bot.text.time_expressions.tokens import phrase_key

Which: TypeAlias = Literal["before last", "last", "this", "next", "after next", "coming"]
"""Which one: "coming" is the first that has not begun, "next Friday" that of next week."""
Preposition: TypeAlias = Literal["in", "on", "for"]
"""How sure a preposition makes it that time follows: "in" may stand before the number of a year, the others not. "for"
speaks of the future unless a verb says otherwise: plans for Friday."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day, in hours from its midnight; a night ends on the next day."""

    first: int
    after: int

    def of(self, day: Span) -> Span:
        """This part of a day that begins when a span does."""
        # Local hours: on a day with a change of the clocks, morning begins at six all the same.
        return day[0] + timedelta(hours=self.first), day[0] + timedelta(hours=self.after)


MORNING: Final = Part(6, 12)
AFTERNOON: Final = Part(12, 18)
EVENING: Final = Part(18, 24)
EVENING_AND_NIGHT: Final = Part(18, 30)
"""What "last night" and "tonight" speak of."""
NIGHT: Final = Part(22, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The phrases of a language: what they mean, where that is more than that they are there."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    """Monday is 0."""
    seasons: Mapping[str, int]
    """The month each begins in."""
    adverbial_seasons: frozenset[str]
    """Forms of seasons that say "in" themselves."""
    holidays: Mapping[str, Holiday]
    days: Mapping[str, int]
    """Days counted from today."""
    parts: Mapping[str, Part]
    """Parts of a day that is named beside them."""
    lone_parts: Mapping[str, Part]
    """Parts of a day that is not named."""
    parts_of_days: Mapping[str, tuple[int, Part]]
    """A day counted from today with its part."""
    current_nights: frozenset[str]
    """The last night or the coming one, by the tense."""
    night_before: frozenset[str]
    """Before a day: the night that ends on it."""
    night_between: frozenset[str]
    """Before two days: the night between them."""
    units: Mapping[str, tuple[int, Unit]]
    single_units: frozenset[str]
    """Those of `units` that mean one without a number."""
    plurals: frozenset[str]
    """Those of `units` that mean a few without a number, with the word before where only that tells."""
    weekends: frozenset[str]
    which: Mapping[str, Which]
    which_after: Mapping[str, Which]
    """What follows its noun: the week before last."""
    past_spans: Mapping[str, bool]
    """Words for the time up to now; whether one means that without a number: the past week, but not last week."""
    coming_spans: Mapping[str, bool]
    """Words for the time from now on, likewise."""
    span_prepositions: frozenset[str]
    """After these the last week is seven days, and not a week of the calendar."""
    vague: Mapping[str, tuple[int, Unit]]
    """How far "recently" reaches back, and with a future verb ahead."""
    counts: Mapping[str, float]
    """What counts units beside numbers: a couple."""
    lengths: Mapping[str, tuple[float, Unit]]
    """A count and its unit in one: half a year."""
    and_a_half: frozenset[str]
    ordinals: Mapping[str, int]
    thirds: Mapping[str, int]
    """The beginning, middle and end of what follows."""
    halves: Mapping[str, int]
    first_of: frozenset[str]
    """The first two weeks of May."""
    last_of: frozenset[str]
    """The last week of May."""
    quarters: frozenset[str]
    numbered_quarters: Mapping[str, int]
    half_years: Mapping[str, int]
    decades: Mapping[str, int]
    """The year each begins in."""
    year_words: frozenset[str]
    """What may stand beside the number of a year."""
    day_words: frozenset[str]
    """What may follow the number of a day."""
    ago: frozenset[str]
    ahead: frozenset[str]
    rates: frozenset[str]
    """Before `ahead`, beside units: what follows is how often, as in "three times in a week"."""
    since: frozenset[str]
    before: frozenset[str]
    until: frozenset[str]
    after: frozenset[str]
    by: frozenset[str]
    range_starts: frozenset[str]
    """What begins a range and, without the rest of it, nothing: from June to October."""
    onwards: frozenset[str]
    """After a date with such a start, a range up to now: from June on."""
    to: frozenset[str]
    between: frozenset[str]
    links: frozenset[str]
    """And, or."""
    until_now: frozenset[str]
    nows: frozenset[str]
    """What ends a range now."""
    eves: frozenset[str]
    """Before a day: the day before it."""
    distance_starts: frozenset[str]
    """What may stand before "two days before"."""
    prepositions: Mapping[str, Preposition]
    articles: frozenset[str]
    of: frozenset[str]
    each: frozenset[str]
    """Before a period: it is not one but all of them."""
    pronouns: frozenset[str]
    """After "may" and "march": those are verbs."""
    verbs: frozenset[str]
    """Names of months that are verbs too."""
    not_times: frozenset[str]
    """What begins like an expression of time and is none."""
    ambiguous_nouns: frozenset[str]
    """What is no time after an article: before the fall."""
    not_after_year: frozenset[str]
    """What the number before it counts, so that it is no year and no date."""
    not_before_date: frozenset[str]
    """What the number after it is a version or a measure of, so that it is no date."""
    not_after_weekday: frozenset[str]
    """What makes something else of «среда» before it."""


def join(vocabularies: tuple[Vocabulary, ...]) -> Vocabulary:
    """The phrases of several languages together, each as `Words.find` looks it up."""
    joined: dict[str, Any] = {}
    for field in fields(Vocabulary):
        tables = [getattr(vocabulary, field.name) for vocabulary in vocabularies]
        if isinstance(tables[0], frozenset):
            joined[field.name] = frozenset(phrase_key(phrase) for table in tables for phrase in table)
        else:
            joined[field.name] = {phrase_key(phrase): value for table in tables for phrase, value in table.items()}
    return Vocabulary(**joined)


def first_words(vocabulary: Vocabulary) -> frozenset[str]:
    """The first words of all phrases."""
    return frozenset(phrase.split(" ")[0] for field in fields(Vocabulary) for phrase in getattr(vocabulary, field.name))


def split_phrases(text: str) -> frozenset[str]:
    """The phrases between the bars of a text."""
    return frozenset(_split(text))


def _split(text: str) -> Iterator[str]:
    return (phrase.strip() for phrase in text.split("|"))
