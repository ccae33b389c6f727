"""The baselines for recall: BM25 by a common library, and the embedding model alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bot.core.errors import BotError
from consilium.errors import N_
from inference.embedding import Embedder

Ranker = Callable[[str, int], Sequence[int]]
"""Given a question and k, the indices of the k best texts, best first."""


class BaselineMissing(BotError):
    """A package that only the evaluation needs is not installed."""

    sentence = N_("The measurement compares with {package}, which is not installed.")
    remedy = N_("Install it with: pip install {package}")

    def __init__(self, *, package: str) -> None:
        super().__init__(package=package)


def bm25_ranker(texts: Sequence[str]) -> Ranker:
    """BM25 by bm25s, with its English stop words and Snowball stems.

    Raises:
        BaselineMissing: bm25s or snowballstemmer is not installed.
    """
    try:
        import bm25s
        import snowballstemmer
    except ImportError as error:
        raise BaselineMissing(package=str(error.name)) from error
    stem = snowballstemmer.stemmer("english").stemWords

    def tokenize(texts: Sequence[str]) -> list[list[str]]:
        tokens: list[list[str]] = bm25s.tokenize(list(texts), stopwords="en", return_ids=False, show_progress=False)
        return [stem(words) for words in tokens]

    index = bm25s.BM25()
    index.index(tokenize(texts), show_progress=False)

    def rank(question: str, k: int) -> Sequence[int]:
        [tokens] = tokenize([question])
        scores = index.get_scores(tokens) if tokens else np.zeros(len(texts))
        return [int(position) for position in np.argsort(-scores, kind="stable")[:k]]

    return rank


async def dense_ranker(texts: Sequence[str], questions: Sequence[str], embedder: Embedder) -> Ranker:
    """Cosine between the whole question and the whole text. It ranks only for the given questions."""
    passages = await embedder.embed(texts, "passage")
    queries = dict(zip(questions, await embedder.embed(questions, "query"), strict=True))

    def rank(question: str, k: int) -> Sequence[int]:
        return [int(position) for position in np.argsort(-(passages @ queries[question]), kind="stable")[:k]]

    return rank
