"""Which language a text is in, by its letters."""

from __future__ import annotations

import re
from typing import Final, Literal

_RUSSIAN: Final = re.compile(r"[а-яё]", re.IGNORECASE)
_CYRILLIC: Final = re.compile(r"[\u0400-\u052f]")
_LATIN: Final = re.compile(r"[a-z]", re.IGNORECASE)


def detect_language(text: str) -> Literal["ru", "en"] | None:
    """The language most letters of a text belong to, Russian in a tie; None when it has letters of neither."""
    russian, latin = len(_RUSSIAN.findall(text)), len(_LATIN.findall(text))
    if not russian and not latin:
        return None
    return "ru" if russian >= latin else "en"


def has_russian_letters(text: str) -> bool:
    """Whether a text has any letter of the Russian alphabet."""
    return _RUSSIAN.search(text) is not None


def is_same_alphabet(first: str, second: str) -> bool:
    """Whether both of two texts have Russian letters, or neither has."""
    return has_russian_letters(first) == has_russian_letters(second)


def has_cyrillic_letters(text: str) -> bool:
    """Whether a text has any Cyrillic letter, of Russian or another language."""
    return _CYRILLIC.search(text) is not None
