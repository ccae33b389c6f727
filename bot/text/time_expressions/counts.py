"""Reads lengths of time: three weeks, a year and a half, «пару дней», «недели две»."""

from __future__ import annotations

from typing import Final, TypeAlias

from bot.text.numerals import parse_numeral
from bot.text.time_expressions.spans import Unit
from bot.text.time_expressions.tokens import Words
from bot.text.time_expressions.vocabulary import Vocabulary

Length: TypeAlias = tuple[float, Unit]
MAX_COUNT: Final = 10_000
"""Above this a number counts no units of time that a person speaks of."""


def read_count(words: Words, vocabulary: Vocabulary, at: int) -> tuple[float, int] | None:
    """A number that counts units, with the index after it."""
    if found := words.find(vocabulary.counts, at):
        return found
    numeral = parse_numeral(words.texts, at) if words.text(at) else None
    if numeral is None:
        return None
    try:
        value = float(numeral.value)
    except ValueError:
        # A date or a time.
        return None
    return (value, numeral.end) if 0 < value <= MAX_COUNT else None


def read_length(words: Words, vocabulary: Vocabulary, at: int) -> tuple[Length, int] | None:
    """A count and its unit, or a word for both, with the index after them."""
    if found := words.find(vocabulary.lengths, at):
        return found
    if counted := read_count(words, vocabulary, at):
        count, after = counted
        if unit := words.find(vocabulary.units, after):
            (factor, name), end = unit
            half_end = words.skip(vocabulary.and_a_half, end)
            return (factor * (count + (0.5 if half_end > end else 0)), name), half_end
    return None


def read_unit(words: Words, vocabulary: Vocabulary, at: int) -> tuple[Length, int] | None:
    """A unit without a number, with the index after it: неделю, год с половиной."""
    found = words.find(vocabulary.units, at)
    if found is None:
        return None
    (factor, name), end = found
    half_end = words.skip(vocabulary.and_a_half, end)
    return (factor * (1.5 if half_end > end else 1), name), half_end


def read_single_unit(words: Words, vocabulary: Vocabulary, at: int) -> tuple[Length, int] | None:
    """A unit in a form that counts one without a number: «неделю назад», but not "weeks ago"."""
    return read_unit(words, vocabulary, at) if words.starts(vocabulary.single_units, at) else None


def is_plural(words: Words, vocabulary: Vocabulary, end: int) -> bool:
    """Whether a unit that ends before an index means a few."""
    return words.text(end - 1) in vocabulary.plurals or " ".join(words.texts[end - 2 : end]) in vocabulary.plurals


def read_inverted(words: Words, vocabulary: Vocabulary, at: int) -> tuple[Length, int] | None:
    """A unit before its count: Russian puts the number last when it is not exact, «недели две»."""
    unit = words.find(vocabulary.units, at)
    counted = read_count(words, vocabulary, unit[1]) if unit else None
    if unit is None or counted is None:
        return None
    (factor, name), _ = unit
    return (factor * counted[0], name), counted[1]
