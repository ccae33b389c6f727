"""Answers to other questions, beside the documents of a library.

A short answer below a heading that asks is like a question in form, so a search ranks a hundred of them above the one
passage of an article that has what is asked. What answers another question therefore has some of the places only, and
counts for less than a document that covers as much of the question (`bot.library.cite.quotation`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bot.library.near_answers import LIKELY, NEAR, NEXT, POSSIBLE, SAME
from bot.library.passage import Nearness
from bot.text.analysis import analyse
from bot.text.pronouns import FIRST_PERSON
from bot.text.questions import is_question, word_likeness, words_of
from db.library.chunk_search import SearchHit

SAME_QUESTION: Final = 0.85
"""Likeness of the words of two questions from which they are one: all of three and one more."""
COVERAGE_WEIGHT: Final = 0.2
"""Added to the score of a document that has all words of the question."""
MORE_PARTICULAR: Final = 0.7
"""The same where one of them has all words of the other: half of its words."""
_MIN_WORDS: Final = 2
"""Content words of a question, of which a document can have more or fewer."""
_MIN_HEADINGS: Final = 3
"""Headings of a document from which it shows whether it is a list of answers."""
_HEADING: Final = re.compile(r"^§ (?:.* › )?(.+)$")
"""The innermost heading of a place, where it is one."""


def find_other_answers(question: str, hits: Sequence[SearchHit]) -> frozenset[int]:
    """Ids of the hits that answer another question: their heading asks, or stands among others that do, and not this.

    Args:
        hits: of one search, enough of them to see what their documents are like.
    """
    headings = {hit.id: found[1] for hit in hits if (found := _HEADING.match(hit.place))}
    asking = {hit.id for hit in hits if hit.id in headings and _asks(headings[hit.id])}
    total = Counter(hit.document_id for hit in hits)
    asked = Counter(hit.document_id for hit in hits if hit.id in asking)
    lists = {document for document, count in total.items() if count >= _MIN_HEADINGS and 2 * asked[document] > count}
    return frozenset(
        hit.id
        for hit in hits
        if hit.id in headings
        and (hit.id in asking or hit.document_id in lists)
        and not _is_same(question, headings[hit.id])
    )


def _asks(heading: str) -> bool:
    """Whether a heading is what a person has asked, or has said of themself."""
    return is_question(heading) or not FIRST_PERSON.isdisjoint(words_of(heading))


def _is_same(question: str, heading: str) -> bool:
    """Whether a heading asks what a question asks: it may be more particular, and must not lack what is asked."""
    asked, headed = analyse(question), analyse(heading)
    likeness = word_likeness(question, heading)
    has_all = asked.stems <= headed.stems and likeness >= MORE_PARTICULAR
    return asked.numbers == headed.numbers and (has_all or likeness >= SAME_QUESTION)


def share_places(
    question: str,
    hits: Sequence[SearchHit],
    other_answers: Collection[int],
    limit: int,
    near: Mapping[int, Nearness] = MappingProxyType({}),
    *,
    goes_on: bool = False,
) -> list[SearchHit]:
    """The hits for some places, best first.

    Beside answers to other questions, which resemble any question, a document goes up by how many of the question's
    words it has, the rare ones above all. The answers have half of the places at most while there is anything else.
    What stands below this very question comes first, then what stands below one that is near, then what stands below
    the one that means most nearly the same. That one has a place in any case, the last if no better.

    Args:
        near: of the headings above the hits to the question, by ids.
        goes_on: whether the question goes on from another, which has been answered: then the heading nearest by meaning
            and words has the place of the one nearest by meaning, which is often that of the other.
    """
    if other_answers and len(analyse(question).stems) >= _MIN_WORDS:
        scored = [hit if hit.id in other_answers else replace(hit, score=_raised(hit)) for hit in hits]
        hits = sorted(scored, key=lambda hit: -hit.score)
    asked = words_of(question)

    def closeness(nearness: Nearness) -> float:
        return nearness.score if goes_on else nearness.similarity

    likely, possible = (NEXT, NEXT) if goes_on else (LIKELY, POSSIBLE)
    nearest = max(near, key=lambda number: closeness(near[number]), default=None)

    def place(hit: SearchHit) -> float:
        if (found := _HEADING.match(hit.place)) and words_of(found[1]) == asked:
            return SAME
        nearness = near.get(hit.id)
        if nearness is not None and nearness.score >= NEAR:
            return nearness.score
        is_likely = nearness is not None and hit.id == nearest and closeness(nearness) >= likely
        return NEAR / 2 if is_likely else 0.0

    hits = sorted(hits, key=lambda hit: -place(hit))
    places = max(1, limit // 2)
    chosen: list[SearchHit] = []
    crowd: list[SearchHit] = []
    for hit in hits:
        is_other = hit.id in other_answers
        if is_other and places == 0:
            crowd.append(hit)
            continue
        places -= is_other
        chosen.append(hit)
    filled = [*chosen, *crowd][:limit]
    if nearest is not None and closeness(near[nearest]) >= possible and nearest not in {hit.id for hit in filled}:
        filled[-1:] = [hit for hit in hits if hit.id == nearest]
    return filled


def _raised(hit: SearchHit) -> float:
    return hit.score + COVERAGE_WEIGHT * hit.coverage
