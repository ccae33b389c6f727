"""Questions that the author has answered before: under a heading that asks the same, their own words are the answer.

A heading asks the same as a message if nearly all content words of each are in the other, with the same numbers and
negations, the same small words that turn a question round (before, after, more, less), and if both ask for the same
kind of thing: why, when, where, who, how many, how, what, or whether.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from bot.library.cite.marks import strip_footnotes
from bot.library.cite.quotation import Quotation
from bot.library.passage import Passage
from bot.minds.schema import CollectionKind, Trust
from bot.text.analysis import analyse
from bot.text.negation import mentions_negation
from bot.text.numerals import asks_for_number

MIN_LIKENESS: Final = 0.8
"""Cosine of the two sets of words: 4 of 5 in both, or all of 3 and one more."""
MAX_LENGTH: Final = 900
"""Characters: a longer section is an article, and is better quoted in part."""
_HEADING: Final = re.compile(r"(?:^|[§›>])\s*([^§›>]+)$")
"""The innermost heading of a place."""
_DECIDING: Final = re.compile(
    r"\b(?:before|after|during|between|with|without|more|most|less|least|only|every|again|off|out|up|down|"
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
_LEANS: Final = re.compile(
    r"^\W*(?:and|but|so|then|also|а|и|но|тогда|ну)\b|\b(?:it|that|this|these|those|they|them|one|"
    r"он|она|оно|они|его|её|ее|их|это|этот|эта|эти|такой|такое)\b",
    re.IGNORECASE,
)
"""A message with such a word may be about what was said before."""
_STANDS_ALONE: Final = 3
"""Content words with which a message is a whole question, whatever else is in it."""


def find_known_answer(question: str, passages: Sequence[Passage], *, has_context: bool = False) -> Quotation | None:
    """The author's answer to this very question; None where they have not answered it.

    Args:
        passages: what the library has on the question.
        has_context: whether something was said before, on which a short message may lean.
    """
    if has_context and leans_on_context(question):
        return None
    known = [
        Quotation(passage, strip_footnotes(passage.quote.strip()), likeness)
        for passage in passages
        if passage.trust is Trust.AUTHOR and passage.kind is CollectionKind.ARTICLE and len(passage.quote) <= MAX_LENGTH
        if (heading := _HEADING.search(passage.where)) and _asks(heading[1].strip())
        if (likeness := question_likeness(question, heading[1])) >= MIN_LIKENESS
    ]
    return max(known, key=lambda quotation: (quotation.score, quotation.passage.score), default=None)


def leans_on_context(question: str) -> bool:
    """Whether a message may be about what was said before: it has a word for it and says little else."""
    return _LEANS.search(question) is not None and len(analyse(question).stems) < _STANDS_ALONE


def question_likeness(first: str, second: str) -> float:
    """How far two questions ask the same, 0 to 1: 0 if anything that decides is not the same."""
    one, other = analyse(first), analyse(second)
    if not one.stems or not other.stems or one.numbers != other.numbers:
        return 0.0
    if mentions_negation(first) != mentions_negation(second) or _deciding(first) != _deciding(second):
        return 0.0
    kinds = _kind(first), _kind(second)
    if kinds[0] != kinds[1] and None not in kinds:
        return 0.0
    return len(one.stems & other.stems) / math.sqrt(len(one.stems) * len(other.stems))


def _asks(heading: str) -> bool:
    """Whether a heading is what somebody has asked, or told with enough words to be no mere title."""
    return heading.rstrip("»”\"'").endswith("?") or len(analyse(heading).stems) >= _STANDS_ALONE


def _deciding(question: str) -> set[str]:
    return {" ".join(word.lower().split()) for word in _DECIDING.findall(question)}


def _kind(question: str) -> str | None:
    """What a question asks for; None for words that only name a subject."""
    if _DIFFERENCE.search(question):
        return "difference"
    if not _ASKS.search(question):
        return None
    if asks_for_number(question) and not analyse(question).numbers:
        return "number"
    return next((kind for kind, pattern in _KINDS if pattern.search(question)), None)
