"""Opposites: of a statement with one word of a pair no sentence with only the other is proof."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

_PAIRS: Final = (
    ("before", r"before|до", r"after|после"),
    ("more", r"more|above|больше|более|выше|свыше", r"less|fewer|below|меньше|менее|ниже"),
    ("later", r"later|позже|позднее", r"earlier|sooner|раньше|ранее"),
    (
        "grows",
        r"increas\w*|grow\w*|ris(?:e|es|ing)|увелич\w*|раст(?:ет|ут|ить|и)|повыша\w*|повыси\w*",
        r"decreas\w*|reduc\w*|fall(?:s|ing)?|уменьш\w*|снижа\w*|снизи\w*|понижа\w*|понизи\w*|пада\w*",
    ),
    ("useful", r"useful|helpful|helps?|полезн\w*|полезен", r"useless|harm\w*|вред\w*|бесполез\w*|неполез\w*"),
    ("twice", r"twice|дважды|двукратн\w*", r"thrice|трижды|трехкратн\w*"),
)
_PATTERNS: Final = [(name, re.compile(one), re.compile(other)) for name, one, other in _PAIRS]
_NEGATIONS: Final = frozenset(("not", "no", "не"))
_NEGATABLE: Final = frozenset(("more", "later"))
"""Comparisons, which a “not” before them turns round: not less than seven is seven or more."""
_OPPOSITE_SIGN: Final = {"+": "-", "-": "+"}


def find_polarities(words: Sequence[str], numbers: Collection[int]) -> frozenset[tuple[str, str]]:
    """Which sides of which pairs a text takes.

    Args:
        words: in lower case, ё written as е.
        numbers: indices of the words that say numbers: “до” before one is the end of a range.
    """
    found = set()
    for at, word in enumerate(words):
        if word == "до" and at + 1 in numbers:
            continue
        for name, one, other in _PATTERNS:
            side = "+" if one.fullmatch(word) else "-" if other.fullmatch(word) else None
            if side is not None:
                turned = name in _NEGATABLE and at > 0 and words[at - 1] in _NEGATIONS
                found.add((name, _OPPOSITE_SIGN[side] if turned else side))
    return frozenset(found)


def contradict(statement: Collection[tuple[str, str]], other: Collection[tuple[str, str]]) -> bool:
    """Whether a statement takes a side where the other text takes only the opposite one."""
    return any(
        (name, side) not in other
        and (name, _OPPOSITE_SIGN[side]) in other
        and (name, _OPPOSITE_SIGN[side]) not in statement
        for name, side in statement
    )
