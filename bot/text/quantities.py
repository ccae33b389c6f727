"""Numbers of a text with sign and unit: digits, words, ordinals, fractions, Roman numerals, dates in digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.text.language import has_russian_letters
from bot.text.morphology import read_word
from bot.text.numerals import ENGLISH_ORDINALS, RUSSIAN_ORDINALS, find_numerals, is_numeric
from bot.text.units import UNIT_SIGNS, unit_of
from bot.text.words import word_set


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text."""

    value: str
    """In decimal digits with its sign; a fraction as 2/3; a time as written; a month as ``month:7``."""
    start: int
    """Index of its first token."""
    end: int
    """Index after its last token. The unit is not part of it."""
    unit: str | None = None
    is_ordinal: bool | None = None
    """None where digits leave it open: week 4 is the fourth."""
    is_range: bool = False
    """Whether it is one end of a range: 45 to 60, from 4 to 6."""
    month: int | None = None


MINUS: Final = "−"
"""The token of a sign. A text is prepared (`mark_signs`) so that it is nothing else."""
_SIGN: Final = re.compile(r"(?<![^\s(\[«\"“:])[-–−](?=\d)")
_RANGE_DASH: Final = re.compile(r"(?<=\d)\s?−\s?(?=\d)")
_MINUS_WORDS: Final = frozenset(("minus", "минус"))
_ENGLISH_SUFFIXES: Final = word_set("st nd rd th s")
_RUSSIAN_SUFFIXES: Final = word_set("й я е го му м х ой ый ая ое ую ю ого ому ом ые ых ми ти")
_ROMAN: Final = re.compile(r"(?=[IVXL])(XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50}
_CYRILLIC_ROMAN: Final = str.maketrans("ХІ", "XI")
_CENTURY_WORDS: Final = word_set("century centuries век века веке веку веков вв столетие столетия столетии")
_ONE: Final = word_set("one один одна одно одного одной одну одним одном одному")
_HALVES: Final = word_set("half половина половины половину половине")
_QUARTERS: Final = word_set("quarter quarters четверть четверти четвертью четвертей")
_THIRDS: Final = word_set("треть трети третью")
_RANGE_MARKS: Final = frozenset(("to", "–", "-", "до", "or", "или", "and", "и"))
_NUMERIC_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)|(\d{1,2})\.(\d{1,2})\.(\d{4}|\d\d)")
_YEARS: Final = range(1000, 2101)
_POWERS: Final = {"square": "²", "cubic": "³", "квадратный": "²", "кубический": "³"}
_PERCENTS: Final = {"1/2": "50", "1/4": "25", "3/4": "75", "1/5": "20", "2/5": "40", "3/5": "60", "4/5": "80"}
"""Fractions of a whole, and what they are in percents: half of the sessions, 50 % of them."""


def mark_signs(text: str) -> str:
    """A text where the minus of a number is `MINUS`, and a dash between two numbers is not."""
    return _SIGN.sub(MINUS, _RANGE_DASH.sub("–", text))


def find_quantities(tokens: Sequence[str], words: Sequence[str]) -> list[Quantity]:
    """The numbers among the tokens of a text, in order.

    Args:
        tokens: words, numbers in digits, signs and marks, each by itself.
        words: the same, folded.
    """
    found = list(_find(tokens, words))
    for at, quantity in enumerate(found):
        found[at] = _as_percent(_with_unit(quantity, words), words)
    for at in range(len(found) - 2, -1, -1):
        found[at], found[at + 1] = _join_range(found[at], found[at + 1], words)
    return found


def _find(tokens: Sequence[str], words: Sequence[str]) -> Iterator[Quantity]:
    numerals = {numeral.start: numeral for numeral in find_numerals(words)}
    at = 0
    while at < len(words):
        quantity: Quantity | None = None
        if date := _NUMERIC_DATE.fullmatch(words[at]):
            yield from _date(date, at)
            at += 1
            continue
        sign = "-" if words[at] in _MINUS_WORDS or tokens[at] == MINUS else ""
        quantity = _fraction(words, at) or _roman(tokens, words, at)
        if quantity is None and (numeral := numerals.get(at + 1 if sign else at)):
            is_ordinal = None if is_numeric(words[numeral.start]) else False
            quantity = Quantity(sign + numeral.value, at, numeral.end, is_ordinal=is_ordinal)
            quantity = _as_ordinal(quantity, words)
        if quantity is None and (value := _ordinal(words[at])):
            quantity = Quantity(str(value), at, at + 1, is_ordinal=True)
        if quantity is None and words[at] in _ONE and (_is_counted(words, at + 1) or _ends_count(words, at, numerals)):
            quantity = Quantity("1", at, at + 1, is_ordinal=False)
        if quantity is None:
            at += 1
            continue
        yield quantity
        at = quantity.end


def _date(match: re.Match[str], at: int) -> Iterator[Quantity]:
    year, month, day = match.group(1, 2, 3) if match[1] else (match[6], match[5], match[4])
    if len(year) == 2:
        year = f"20{year}"
    yield Quantity(str(int(day)), at, at + 1)
    yield Quantity(f"month:{int(month)}", at, at + 1, month=int(month))
    yield Quantity(year, at, at + 1)


