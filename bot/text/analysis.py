"""What a text states, in a form that can be compared: stems of content words, and numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.text.language import has_russian_letters
from bot.text.negation import is_contraction
from bot.text.numerals import DIGITS_PATTERN, find_numerals, is_numeric
from bot.text.stop_words import STOP_WORDS
from bot.text.words import fold, stem

MAX_CHARACTERS: Final = 20_000
"""Characters of a text that are read."""

_WORD: Final = re.compile(DIGITS_PATTERN + r"|[^\W\d_]+(?:'[^\W\d_]+)?")
_UNIT_SIGNS: Final = (("%", "процентов", "percent"), ("$", "долларов", "dollars"), ("€", "евро", "euros"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFeatures:
    """What a text states."""

    stems: frozenset[str] = frozenset()
    """Of its content words; number words are not among them."""
    numbers: frozenset[str] = frozenset()
    measures: frozenset[tuple[str, str]] = frozenset()
    """Each number with the stem of the content word right after it; empty where there is none."""
    labels: frozenset[tuple[str, str]] = frozenset()
    """Each number with the stem of the content word right before it; empty where there is none."""


@lru_cache(4096)
def analyse(text: str) -> TextFeatures:
    """Read a text, Russian or English or both."""
    words = _WORD.findall(_spell_out_signs(fold(text[:MAX_CHARACTERS])))
    numerals = list(find_numerals(words))
    numeric = {at for numeral in numerals for at in range(numeral.start, numeral.end)}

    def stem_at(at: int) -> str:
        is_word = 0 <= at < len(words) and at not in numeric and _is_content(words[at])
        return stem(words[at]) if is_word else ""

    return TextFeatures(
        stems=frozenset(stem(word) for at, word in enumerate(words) if at not in numeric and _is_content(word)),
        numbers=frozenset(numeral.value for numeral in numerals),
        measures=frozenset((numeral.value, stem_at(numeral.end)) for numeral in numerals),
        labels=frozenset((numeral.value, stem_at(numeral.start - 1)) for numeral in numerals),
    )


def _spell_out_signs(text: str) -> str:
    """Percents and currencies as words after their number, like other units."""
    is_russian = has_russian_letters(text)
    for sign, russian, english in _UNIT_SIGNS:
        if sign in text:
            word = russian if is_russian else english
            text = re.sub(rf"{re.escape(sign)}\s?({DIGITS_PATTERN})", rf"\1 {word} ", text).replace(sign, f" {word} ")
    return text


def _is_content(word: str) -> bool:
    return word not in STOP_WORDS and not is_contraction(word) and not is_numeric(word)
