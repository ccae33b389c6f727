"""Whether a message asks, leans on what was said before it, or asks the same as another one. Russian and English.

Two questions can be the same only if they have the same numbers and negations, the same small words that turn a
question round (before, after, more, less), and ask for the same kind of thing: why, when, where, who, how many, how,
what, an example, or whether.
"""

from __future__ import annotations

import math
import re
from typing import Final

from bot.text.analysis import analyse
from bot.text.negation import mentions_negation
from bot.text.numerals import asks_for_number
from bot.text.words import fold

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_DECIDING: Final = re.compile(
    r"\b(?:before|after|during|between|with|without|more|most|less|least|only|every|again|"
    r"до|перед|после|во\s+время|между|с|со|без|больше|более|меньше|менее|только|каждый|снова|опять)\b",
    re.IGNORECASE,
)
"""Words without content that make another question of the same words."""
_KINDS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("why", r"\b(?:why|how\s+come|почему|зачем|отчего|из-за\s+чего)\b"),
        ("when", r"\b(?:when|what\s+time|когда|во\s+сколько)\b"),
        ("where", r"\b(?:where|где|куда|откуда)\b"),
        ("who", r"\b(?:who|whom|whose|кто|кому|кого|чей|чья|чьё)\b"),
        ("how", r"\b(?:how|как|каким\s+образом)\b"),
        (
            "what",
            r"\b(?:what|which|explain|describe|define|tell\s+me|что|какой|какая|какое|какие|чем|объясни\w*|расскажи\w*)\b",
        ),
        (
            "whether",
            (
                r"^\W*(?:is|are|am|was|do|does|did|can|could|should|shall|will|would|may|must|have|has|need)\b|"
                r"\b(?:ли|можно|нужно|надо|стоит|правда|обязательно)\b"
            ),
        ),
    )
)
_ASKS: Final = re.compile(
    r"\?\W*$|^\W*(?:\w+\s+)?(?:why|how|when|where|who|what|which|explain|describe|define|tell|is|are|can|could|do|does|should|"
    r"will|почему|зачем|отчего|как|когда|где|куда|откуда|кто|что|чем|какой|какая|какое|какие|сколько|можно|нужно|надо|"
    r"стоит|объясни\w*|расскажи\w*)\b",
    re.IGNORECASE,
)
"""What is a question with or without its mark; anything else is told, and names a subject."""
_DIFFERENCE: Final = re.compile(r"\b(?:difference|differ\w*|vs|versus|разниц\w+|отлича\w+|различ\w+)\b", re.IGNORECASE)
_EXAMPLE: Final = re.compile(r"\b(?:examples?|for\s+instance|пример\w*|например)\b", re.IGNORECASE)
_LEANS: Final = re.compile(
    r"^\W*(?:and|but|so|then|also|а|и|но|тогда|ну)\b|\b(?:it|that|this|these|those|they|them|one|"
    r"он|она|оно|они|его|её|ее|их|это|этот|эта|эти|такой|такое)\b",
    re.IGNORECASE,
)
"""A message with such a word may be about what was said before."""
_MIN_SHARED: Final = 2
_STANDS_ALONE: Final = 3
"""Content words with which a message is a whole question, whatever else is in it."""


def is_question(text: str) -> bool:
    """Whether a text asks, with or without a question mark; anything else is told, or names a subject."""
    return _ASKS.search(text) is not None


def leans_on_context(question: str) -> bool:
    """Whether a message may be about what was said before: it points there and says little else, or is one word."""
    stems = analyse(question).stems
    has_pointer = _LEANS.search(question) is not None and len(stems) < _STANDS_ALONE
    return has_pointer or (not stems and len(words_of(question)) <= 1)


def words_of(text: str) -> list[str]:
    """All words, folded, without punctuation."""
    return _WORD.findall(fold(text))


def may_be_same(first: str, second: str, *, numbers: str = "") -> bool:
    """Whether two questions can ask the same: nothing that decides, beside the content words, is different.

    Args:
        numbers: what the second question's numbers may be of, beside the first.
    """
    own, wanted = analyse(first).numbers, analyse(second).numbers
    if own != wanted and not (own <= wanted <= own | analyse(numbers).numbers):
        return False
    if mentions_negation(first) != mentions_negation(second) or _deciding(first) != _deciding(second):
        return False
    kinds = _kind(first), _kind(second)
    return kinds[0] == kinds[1] or None in kinds


def word_likeness(first: str, second: str) -> float:
    """How far the content words of two questions are the same, 0 to 1."""
    one, other = analyse(first).stems, analyse(second).stems
    return len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0


def has_all_words(first: str, second: str) -> bool:
    """Whether one of two questions has all content words of the other, two at least."""
    one, other = analyse(first).stems, analyse(second).stems
    return min(len(one), len(other)) >= _MIN_SHARED and (one <= other or other <= one)


def _deciding(question: str) -> set[str]:
    return {" ".join(word.lower().split()) for word in _DECIDING.findall(question)}


def _kind(question: str) -> str | None:
    """What a question asks for; None for words that only name a subject."""
    if _DIFFERENCE.search(question):
        return "difference"
    if _EXAMPLE.search(question):
        return "example"
    if not is_question(question):
        return None
    if asks_for_number(question) and not analyse(question).numbers:
        return "number"
    return next((kind for kind, pattern in _KINDS if pattern.search(question)), None)
