"""Texts that are equal or nearly so: MinHash over runs of characters, and each find compared in full.

MinHash: Broder, 1997, “On the resemblance and containment of documents”. A near text shares at least `NEAR` of its
runs with the other, which finds a changed word or typing error in a sentence, and no sentence in other words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import Final

import numpy as np
import numpy.typing as npt

NEAR: Final = 0.75
"""Jaccard similarity of two texts' runs from which they are near."""
MIN_NEAR_CHARACTERS: Final = 20
"""In a shorter text a single other word is another matter: only equal ones count."""
_RUN: Final = 4
"""Characters of a run."""
_BANDS, _ROWS = 16, 4
"""Of texts that are just near these miss two in a thousand, and of nearer ones fewer."""
_MAX_CANDIDATES: Final = 64
_WORD: Final = re.compile(r"\w+")
_NUMBER: Final = re.compile(r"\d+")

Hashes = npt.NDArray[np.uint32]
"""Of 32 bits: processors multiply eight of them at once, and a rare collision only adds a candidate."""

_random = np.random.default_rng(7)
_FACTORS: Final[Hashes] = _random.integers(0, 2**31, (_BANDS * _ROWS, 1), np.uint32) * np.uint32(2) + np.uint32(1)
_ADDENDS: Final[Hashes] = _random.integers(0, 2**32, (_BANDS * _ROWS, 1), np.uint32)
_PLACES: Final[Hashes] = _random.integers(0, 2**31, _RUN, np.uint32) * np.uint32(2) + np.uint32(1)


def normalise(text: str) -> str:
    """The words of a text without letter case, punctuation and “ё”; the text itself if it has no word."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(_WORD.findall(plain)) or plain.strip()


class NearTexts:
    """Normalised texts, among which equal and near ones are found."""

    def __init__(self) -> None:
        self._equal: dict[str, int] = {}
        self._buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
        self._texts: list[tuple[Hashes, list[str], int]] = []

    def add(self, text: str, key: int) -> None:
        """Remember a text under a key of the caller's; of equal ones the first."""
        if text in self._equal:
            return
        self._equal[text] = key
        if len(text) >= MIN_NEAR_CHARACTERS:
            runs = _runs(text)
            for bucket in _buckets(runs):
                self._buckets[bucket].append(len(self._texts))
            self._texts.append((runs, _NUMBER.findall(text), key))

    def find_equal(self, text: str) -> int | None:
        """The key of the equal text."""
        return self._equal.get(text)

    def find_near(self, text: str) -> int | None:
        """The key of the first text that is near, with the same numbers in it."""
        if len(text) < MIN_NEAR_CHARACTERS:
            return None
        runs, numbers = _runs(text), _NUMBER.findall(text)
        candidates = {index for bucket in _buckets(runs) for index in self._buckets.get(bucket, ())}
        for index in sorted(candidates)[:_MAX_CANDIDATES]:
            others, other_numbers, key = self._texts[index]
            if numbers == other_numbers and _jaccard(runs, others) >= NEAR:
                return key
        return None


def _runs(text: str) -> Hashes:
    """A number for each different run of characters, sorted."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    length = len(codes) - _RUN + 1
    mixed = np.zeros(length, np.uint32)
    for start, factor in enumerate(_PLACES):
        mixed = (mixed ^ (mixed >> np.uint32(15))) * factor + codes[start : start + length]
    return np.unique(mixed * _PLACES[0])


def _buckets(runs: Hashes) -> list[tuple[int, bytes]]:
    """The buckets in which a text lies: near ones share at least one, almost surely."""
    signature = (runs * _FACTORS + _ADDENDS).min(axis=1)
    return [(band, rows.tobytes()) for band, rows in enumerate(signature.reshape(_BANDS, _ROWS))]


def _jaccard(first: Hashes, second: Hashes) -> float:
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)
