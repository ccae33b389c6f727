"""Words: one spelling to compare them by, their stems, and whether two are forms of one."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Final

import snowballstemmer

from bot.text.language import has_russian_letters

RUSSIAN_CASE_ENDINGS: Final = frozenset(("", *["а", "я", "ы", "и", "е", "у", "ю", "ой", "ей", "ом", "ем"]))
"""Endings of a Russian noun in the singular, ё written as е."""

_CONSONANT: Final = "[бвгджзклмнпрстфхцчшщ]"
# A vowel that comes and goes in the forms of a Russian word: белок and белка, день and дня.
_FLEETING_VOWEL: Final = re.compile(rf"(?<={_CONSONANT})[ое](?={_CONSONANT}$)")
_SHORT_STEM: Final = re.compile(rf"^({_CONSONANT}{{2}})[аеиоуыюя]$")
_MAX_FLEETING_STEM: Final = 6
_STEMMERS: Final = {name: snowballstemmer.stemmer(name) for name in ("russian", "english")}
_STEMMER_LOCK: Final = threading.Lock()
"""A stemmer keeps the word it works on in itself."""


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as one text, separated by blanks."""
    return frozenset(text.split())


def fold(text: str) -> str:
    """A text in lower case, ё written as е and ’ as '."""
    return text.lower().replace("ё", "е").replace("’", "'")


@lru_cache(65536)
def stem(word: str) -> str:
    """What the forms of a word have in common.

    Args:
        word: folded.
    """
    is_russian = has_russian_letters(word)
    with _STEMMER_LOCK:
        stemmed: str = _STEMMERS["russian" if is_russian else "english"].stemWord(word.removesuffix("'s"))
    if not is_russian:
        return stemmed
    # The stemmer leaves the ending on short words.
    stemmed = _SHORT_STEM.sub(r"\1", stemmed)
    return _FLEETING_VOWEL.sub("", stemmed) if len(stemmed) <= _MAX_FLEETING_STEM else stemmed


def common_prefix_length(first: str, second: str) -> int:
    """How many letters two words begin with in common."""
    length = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        length += 1
    return length


def is_same_word_form(first: str, second: str) -> bool:
    """Whether two words look like forms of one: they share three letters or more and differ in the ending."""
    if first == second:
        return True
    common = common_prefix_length(first, second)
    shorter = min(len(first), len(second))
    ending = max(len(first), len(second)) - common
    return common >= shorter - 2 and ending <= (3 if common >= 4 else 2 if common == 3 else 0)
