"""Whether a text negates what it states, in Russian and English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from bot.text.opposites import COMPARATIVES

_COMMON: Final = (
    "not", "no", "never", "none", "nothing", "neither", "without", "cannot",
    "не", "нет", "ни", "никогда", "ничего", "никто", "без", "нельзя",
)  # fmt: skip
NEGATIONS: Final = frozenset((*_COMMON, "nor"))
_NOT_DENIED: Final = COMPARATIVES | {"only", "than", "только"}
"""A negation right before one of these negates nothing: not less than seven, не только."""
_PATTERN: Final = re.compile(rf"(?<!\w)(?:{'|'.join(_COMMON)}|\w+n['’]t)(?!\w)", re.IGNORECASE)


def is_contraction(word: str) -> bool:
    """Whether a word ends in "n't"."""
    return word.endswith("n't")


def negates(words: Sequence[str]) -> bool:
    """Whether the words of a text negate it.

    Args:
        words: in order, in lower case, ё written as е and ’ as '.
    """
    return any(
        (word in NEGATIONS and following not in _NOT_DENIED) or is_contraction(word)
        for word, following in zip_longest(words, words[1:], fillvalue="")
    )


def mentions_negation(text: str) -> bool:
    """Whether a text has any negation but "nor", also one right before a comparative."""
    return _PATTERN.search(text) is not None
