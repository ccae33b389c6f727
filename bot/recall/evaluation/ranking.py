"""How well a ranking found what it should have."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RankingScore:
    """One question's ranking against what answers it."""

    recall: float
    """Share of what answers it that is among the first k."""
    hit: bool
    """Whether any of it is."""
    reciprocal_rank: float
    """1 over the place of the first; 0 when it is beyond k."""


@dataclass(frozen=True, slots=True)
class MeanScores:
    """Means over questions."""

    questions: int
    recall: float
    any: float
    mrr: float


def score_ranking(ranking: Sequence[str], evidence: Collection[str], k: int) -> RankingScore:
    first = list(ranking[:k])
    places = [place for place, found in enumerate(first, 1) if found in evidence]
    return RankingScore(len(places) / len(evidence), bool(places), 1 / places[0] if places else 0.0)


def mean_scores(scores: Sequence[RankingScore]) -> MeanScores:
    count = len(scores)
    total = max(count, 1)
    return MeanScores(
        count,
        sum(one.recall for one in scores) / total,
        sum(one.hit for one in scores) / total,
        sum(one.reciprocal_rank for one in scores) / total,
    )
