"""Questions that the author has answered before: under a heading that asks the same, their own words are the answer.

Two questions that can be the same (`bot.text.questions`) are, if nearly all content words of each are in the other; or
if one has all words of the other and they also mean nearly the same, by the embedder. Meaning alone would not do: to
gain weight is near to losing it, and a push-up to a pull-up.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from bot.library.cite.asked_question import SaidBefore
from bot.library.cite.marks import strip_footnotes
from bot.library.cite.quotation import Quotation
from bot.library.near_answers import LIKELY, NEAR, NEXT
from bot.library.passage import Nearness, Passage, innermost_heading, is_short_answer
from bot.text.analysis import analyse
from bot.text.follow_ups import follows_up, own_subject
from bot.text.language import is_same_alphabet
from bot.text.questions import has_all_words, may_be_same, word_likeness, words_of

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
_HEADING: Final = re.compile(r"(?:^|[§›>])\s*([^§›>]+)$")
"""The innermost heading of a place."""
_TOLD: Final = 3
"""Content words of a heading that is no question, and yet no mere title."""


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
    if has_context and follows_up(question):
        return None
    known: list[Quotation] = []
    unsure: list[tuple[Passage, str]] = []
    for passage in passages:
        heading = _heading_of(passage)
        if heading is None:
            continue
        if words_of(question) == words_of(heading):
            known.append(quote_whole(passage, 1.0))
        elif not _asks(heading) or not may_be_same(question, heading):
            continue
        elif (likeness := word_likeness(question, heading)) >= MIN_LIKENESS:
            known.append(quote_whole(passage, likeness))
        elif has_all_words(question, heading):
            unsure.append((passage, heading))
    if not known and unsure:
        vectors = await embed([question, *(heading for _, heading in unsure)])
        similarities = (vectors[1:] @ vectors[0]).tolist()
        pairs = zip(unsure, similarities, strict=True)
        known = [quote_whole(passage, similarity) for (passage, _), similarity in pairs if similarity >= MIN_SIMILARITY]
    return max(known, key=lambda quotation: (quotation.score, quotation.passage.score), default=None)


def find_near_answer(question: str, passages: Sequence[Passage], *, by_meaning: bool = False) -> Quotation | None:
    """The author's answer to the question that is nearest to the one asked, in its language; None if none is near.

    Args:
        by_meaning: whether it is enough that the two mean nearly the same, as with small talk.
    """

    def is_near(nearness: Nearness) -> bool:
        return nearness.score >= NEAR or (by_meaning and nearness.similarity >= LIKELY)

    near = [
        quote_whole(each, each.nearness.score)
        for each in passages
        if each.nearness and is_near(each.nearness) and is_same_alphabet(each.quote, question)
    ]
    return max(near, key=lambda quotation: (quotation.score, quotation.passage.score), default=None)


def find_next_answer(question: str, passages: Sequence[Passage], before: SaidBefore) -> Quotation | None:
    """The author's answer to what goes on from a question that was answered; None if none has what is asked now.

    Args:
        question: without what it goes on from.
        before: which has the answers that are not given once more.
        passages: of a search with both, so that their nearness is to both.
    """
    own = own_subject(question) | analyse(question).numbers

    def has_what_is_asked(passage: Passage) -> bool:
        features = analyse(f"{innermost_heading(passage.where)}\n{passage.quote}")
        return not own or not own.isdisjoint(features.stems | features.numbers)

    following = [
        quote_whole(each, each.nearness.score)
        for each in passages
        if each.nearness
        and each.nearness.score >= NEXT
        and is_same_alphabet(each.quote, question)
        and not before.has_said(each.quote)
        and has_what_is_asked(each)
    ]
    return max(following, key=lambda quotation: quotation.score, default=None)


def _heading_of(passage: Passage) -> str | None:
    """What stands above a passage; None where it is no short text of the author below a heading."""
    found = _HEADING.search(passage.where)
    return found[1].strip() if found and is_short_answer(passage, passage.quote) else None


def quote_whole(passage: Passage, score: float) -> Quotation:
    """All of a passage, without the traces of its footnotes."""
    return Quotation(passage, strip_footnotes(passage.quote.strip()), score)


def _asks(heading: str) -> bool:
    """Whether a heading is what somebody has asked, or told with enough words to be no mere title."""
    return heading.rstrip("»”\"'").endswith("?") or len(analyse(heading).stems) >= _TOLD
