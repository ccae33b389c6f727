"""How near the question above a short answer is to the one that is asked: by meaning, and by their words.

The vectors of two questions are near where they ask for the same in other words, and also where one word turns one
into another: to gain weight and to lose it, a push-up and a pull-up. The words tell those apart: what the answer lacks
of the question, and what its heading has besides. The weights are a logistic regression on 110 pairs that a person had
judged, headings of the demo library beside the nearest others and everyday questions beside their best headings;
it tells right from wrong in 72 of 100 of those, which were chosen for being hard.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.library.passage import Nearness, innermost_heading, is_short_answer
from bot.text.analysis import analyse
from bot.text.follow_ups import without_opener
from bot.text.light_stems import LIGHT_STEMS
from bot.text.questions import is_question, may_be_same, words_of
from db.library.chunk_search import SearchHit
from inference.embedding import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAME: Final = 1.4
"""Nearness of a heading in the same words: that of vectors that are equal, with all words and none besides."""
NEAR: Final = 1.0
"""Score from which an answer counts as one to this question, whatever else the library has on it."""
LIKELY: Final = 0.6
"""Cosine of two questions from which the answer to one is more likely one to the other than words found elsewhere that
have half of the question."""
POSSIBLE: Final = 0.5
"""The same where the library has nothing else. Of 25 questions of strangers that the library had no heading for in
their words, the nearest heading from here on was right for 19."""
NEXT: Final = 0.5
"""Score from which an answer counts as one to what goes on from a question that was answered. Of 27 such questions of
strangers that had an answer, the nearest heading from here on that has a word of what is asked was right for 15, and
wrong for two."""
ACROSS_LANGUAGES: Final = 0.75
"""Cosine from which an answer in the other language may be quoted: the same question in both has about .78."""
RELATED: Final = 0.6
"""Score from which the answer to another question may be quoted if it has the words that are asked for."""
_COVERAGE_WEIGHT: Final = 0.4
"""Of the share of the question's words that heading and answer have."""
_IN_ANSWER: Final = 0.6
"""A word that only the answer has counts for so much."""
_BESIDES_WEIGHT: Final = 0.5
"""Of the share of the heading's words that the question lacks."""
_OTHER_KIND: Final = 0.17
"""Taken off where the two ask for other things of the same words: how often and how, before and after."""
_LIGHT_WEIGHT: Final = 0.4
"""Of a word that asks how well or when, and says nothing of the subject."""
_BEFORE_WEIGHT: Final = 0.5
"""Of a word of what was asked before, beside one of what is asked now."""
_ASKED_AGAIN: Final = 1.0
"""Taken off where a heading is what was asked before, which has been answered."""
_SAME_SUBJECT: Final = 0.8
"""Likeness of the subjects of a heading and of what was asked before from which they are one question."""
_ROOT_LETTERS: Final = 4
"""Of the shorter of two stems that are of one root, at least; it begins the longer one."""
_ENDING_LETTERS: Final = 2
"""By which the longer one may be longer."""
_PLACE: Final = "§ "
"""How a place below a heading begins."""
_KEPT_VECTORS: Final = 8192
"""Headings whose vectors are kept: 12 MiB for vectors of 384 numbers."""


class HeadingVectors:
    """The vectors of headings, as questions; those last asked for are kept."""

    def __init__(self, embedder: Embedder, max_size: int = _KEPT_VECTORS) -> None:
        self._embedder = embedder
        self._max_size = max_size
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    async def similarities(self, questions: Sequence[str], headings: Collection[str]) -> list[dict[str, float]]:
        """Cosine of each question and each heading.

        Raises:
            EmbeddingError: the embedder fails.
        """
        asked = await self._embedder.embed(questions, "query")
        vectors = {heading: self._kept[heading] for heading in headings if heading in self._kept}
        if missing := [heading for heading in dict.fromkeys(headings) if heading not in vectors]:
            vectors |= dict(zip(missing, await self._embedder.embed(missing, "query"), strict=True))
        for heading, vector in vectors.items():
            self._kept[heading] = vector
            self._kept.move_to_end(heading)
        while len(self._kept) > self._max_size:
            self._kept.popitem(last=False)
        return [{heading: float(vector @ each) for heading, vector in vectors.items()} for each in asked]


def heading_of_answer(hit: SearchHit) -> str | None:
    """The heading right above a short text of the author; None where a hit is something else."""
    is_below_heading = hit.place.startswith(_PLACE)
    return innermost_heading(hit.place) if is_below_heading and is_short_answer(hit, hit.content) else None


