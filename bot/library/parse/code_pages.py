"""Guesses the code page of a text in Russian or a Western language, by how its letters go together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

CODE_PAGES: Final = ("cp1251", "koi8_r", "cp866", "mac_cyrillic", "cp1252")
"""Of equally good ones the first is taken."""

_SHARES: Final = {
    letter: share
    for letters, share in (
        ("о", 1.0), ("еаинтс", 0.7), ("рвлк", 0.45), ("мдпу", 0.3), ("яыьгзб", 0.18), ("чйхжшю", 0.1), ("цщэф", 0.04),
        ("ъё", 0.02), ("іїєґ", 0.05),
    )
    for letter in letters
}  # fmt: skip
"""How common each letter is, compared with the most common one."""
_TYPOGRAPHY: Final = frozenset("«»„“”‘’—–…№°§±\u00a0•€©®")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN: Final = re.compile(r"[a-zA-Z]")


def guess_code_page(sample: bytes) -> str:
    """The code page in which a sample reads best; its bytes over 127 decide."""
    return max(CODE_PAGES, key=lambda page: _score(sample.decode(page, "replace"), page))


def _score(text: str, page: str) -> float:
    """How well a text reads: the higher, the better."""
    letters: set[int] = set()
    score = 0.0
    for word, start in _words(text):
        letters.update(range(start, start + len(word)))
        score += _western_score(word) if page == "cp1252" else _cyrillic_score(word)
    for place, character in enumerate(text):
        if ord(character) > 127 and place not in letters:
            score += 0.1 if character in _TYPOGRAPHY else -1.0
    return score


def _words(text: str) -> Iterator[tuple[str, int]]:
    """The words that have letters beyond ASCII, and where they begin."""
    for match in _WORD.finditer(text):
        if not match[0].isascii():
            yield match[0], match.start()


def _cyrillic_score(word: str) -> float:
    is_cased = word.islower() or word.isupper() or word.istitle()
    foreign = 1.0 if _LATIN.search(word) else 0.0
    shares = (_SHARES.get(letter, -1.0) - foreign for letter in word.lower() if ord(letter) > 127)
    return sum(shares) - (0 if is_cased else 0.7 * len(word)) - (0.02 * len(word) if word.isupper() else 0)


def _western_score(word: str) -> float:
    """Letters with accents stand between plain ones: a word has more of the plain."""
    accented = sum(ord(letter) > 127 for letter in word)
    is_cased = word.islower() or word.isupper() or word.istitle()
    if accented * 2 > len(word) and len(word) > 1:
        return -1.0 * accented
    return (0.6 if is_cased else -0.6) * accented
