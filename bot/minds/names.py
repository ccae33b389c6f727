"""Looks up adapters and modes by the names people use: exact, inflected or misspelt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz

from bot.minds.grammar import RESERVED, normalise
from bot.text.words import RUSSIAN_CASE_ENDINGS, common_prefix_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.minds.mind import Mind

SUGGESTION_THRESHOLD: Final = 60.0
"""Similarity, out of 100, at which a name is suggested."""
TYPO_THRESHOLD: Final = 75.0
"""Similarity, out of 100, at which a name counts as a typing error."""

_LATIN_KEYS = "qwertyuiop[]asdfghjkl;'zxcvbnm,./`"
_RUSSIAN_KEYS = "йцукенгшщзхъфывапролджэячсмитьбю.ё"
_KEYBOARD_LAYOUT_SWAP = str.maketrans(_LATIN_KEYS + _RUSSIAN_KEYS, _RUSSIAN_KEYS + _LATIN_KEYS)
_DIGRAPHS = {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya"}
_TO_LATIN: Final[dict[int, int | str | None]] = {
    **str.maketrans("абвгдеёзийклмнопрстуфхыэ", "abvgdeeziyklmnoprstufhye", "ъь"),
    **{ord(letter): latin for letter, latin in _DIGRAPHS.items()},
}
_FURTHER_ENDINGS = "о й ь ам ах ай ям ях яй ех им их ий ым ых ый ох ами ями ов ев ью"
"""Of nouns in the plural and of adjectives."""
_RUSSIAN_ENDINGS: Final = RUSSIAN_CASE_ENDINGS | set(_FURTHER_ENDINGS.split())
_MIN_STEM_LENGTH = 3


def name_key(text: str) -> str:
    """The form in which names are compared: normalised, with е for ё."""
    return normalise(text).replace("ё", "е")


def find_name(name: str, mind: Mind) -> str | None:
    """The adapter or named mode with exactly this name or alias."""
    return mind.names.get(name_key(name))


def find_inflected(word: str, mind: Mind) -> str | None:
    """As `find_name`, but also `auto` and `base`, Russian names in any grammatical case and English ones in the plural.

    None if the word fits several.
    """
    key = name_key(word)
    if exact := _vocabulary(mind).get(key):
        return exact
    found = {name for alias, name in _vocabulary(mind).items() if _is_inflection(key, alias)}
    return found.pop() if len(found) == 1 else None


def nearest_names(name: str, mind: Mind, min_score: float = SUGGESTION_THRESHOLD) -> tuple[str, ...]:
    """At most three names similar to `name`, the most similar first.

    A name typed in the other keyboard layout, or transliterated, is similar too.
    """
    written = tuple(_spellings(name_key(name)))
    best: dict[str, float] = {}
    for alias, target in _vocabulary(mind).items():
        score = max(fuzz.ratio(spelling, form) for spelling in written for form in (alias, _transliterate(alias)))
        best[target] = max(score, best.get(target, 0.0))
    ranked = sorted((-score, target) for target, score in best.items() if score >= min_score)
    return tuple(target for _, target in ranked[:3])


def _vocabulary(mind: Mind) -> dict[str, str]:
    return {**{word: str(mode) for word, mode in RESERVED.items()}, **mind.names}


def _spellings(key: str) -> Iterator[str]:
    yield key
    yield _transliterate(key)
    yield name_key(key.translate(_KEYBOARD_LAYOUT_SWAP))


def _transliterate(key: str) -> str:
    return key.translate(_TO_LATIN)


def _is_inflection(word: str, alias: str) -> bool:
    common = common_prefix_length(word, alias)
    if word.isascii():
        return common >= _MIN_STEM_LENGTH and (word[common:], alias[common:]) == ("s", "")
    return any(
        word[stem:] in _RUSSIAN_ENDINGS and alias[stem:] in _RUSSIAN_ENDINGS
        for stem in range(max(_MIN_STEM_LENGTH, common - 2), common + 1)
    )
