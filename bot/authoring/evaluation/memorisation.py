"""The longest span of words that answers have from training dialogues, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WORD: Final = re.compile(r"\w+")
_BASE: Final = 0x9E3779B97F4A7C15
"""An odd number with mixed bits: it has an inverse modulo 2**64."""
_INVERSE: Final = pow(_BASE, -1, 1 << 64)

_Numbers = NDArray[np.uint64]


def longest_copied(texts: Iterable[str], known: Iterable[str], seed: int = 0) -> int:
    """Words of the longest span that any of the texts shares with any known one, whatever case and signs between.

    Takes time linear in all the words, times the logarithm of the longest text: the spans of one length are compared
    by hashes, and the longest length is found by halving, since a span that is shared has all its parts shared.
    """
    vocabulary = _Vocabulary(seed)
    ours, theirs = vocabulary.encode(texts), vocabulary.encode(known)
    least, most = 0, min(len(ours), len(theirs))
    while least < most:
        middle = (least + most + 1) // 2
        if np.isin(_span_hashes(ours, middle), _span_hashes(theirs, middle)).any():
            least = middle
        else:
            most = middle - 1
    return least


class _Vocabulary:
    """Gives each word a random number, the same wherever it stands."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._numbers: dict[str, int] = {}

    def encode(self, texts: Iterable[str]) -> _Numbers:
        """The words of all texts one after the other; after each text a number that stands nowhere else."""
        numbers: list[int] = []
        for text in texts:
            for word in _WORD.findall(text):
                folded = word.casefold()
                if folded not in self._numbers:
                    self._numbers[folded] = self._draw()
                numbers.append(self._numbers[folded])
            numbers.append(self._draw())
        return np.array(numbers, dtype=np.uint64)

    def _draw(self) -> int:
        return int(self._random.integers(1, (1 << 64) - 1, dtype=np.uint64))


def _span_hashes(words: _Numbers, length: int) -> _Numbers:
    """A hash of every span of so many words: a polynomial in `_BASE`, modulo 2**64."""
    count = len(words)
    if length > count:
        return np.zeros(0, np.uint64)
    with np.errstate(over="ignore"):  # modulo 2**64 is meant
        summed = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words * _powers(_BASE, count), dtype=np.uint64)])
        hashes: _Numbers = (summed[length:] - summed[:-length]) * _powers(_INVERSE, count - length + 1)
    return hashes


def _powers(base: int, count: int) -> _Numbers:
    """The powers of a number from 0, modulo 2**64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)
