"""Questions that the author has answered before: under a heading that asks the same, their own words are the answer.

Two questions can be the same only if they have the same numbers and negations, the same small words that turn a
question round (before, after, more, less), and ask for the same kind of thing: why, when, where, who, how many, how,
what, or whether. Then they are the same if nearly all content words of each are in the other; or if one has all words
of the other and they also mean nearly the same, by the embedder. Meaning alone would not do: to gain weight is near to
losing it, and a push-up to a pull-up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from bot.library.cite.marks import strip_footnotes
from bot.library.cite.quotation import Quotation
from bot.library.passage import Passage
from bot.minds.schema import CollectionKind, Trust
from bot.text.analysis import analyse
from bot.text.negation import mentions_negation
from bot.text.numerals import asks_for_number
from bot.text.words import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    EmbedQuestions = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]
    """(texts) -> (texts, dimensions)."""

MIN_LIKENESS: Final = 0.85
"""Cosine of the two sets of words: all of three and one more. One more of two makes another question: a ball that
bounces, and one that stops bouncing."""
MIN_SIMILARITY: Final = 0.83
"""Cosine of the vectors of two questions of which one has all words of the other. Of 100 questions and 2,000 headings,
no pair above it that the other rules let pass asked for different things; the first that did had .82."""
MAX_LENGTH: Final = 900
"""Characters: a longer section is an article, and is better quoted in part."""
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_HEADING: Final = re.compile(r"(?:^|[§›>])\s*([^§›>]+)$")
"""The innermost heading of a place."""
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
_LEANS: Final = re.compile(
    r"^\W*(?:and|but|so|then|also|а|и|но|тогда|ну)\b|\b(?:it|that|this|these|those|they|them|one|"
    r"он|она|оно|они|его|её|ее|их|это|этот|эта|эти|такой|такое)\b",
    re.IGNORECASE,
)
"""A message with such a word may be about what was said before."""
_MIN_SHARED: Final = 2
_STANDS_ALONE: Final = 3
"""Content words with which a message is a whole question, whatever else is in it."""


async def find_known_answer(
    question: str, passages: Sequence[Passage], embed: EmbedQuestions, *, has_context: bool = False
) -> Quotation | None:
    """The author's answer to this very question; None where they have not answered it.

    Args:
        passages: what the library has on the question.
        embed: vectors of questions, of unit length. It is asked only where the words do not decide.
        has_context: whether something was said before, on which a short message may lean.

    Raises:
        EmbeddingError: the embedder fails.
    """
    if has_context and leans_on_context(question):
        return None
    known: list[Quotation] = []
    unsure: list[tuple[Passage, str]] = []
    for passage in passages:
        heading = _heading_of(passage)
        if heading is None:
            continue
        if _words(question) == _words(heading):
            known.append(_quote(passage, 1.0))
        elif not _asks(heading) or not may_be_same(question, heading):
            continue
        elif (likeness := word_likeness(question, heading)) >= MIN_LIKENESS:
            known.append(_quote(passage, likeness))
        elif _has_all_words(question, heading):
            unsure.append((passage, heading))
    if not known and unsure:
        vectors = await embed([question, *(heading for _, heading in unsure)])
        similarities = (vectors[1:] @ vectors[0]).tolist()
        pairs = zip(unsure, similarities, strict=True)
        known = [_quote(passage, similarity) for (passage, _), similarity in pairs if similarity >= MIN_SIMILARITY]
    return max(known, key=lambda quotation: (quotation.score, quotation.passage.score), default=None)


def _heading_of(passage: Passage) -> str | None:
    """What stands above a passage; None where it is no short text of the author below a heading."""
    if passage.trust is not Trust.AUTHOR or passage.kind is not CollectionKind.ARTICLE:
        return None
    if len(passage.quote) > MAX_LENGTH or not (found := _HEADING.search(passage.where)):
        return None
    return found[1].strip()


def _quote(passage: Passage, score: float) -> Quotation:
    return Quotation(passage, strip_footnotes(passage.quote.strip()), score)


def leans_on_context(question: str) -> bool:
    """Whether a message may be about what was said before: it has a word for it and says little else."""
    return _LEANS.search(question) is not None and len(analyse(question).stems) < _STANDS_ALONE


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def may_be_same(first: str, second: str) -> bool:
    """Whether two questions can ask the same: nothing that decides, beside the content words, is different."""
    if analyse(first).numbers != analyse(second).numbers:
        return False
    if mentions_negation(first) != mentions_negation(second) or _deciding(first) != _deciding(second):
        return False
    kinds = _kind(first), _kind(second)
    return kinds[0] == kinds[1] or None in kinds


def word_likeness(first: str, second: str) -> float:
    """How far the content words of two questions are the same, 0 to 1."""
    one, other = analyse(first).stems, analyse(second).stems
    return len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0


def _has_all_words(first: str, second: str) -> bool:
    """Whether one of two questions has all content words of the other, two at least."""
    one, other = analyse(first).stems, analyse(second).stems
    return min(len(one), len(other)) >= _MIN_SHARED and (one <= other or other <= one)


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
