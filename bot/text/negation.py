"""Whether a text negates what it states, in Russian and English."""

from __future__ import annotations

import re
from typing import Final

_COMMON: Final = (
    "not", "no", "never", "none", "nothing", "neither", "without", "cannot",
    "не", "нет", "ни", "никогда", "ничего", "никто", "без", "нельзя",
)  # fmt: skip
NEGATIONS: Final = frozenset((*_COMMON, "nor"))
_PATTERN: Final = re.compile(rf"(?<!\w)(?:{'|'.join(_COMMON)}|\w+n['’]t)(?!\w)", re.IGNORECASE)


def is_contraction(word: str) -> bool:
    """Whether a word ends in "n't"."""
    return word.endswith("n't")


def mentions_negation(text: str) -> bool:
    """Whether a text has any negation but "nor", also one right before a comparative."""
    return _PATTERN.search(text) is not None
