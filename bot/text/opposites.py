"""Pairs of opposites: a sentence with only one word of a pair is no evidence for a statement with only the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

_MORE: Final = ("more", "больше", "более", "выше")
_LESS: Final = ("less", "fewer", "меньше", "менее", "ниже")
_LATER: Final = ("later", "позже")
_EARLIER: Final = ("earlier", "раньше")
COMPARATIVES: Final = frozenset((*_MORE, *_LESS, *_LATER, *_EARLIER))

# Name of the pair, patterns of its two sides.
_PAIRS: Final = (
    ("before", r"before|до", r"after|после"),
    ("more", "|".join((*_MORE, "above", "свыше")), "|".join((*_LESS, "below"))),
    ("later", "|".join((*_LATER, "позднее")), "|".join((*_EARLIER, "sooner", "ранее"))),
    (
        "grows",
        r"increas\w*|grow\w*|ris(?:e|es|ing)|увелич\w*|раст(?:ет|ут|ить|и)|повыша\w*|повыси\w*",
        r"decreas\w*|reduc\w*|fall(?:s|ing)?|уменьш\w*|снижа\w*|снизи\w*|понижа\w*|понизи\w*|пада\w*",
    ),
    ("useful", r"useful|helpful|helps?|полезн\w*|полезен", r"useless|harm\w*|вред\w*|бесполез\w*|неполез\w*"),
    ("twice", r"twice|дважды|двукратн\w*", r"thrice|трижды|трехкратн\w*"),
)
_PATTERNS: Final = [(name, re.compile(positive), re.compile(negative)) for name, positive, negative in _PAIRS]
_REVERSIBLE: Final = frozenset(("more", "later"))
"""Pairs that a "not" before the word turns around: not less than seven is seven or more."""
_REVERSING_WORDS: Final = frozenset(("not", "no", "не"))
"""A deliberate few of all negations: "never less" says something else than "not less"."""
_OPPOSITE_SIDE: Final = {"+": "-", "-": "+"}


def find_polarities(words: Sequence[str], numbers: Collection[int]) -> frozenset[tuple[str, str]]:
    """Which sides of which pairs a text takes, as (name of the pair, "+" or "-").

    Args:
        words: in lower case, ё written as е.
        numbers: indices of the words that belong to numbers: «до» before one is the end of a range.
    """
    polarities = set()
    for at, word in enumerate(words):
        if word == "до" and at + 1 in numbers:
            continue
        for name, positive, negative in _PATTERNS:
            side = "+" if positive.fullmatch(word) else "-" if negative.fullmatch(word) else None
            if side is not None:
                is_reversed = name in _REVERSIBLE and at > 0 and words[at - 1] in _REVERSING_WORDS
                polarities.add((name, _OPPOSITE_SIDE[side] if is_reversed else side))
    return frozenset(polarities)


def contradict(statement: Collection[tuple[str, str]], other: Collection[tuple[str, str]]) -> bool:
    """Whether a statement takes a side where the other text takes only the opposite one.

    Args:
        statement, other: what `find_polarities` returns for each.
    """
    return any(
        (name, side) not in other
        and (name, _OPPOSITE_SIDE[side]) in other
        and (name, _OPPOSITE_SIDE[side]) not in statement
        for name, side in statement
    )
