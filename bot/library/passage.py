"""What a search gives: passages that can be read and cited, within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.library.chunk import CountTokens
from bot.minds.schema import CollectionKind, Trust
from db.library.chunk_search import SearchHit

_CONTINUOUS_KINDS: Final = (CollectionKind.ARTICLE, CollectionKind.LECTURE, CollectionKind.DIALOGUE)
"""Kinds in which what stands beside a chunk belongs to it; a row or a day stands alone."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that bears on a question."""

    id: int
    """Of its chunk."""
    title: str
    """Of its document."""
    where: str
    """In the document."""
    quote: str
    """What was found, word for word."""
    content: str
    """The quote with what stands before and after it, as far as there was room."""
    trust: Trust
    kind: CollectionKind
    collection: str
    uri: str
    dated: date | None
    score: float
    """Of this search; the best is first."""
    similarity: float | None = None
    """Cosine with the question; None when there was no vector to compare."""


def fit_passages(hits: Sequence[SearchHit], count_tokens: CountTokens, token_budget: int | None) -> list[Passage]:
    """The hits as passages, in their order.

    Each quote goes in whole or not at all, the better first. What room they leave is filled with their neighbours, of
    which none is shown twice.

    Args:
        budget: tokens of all contents together; None for no end.
    """
    room = float("inf") if token_budget is None else float(token_budget)
    kept = []
    for hit in hits:
        if (cost := count_tokens(hit.content)) <= room:
            kept.append(hit)
            room -= cost
    shown = {(hit.document_id, hit.n) for hit in kept}
    found = []
    for hit in kept:
        content = hit.content
        for step, addition in ((-1, _text_before(hit)), (1, _text_after(hit))):
            place = (hit.document_id, hit.n + step)
            if not addition or place in shown or hit.kind not in _CONTINUOUS_KINDS:
                continue
            joined = f"{addition}\n{content}" if step < 0 else f"{content}\n{addition}"
            if (cost := count_tokens(joined) - count_tokens(content)) <= room:
                content = joined
                room -= cost
                shown.add(place)
        found.append(_to_passage(hit, content))
    return found


def _text_before(hit: SearchHit) -> str:
    """The chunk before, without what the hit repeats of it."""
    if hit.before is None:
        return ""
    repeated = hit.content[: hit.repeats].rstrip()
    return hit.before.removesuffix(repeated).rstrip() if repeated else hit.before


def _text_after(hit: SearchHit) -> str:
    return (hit.after or "")[hit.after_repeats or 0 :].strip()


def _to_passage(hit: SearchHit, content: str) -> Passage:
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
    )
