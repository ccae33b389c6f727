"""How well each memory fits a question: a few plain parts, each between 0 and 1, added with weights.

Scores are added and not ranks: ranks throw away how much better the best is. What each part is worth, measured:
docs/decisions/0011-recall-adds-scores.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bot.memory.question import Question
    from db.memory.recall import Features, Floats, Integers

MIN_SIMILARITY = 0.2
"""Cosine under which a memory that shares no word with the question has nothing to do with it."""
OCCASION_GAP_SECONDS = 3 * 3600.0
"""Seconds of silence after which what is said belongs to another occasion."""
AFTERMATH_SECONDS = 7 * 86400.0
"""Seconds for which what has happened is still talked about."""
_MIN_SIMILARITY_RANGE = 0.1
"""Cosines that all lie within this differ by chance: what is next to nothing is not made to look like much."""
_K1, _B = 1.2, 0.3


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """What each part counts. Round on purpose: the ground is flat around them."""

    words: float = 1.0
    """BM25 of the question's words in the memory and, with `neighbours`, in what was said right before and after it."""
    meaning: float = 1.0
    """Cosine between question and memory."""
    flow: float = 1.0
    """The same with half of what was said before it and a quarter of what was said before that: an answer seldom
    repeats what it answers."""
    speaker: float = 0.75
    """It is told by the one whose words are asked for."""
    time: float = 0.75
    """It was said in the time that is asked for; half, if in the week after."""
    length: float = 0.5
    """It says much rather than little."""
    neighbours: bool = True
    """Whether the words said right before and after a memory count as its own."""


DEFAULT_WEIGHTS = ScoreWeights()


def rank_memories(
    features: Features, question: Question, weights: ScoreWeights = DEFAULT_WEIGHTS
) -> tuple[Integers, Floats]:
    """The rows that have something to do with the question, best first, and their scores."""
    if not len(features):
        return np.empty(0, np.int64), np.empty(0)
    order = np.lexsort((features.made_at, features.said_at, features.session))
    before, after = _neighbours(features, order)
    in_time = _time_scores(features, question)
    if question.time_only and in_time.any():
        chosen = in_time == 1
        score = _scale(np.log1p(features.words)) + features.spoken
    else:
        hits = _merge_neighbour_hits(features.hits, before, after) if weights.neighbours else features.hits
        chosen = (hits > 0) | (np.nan_to_num(features.similarity, nan=-1.0) >= MIN_SIMILARITY) | (in_time == 1)
        parts = {
            "words": _scale(_bm25(hits, _lengths_with_neighbours(features, before, after, weights))),
            "meaning": _scale_per_model(features.similarity, features.model),
            "flow": _scale_per_model(_flow_similarity(features, before), features.model),
            "speaker": features.spoken,
            "time": in_time,
            "length": _length_scores(features),
        }
        score = np.zeros(len(features))
        for name, part in parts.items():
            score += getattr(weights, name) * part
    # Of equals the newer comes first.
    ranked = np.lexsort((-features.made_at, -features.said_at, -score))
    ranked = ranked[chosen[ranked]]
    return ranked, score[ranked]


def _neighbours(features: Features, order: Integers) -> tuple[Integers, Integers]:
    """For each row the rows of what was said right before and after it on the same occasion; -1 for none."""
    talk = order[features.episode[order] & (features.session[order] != 0)]
    first, second = talk[:-1], talk[1:]
    joined = (features.session[first] == features.session[second]) & (
        features.said_at[second] - features.said_at[first] <= OCCASION_GAP_SECONDS
    )
    before = np.full(len(features), -1)
    after = np.full(len(features), -1)
    before[second[joined]] = first[joined]
    after[first[joined]] = second[joined]
    return before, after


def _merge_neighbour_hits(hits: Integers, before: Integers, after: Integers) -> Integers:
    return hits | np.where(before >= 0, hits[before], 0) | np.where(after >= 0, hits[after], 0)


def _lengths_with_neighbours(features: Features, before: Integers, after: Integers, weights: ScoreWeights) -> Floats:
    own = features.words.astype(np.float64)
    if not weights.neighbours:
        return own
    return own + np.where(before >= 0, own[before], 0) + np.where(after >= 0, own[after], 0)


def _bm25(hits: Integers, lengths: Floats) -> Floats:
    """BM25 where a word counts once, however often it is said."""
    total = len(hits)
    relative = 1 - _B + _B * lengths / max(float(lengths.mean()), 1.0)
    weight = (_K1 + 1) / (1 + _K1 * relative)
    score = np.zeros(total)
    every = int(np.bitwise_or.reduce(hits))
    for bit in range(every.bit_length()):
        has = (hits >> bit) & 1
        if count := int(has.sum()):
            score += has * weight * np.log(1 + (total - count + 0.5) / (count + 0.5))
    return score


def _flow_similarity(features: Features, before: Integers) -> Floats:
    """A memory's similarity together with that of what was said before it; of what stands alone, its own for all."""
    own = features.similarity
    heard = np.nan_to_num(own)
    alone = ~features.episode
    one = np.where(before >= 0, heard[before], 0.0)
    two_back = np.where(before >= 0, before[before], -1)
    two = np.where(two_back >= 0, heard[two_back], 0.0)
    return np.where(alone, 1.75 * own, own + 0.5 * one + 0.25 * two)


def _scale_per_model(values: Floats, models: Integers) -> Floats:
    """Scaled among the memories compared by one model, for models differ in what is near; 0 for those without."""
    scaled = np.zeros(len(values))
    for model in range(int(models.max()) + 1):
        mine = models == model
        if mine.any():
            scaled[mine] = _scale(values[mine], _MIN_SIMILARITY_RANGE)
    return scaled


def _time_scores(features: Features, question: Question) -> Floats:
    """1 for what was said in the interval asked for, half for what was said soon after; 0 if nothing was said in it."""
    if question.interval is None:
        return np.zeros(len(features))
    start, end = question.interval.start.timestamp(), question.interval.end.timestamp()
    inside = (features.said_at >= start) & (features.said_at < end)
    soon = (features.said_at >= end) & (features.said_at < end + AFTERMATH_SECONDS)
    return inside + 0.5 * soon


def _length_scores(features: Features) -> Floats:
    """How much a memory says. A passage was cut to its size and says no more by it than the others do on average."""
    told = ~features.passage
    length = np.zeros(len(features))
    if told.any():
        length[told] = _scale(np.log1p(features.words[told]))
        length[~told] = length[told].mean()
    return length


def _scale(values: Floats, min_range: float = 0.0) -> Floats:
    """1 for the most, down to 0 for the least; or less far down, when all lie in less than `least_range`.

    0 throughout when there is nothing in any.
    """
    most = float(values.max())
    if most <= 0:
        return np.zeros(len(values))
    span = max(most - float(values.min()), min_range)
    scaled: Floats = 1 - (most - values) / span if span > 0 else np.ones(len(values))
    return scaled
