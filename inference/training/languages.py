"""Which language a training text is in, told apart as far as a report needs it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

_RUSSIAN: Final = re.compile(r"[а-яё]", re.IGNORECASE)
_LATIN: Final = re.compile(r"[a-z]", re.IGNORECASE)
_LETTER: Final = re.compile(r"[^\W\d_]")
_ENGLISH_WORD: Final = re.compile(r"[a-z']+", re.IGNORECASE)
_COMMON: Final = frozenset(
    {"the", "and", "of", "to", "are", "you", "your", "it", "that", "this", "my", "we", "not", "for", "with", "as", "at"}
    | {
        "what",
        "how",
        "can",
        "if",
        "but",
        "have",
        "has",
        "would",
        "they",
        "she",
        "from",
        "when",
        "why",
        "which",
        "there",
    }
)
_MIXED_SHARE: Final = 0.25
"""Share of letters from which the smaller alphabet makes a text mixed; below it are names and terms."""
_ENOUGH_WORDS: Final = 12
_COMMON_SHARE: Final = 0.08
"""Share of common words that any English text of some length has."""


class TextLanguage(StrEnum):
    """What a report says of a text."""

    RUSSIAN = "ru"
    ENGLISH = "en"
    MIXED = "mixed"
    OTHER = "other"
    NONE = "no words"


def tell_language(text: str) -> TextLanguage:
    """The language of a text: by its letters, and of long Latin texts by common English words too."""
    letters = len(_LETTER.findall(text))
    if not letters:
        return TextLanguage.NONE
    russian, latin = len(_RUSSIAN.findall(text)) / letters, len(_LATIN.findall(text)) / letters
    if min(russian, latin) >= _MIXED_SHARE:
        return TextLanguage.MIXED
    if max(russian, latin) < 1 - _MIXED_SHARE and russian + latin < 0.9:
        return TextLanguage.OTHER
    if russian >= latin:
        # Ukrainian, Belarusian and Serbian have letters of their own beside the Russian ones.
        return TextLanguage.RUSSIAN if 1 - russian - latin < 0.02 else TextLanguage.OTHER
    return TextLanguage.ENGLISH if _looks_english(text) else TextLanguage.OTHER


def _looks_english(text: str) -> bool:
    words = [word.lower() for word in _ENGLISH_WORD.findall(text)]
    return len(words) < _ENOUGH_WORDS or sum(word in _COMMON for word in words) >= _COMMON_SHARE * len(words)
