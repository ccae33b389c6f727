"""How much a message leans on the conversation before it: “and on rest days?” does, “why is the sky blue?” does not.

Told by its likeness to typical follow-ups, and by words that point back. What it says on its own can still outweigh it.
"""

from __future__ import annotations

import re
from typing import Final

from bot.answering.routing.features import Vectors
from bot.text.words import fold

MAX_BONUS: Final = 10.0
"""Log-odds that the subject so far gains from the clearest follow-up."""
DECAY: Final = 0.8
"""Of the bonus, for each turn since the subject was last spoken of."""
_SLOPE: Final = 16.0
_UNRELATED: Final = 0.35
"""The likeness to a follow-up that a message about something new has."""
_WORD_CUE: Final = 0.1
"""What a word that points back adds to the likeness."""
_SMALL_TALK: Final = 0.6
"""Likeness to small talk at which a message is no follow-up if it is less like one."""
_LINKS: Final = frozenset(("а", "и", "но", "или", "ну", "да", "and", "but", "or", "so", "then"))
"""At the beginning of a message."""
_LINKING_PHRASES: Final = ("what about", "how about")
# fmt: off
_POINTERS: Final = frozenset((
    "it", "that", "this", "these", "those", "they", "them", "him", "he", "she", "there", "then",
    "это", "этого", "этому", "этим", "этом", "этот", "эта", "эту", "эти", "этих", "так", "такое", "такой", "такая",
    "такие", "тогда", "он", "она", "оно", "они", "ему", "ей", "им", "ним", "них", "нем", "ней", "нему", "там", "туда",
))
# fmt: on
_WORD: Final = re.compile(r"\w+")


def follow_up_bonus(message: str, vector: Vectors, follow_ups: Vectors, small_talk: Vectors) -> float:
    """Log-odds that the subject so far gains: 0 to `MAX_BONUS`.

    Args:
        vector: that of the message.
        follow_ups: (texts, dimensions) of typical follow-ups.
        small_talk: (texts, dimensions) of greetings, thanks and the like.
    """
    likeness = float((follow_ups @ vector).max(initial=0))
    likeness_to_small_talk = float((small_talk @ vector).max(initial=0))
    if likeness_to_small_talk > max(likeness, _SMALL_TALK):
        return 0.0
    bonus = _SLOPE * (likeness + _WORD_CUE * _count_cues(fold(message)) - _UNRELATED)
    return min(max(bonus, 0.0), MAX_BONUS)


def _count_cues(message: str) -> int:
    """0 to 2: whether a link begins a message, and whether a word in it points back."""
    words = _WORD.findall(message)
    has_link = bool(words) and (words[0] in _LINKS or " ".join(words).startswith(_LINKING_PHRASES))
    return has_link + (not _POINTERS.isdisjoint(words))