def _fraction(words: Sequence[str], at: int) -> Quantity | None:
    """Two thirds, a quarter, половина."""
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    if word in _HALVES:
        return Quantity("1/2", at, at + 1, is_ordinal=False)
    if word in _QUARTERS:
        return Quantity("1/4", at, at + 1, is_ordinal=False)
    if word in _THIRDS:
        return Quantity("1/3", at, at + 1, is_ordinal=False)
    numerators = {"one": 1, "two": 2, "three": 3, "four": 4, "две": 2, "одна": 1, "три": 3, "четыре": 4, "двух": 2}
    if word in numerators:
        if following in _THIRDS or following in ("third", "thirds"):
            return Quantity(f"{numerators[word]}/3", at, at + 2, is_ordinal=False)
        if following in _QUARTERS:
            return Quantity(f"{numerators[word]}/4", at, at + 2, is_ordinal=False)
        if following in ("fifth", "fifths", "пятая", "пятых", "пятые"):
            return Quantity(f"{numerators[word]}/5", at, at + 2, is_ordinal=False)
    return None


def _roman(tokens: Sequence[str], words: Sequence[str], at: int) -> Quantity | None:
    roman = tokens[at].translate(_CYRILLIC_ROMAN)
    if not _ROMAN.fullmatch(roman):
        return None
    near = (*words[max(0, at - 1) : at], *words[at + 1 : at + 2])
    if len(roman) == 1 and _CENTURY_WORDS.isdisjoint(near):
        return None
    values = [_ROMAN_VALUES[letter] for letter in roman]
    total = sum(
        -value if index + 1 < len(values) and values[index + 1] > value else value for index, value in enumerate(values)
    )
    return Quantity(str(total), at, at + 1)


def _as_ordinal(quantity: Quantity, words: Sequence[str]) -> Quantity:
    """With its ordinal end: 19th, 1936-й, twenty-first, двадцать первый."""
    end = quantity.end
    after = words[end] if end < len(words) else ""
    if is_numeric(words[end - 1]):
        if after in _ENGLISH_SUFFIXES:
            return replace(quantity, end=end + 1)
        if after == "-" and end + 1 < len(words) and words[end + 1] in _RUSSIAN_SUFFIXES:
            return replace(quantity, end=end + 2)
        return quantity
    value = _ordinal(after) if after else None
    tens = int(quantity.value) if quantity.value.isdigit() else 0
    if value and value < 10 and tens >= 20 and tens % 10 == 0:
        return replace(quantity, value=str(tens + value), end=end + 1, is_ordinal=True)
    return quantity


def _ordinal(word: str) -> int | None:
    if has_russian_letters(word):
        return next((RUSSIAN_ORDINALS[lemma] for lemma in read_word(word).lemmas if lemma in RUSSIAN_ORDINALS), None)
    return ENGLISH_ORDINALS.get(word)


def _is_counted(words: Sequence[str], at: int) -> bool:
    """Whether what follows "one" is counted by it: one week, один час."""
    return at < len(words) and unit_of(words[at], after_number=True) is not None


def _ends_count(words: Sequence[str], at: int, numerals: Mapping[int, object]) -> bool:
    """Whether "one" at the end of a clause counts what a number before it counts: "two lessons, the others one"."""
    is_last = at + 1 >= len(words) or words[at + 1] in ".,;!)"
    return is_last and any(start < at for start in numerals)


def _with_unit(quantity: Quantity, words: Sequence[str]) -> Quantity:
    after = words[quantity.end] if quantity.end < len(words) else ""
    if (power := _power_of(after)) and quantity.end + 1 < len(words):
        unit = unit_of(words[quantity.end + 1], after_number=True)
        return replace(quantity, unit=f"{unit}{power}", end=quantity.end + 1) if unit else quantity
    if after == "°" and quantity.end + 1 < len(words) and words[quantity.end + 1] in ("c", "f", "с"):
        return replace(quantity, unit="fahrenheit" if words[quantity.end + 1] == "f" else "celsius")
    if after.startswith("°") and len(after) > 1:
        return replace(quantity, unit="fahrenheit" if after.endswith("f") else "celsius")
    unit = unit_of(after, after_number=True) if after else None
    if unit == "gram" and after == "г" and quantity.value.isdigit() and int(quantity.value) in _YEARS:
        unit = "year"
    if unit == "volt" and after == "в":
        unit = None
    if unit is None and quantity.start and words[quantity.start - 1] in UNIT_SIGNS:
        unit = unit_of(words[quantity.start - 1], after_number=True)
    if unit == "degree" and quantity.end + 1 < len(words):
        scale = unit_of(words[quantity.end + 1], after_number=True)
        unit = scale if scale in ("celsius", "fahrenheit") else unit
    return replace(quantity, unit=unit)


def _power_of(word: str) -> str | None:
    """What "square" and "cubic" make of the unit after them."""
    return next((_POWERS[lemma] for lemma in (word, *read_word(word).lemmas) if lemma in _POWERS), None)


def _as_percent(quantity: Quantity, words: Sequence[str]) -> Quantity:
    """A fraction of a whole in percents; "half a litre" and "the second quarter" are none."""
    percents = _PERCENTS.get(quantity.value)
    after = words[quantity.end] if quantity.end < len(words) else ""
    if percents is None or quantity.unit is not None or not (after == "of" or has_russian_letters(after)):
        return quantity
    return replace(quantity, value=percents, unit="percent")


def _join_range(first: Quantity, second: Quantity, words: Sequence[str]) -> tuple[Quantity, Quantity]:
    """Two numbers that are the ends of a range share its unit."""
    between = words[first.end : second.start]
    if len(between) != 1 or between[0] not in _RANGE_MARKS:
        return first, second
    if first.unit is None:
        first = replace(first, unit=second.unit)
    if between[0] in ("and", "и", "or", "или"):
        return first, second
    return replace(first, is_range=True), replace(second, is_range=True)
