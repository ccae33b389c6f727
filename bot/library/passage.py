"""Passages: search results that can be read and cited, fitted into a token budget."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from bot.library.chunk import CountTokens
from bot.minds.schema import CollectionKind, Trust
from db.library.chunk_search import SearchHit

_CONTINUOUS_KINDS: Final = (CollectionKind.ARTICLE, CollectionKind.LECTURE, CollectionKind.DIALOGUE)
"""Kinds whose neighbouring chunks belong together; a row or a diary entry stands alone."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near the heading above a short answer is to the question that is asked (`bot.library.near_answers`)."""

    score: float
    """By meaning and words."""
    similarity: float
    """By meaning alone: the cosine of both as questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A part of a document that is relevant to a question."""

    id: int
    """Of its chunk."""
    title: str
    """Of its document."""
    where: str
    """Its place in the document as shown in a citation."""
    quote: str
    """The text that was found, word for word."""
    content: str
    """The quote with the text before and after it, as far as the budget allowed."""
    trust: Trust
    kind: CollectionKind
    collection: str
    uri: str
    dated: date | None
    score: float
    """In this search: the higher, the better."""
    similarity: float | None = None
    """Cosine similarity to the question; None when there was no vector to compare."""
    answers_other: bool = False
    """Whether it is the answer to another question, which stands above it."""
    nearness: Nearness | None = None
    """Of the heading above it to the question; None where it is no short answer below a heading."""


MAX_ANSWER_LENGTH: Final = 900
"""Characters of an answer below a heading: a longer section is an article, and is better quoted in part."""


def is_short_answer(source: Passage | SearchHit, text: str) -> bool:
    """Whether a text is the author's and short enough to be the answer to what stands above it."""
    is_author_article = source.trust == Trust.AUTHOR and source.kind == CollectionKind.ARTICLE
    return is_author_article and len(text) <= MAX_ANSWER_LENGTH


def innermost_heading(where: str) -> str:
    """The heading right above a place; the whole place where it names none."""
    return re.split(r"[§›>]", where)[-1].strip()


def fit_passages(
    hits: Sequence[SearchHit],
    count_tokens: CountTokens,
    token_budget: int | None,
    other_answers: Collection[int] = (),
    near: Mapping[int, Nearness] = MappingProxyType({}),
) -> list[Passage]:
    """The hits as passages, in their order.

    Each quote is included completely or not at all, the best first. The rest of the budget is spent on the chunks
    before and after them, each included once at most.

    Args:
        token_budget: tokens of all contents together; None for no limit.
        other_answers: ids of the hits that answer other questions.
        near: of the headings above the hits to the question, by ids.
    """
    room = float("inf") if token_budget is None else float(token_budget)
    fitting = []
    for hit in hits:
        if (cost := count_tokens(hit.content)) <= room:
            fitting.append(hit)
            room -= cost
    included = {(hit.document_id, hit.n) for hit in fitting}
    passages = []
    for hit in fitting:
        content = hit.content
        for step, neighbour in ((-1, _text_before(hit)), (1, _text_after(hit))):
            position = (hit.document_id, hit.n + step)
            if not neighbour or position in included or hit.kind not in _CONTINUOUS_KINDS:
                continue
            joined = f"{neighbour}\n{content}" if step < 0 else f"{content}\n{neighbour}"
            if (cost := count_tokens(joined) - count_tokens(content)) <= room:
                content = joined
                room -= cost
                included.add(position)
        passages.append(_to_passage(hit, content, hit.id in other_answers, near.get(hit.id)))
    return passages


def _text_before(hit: SearchHit) -> str:
    """The chunk before, without the end that the hit repeats."""
    if hit.before is None:
        return ""
    repeated = hit.content[: hit.repeats].rstrip()
    return hit.before.removesuffix(repeated).rstrip() if repeated else hit.before


def _text_after(hit: SearchHit) -> str:
    return (hit.after or "")[hit.after_repeats or 0 :].strip()


def _to_passage(hit: SearchHit, content: str, answers_other: bool, nearness: Nearness | None) -> Passage:
    return Passage(
        id=hit.id,
        title=hit.title,
        where=hit.place,
        quote=hit.content,
        content=content,
        trust=Trust(hit.trust),
        kind=CollectionKind(hit.kind),
        collection=hit.collection,
        uri=hit.uri,
        dated=hit.dated,
        score=hit.score,
        similarity=hit.similarity,
        answers_other=answers_other,
        nearness=nearness,
    )