def nearness(
    question: str,
    hits: Sequence[SearchHit],
    headings: Mapping[int, str],
    similarities: Mapping[str, float],
    *,
    before: str = "",
) -> dict[int, Nearness]:
    """How near the heading above each hit is to a question; the scores are from below 0 to `SAME`.

    Args:
        hits: of one search; among them it shows which words are rare.
        headings: of some of the hits, by their ids.
        similarities: cosine of the question, with what it goes on from, and each of those headings, as questions.
        before: what was asked before, if the question goes on from it.
    """
    now = _terms(question)
    asked = now | _terms(before)
    weights = _weights(asked, hits)
    weights |= {term: weights[term] * _BEFORE_WEIGHT for term in asked - now}
    words = words_of(f"{before} {question}")
    near: dict[int, Nearness] = {}
    for hit in hits:
        heading = headings.get(hit.id)
        if heading is None:
            continue
        similarity = similarities[heading]
        if words_of(heading) == words:
            near[hit.id] = Nearness(SAME, similarity)
            continue
        above = _as_asked(_terms(heading), asked)
        below = _as_asked(_terms(hit.content), asked)
        score = similarity + _COVERAGE_WEIGHT * _coverage(asked, above, below, weights)
        score -= _BESIDES_WEIGHT * _share_besides(asked, above, weights)
        score -= 0.0 if _may_be_same(question, before, heading) else _OTHER_KIND
        near[hit.id] = Nearness(score, similarity)
    return near


def nearer(first: Mapping[int, Nearness], second: Mapping[int, Nearness]) -> dict[int, Nearness]:
    """The nearer of two for each hit: a question can be read in two ways."""
    return {number: max(near, second.get(number, near), key=lambda each: each.score) for number, near in first.items()}


def without_asked_again(
    near: Mapping[int, Nearness], question: str, before: str, headings: Mapping[int, str]
) -> dict[int, Nearness]:
    """The same, where a heading that asks once more what was asked before is not near, however much they share."""
    now, asked = _terms(question), _terms(question) | _terms(before)

    def is_asked_again(number: int) -> bool:
        heading = headings[number]
        return _is_asked_again(now, before, heading, _as_asked(_terms(heading), asked))

    return {
        number: replace(each, score=each.score - _ASKED_AGAIN) if is_asked_again(number) else each
        for number, each in near.items()
    }


def _may_be_same(question: str, before: str, heading: str) -> bool:
    """Whether a heading can ask what is asked now. The numbers may be those of what was asked before, and so may be
    what is asked for: "how often should I squat?", "and deadlift?"."""
    if may_be_same(question, heading):
        return not before or is_question(without_opener(question)) or may_be_same(before, heading, numbers=question)
    return bool(before) and may_be_same(question, heading, numbers=before)


def _is_asked_again(now: Collection[str], before: str, heading: str, above: Collection[str]) -> bool:
    """Whether a heading is what was asked before, and has nothing that is asked now."""
    earlier, again = (analyse(text).stems - LIGHT_STEMS for text in (before, heading))
    if not again or len(earlier & again) < _SAME_SUBJECT * math.sqrt(len(earlier) * len(again)):
        return False
    new = [term for term in now if term not in earlier]
    names = [term for term in new if term not in LIGHT_STEMS]
    if any(term in above for term in names or new):
        return False
    return bool(names) or may_be_same(before, heading)


def _as_asked(terms: AbstractSet[str], asked: AbstractSet[str]) -> frozenset[str]:
    """Stems, those of words of one root as the question has them: «приседать» and «приседание»."""
    return frozenset(next((each for each in asked if _is_one_root(each, term)), term) for term in terms)


def _is_one_root(first: str, second: str) -> bool:
    shorter, longer = sorted((first, second), key=len)
    is_short_ending = len(longer) - len(shorter) <= _ENDING_LETTERS
    return len(shorter) >= _ROOT_LETTERS and is_short_ending and longer.startswith(shorter)


def _terms(text: str) -> frozenset[str]:
    features = analyse(text)
    return frozenset(features.stems | features.numbers)


def _weights(asked: Collection[str], hits: Sequence[SearchHit]) -> dict[str, float]:
    """How much each word of the question and of the headings counts: the fewer hits have it, the more."""
    counts = Counter(term for hit in hits for term in _terms(f"{hit.place}\n{hit.content}"))
    terms = {*counts, *asked}
    return {
        term: math.log(2 + len(hits) / (1 + counts[term])) * (_LIGHT_WEIGHT if term in LIGHT_STEMS else 1.0)
        for term in terms
    }


def _coverage(
    asked: Collection[str], above: Collection[str], below: Collection[str], weights: Mapping[str, float]
) -> float:
    total = sum(weights[term] for term in asked)
    if not total:
        return 0.0 if above else 1.0
    return (
        sum(weights[term] * (1.0 if term in above else _IN_ANSWER) for term in asked if term in above or term in below)
        / total
    )


def _share_besides(asked: Collection[str], above: Collection[str], weights: Mapping[str, float]) -> float:
    total = sum(weights[term] for term in above)
    besides = [term for term in above if term not in asked and term not in LIGHT_STEMS]
    return sum(weights[term] for term in besides) / total if total else 0.0
