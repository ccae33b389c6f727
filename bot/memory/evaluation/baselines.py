"""What recall is compared with: BM25 by a library that others use too, and the embedding model by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bot.core.errors import BotError
from consilium.errors import N_
from inference.embedding import Embedder

Ranker = Callable[[str, int], Sequence[int]]
"""The places of the best texts for a question, best first."""


class BaselineMissing(BotError):
    """A package that only the measurement needs is not installed."""

    sentence = N_("The measurement compares with {package}, which is not installed.")
    remedy = N_("Install it with: pip install {package}")

    def __init__(self, *, package: str) -> None:
        super().__init__(package=package)


def bm25_ranker(texts: Sequence[str]) -> Ranker:
    """BM25 as bm25s does it, with its English stop words and stems by Snowball.

    Raises:
        BaselineMissing: bm25s or snowballstemmer is not installed.
    """
    try:
        import bm25s
        import snowballstemmer
    except ImportError as error:
        raise BaselineMissing(package=str(error.name)) from error
    stem = snowballstemmer.stemmer("english").stemWords

    def tokens(some: Sequence[str]) -> list[list[str]]:
        split: list[list[str]] = bm25s.tokenize(list(some), stopwords="en", return_ids=False, show_progress=False)
        return [stem(words) for words in split]

    index = bm25s.BM25()
    index.index(tokens(texts), show_progress=False)

    def rank(question: str, k: int) -> Sequence[int]:
        [asked] = tokens([question])
        scores = index.get_scores(asked) if asked else np.zeros(len(texts))
        return [int(place) for place in np.argsort(-scores, kind="stable")[:k]]

    return rank


async def dense_ranker(texts: Sequence[str], questions: Sequence[str], embedder: Embedder) -> Ranker:
    """Cosine of the whole question with the whole text."""
    passages = await embedder.embed(texts, "passage")
    asked = dict(zip(questions, await embedder.embed(questions, "query"), strict=True))

    def rank(question: str, k: int) -> Sequence[int]:
        return [int(place) for place in np.argsort(-(passages @ asked[question]), kind="stable")[:k]]

    return rank
