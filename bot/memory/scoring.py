"""Scores each memory for a question: a weighted sum of a few parts, each between 0 and 1.

Scores are added and not ranks, since ranks do not say how much better the best memory is. For measurements of each part
see docs/decisions/0011-recall-adds-scores.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bot.memory.question import Question
    from db.memory.recall import Features, Floats, Integers

MIN_SIMILARITY = 0.15
"""Cosine below which a memory that shares no word with the question is irrelevant."""
OCCASION_GAP_SECONDS = 3 * 3600.0
"""Seconds without a message after which a new occasion begins."""
AFTERMATH_SECONDS = 7 * 86400.0
"""Seconds after an interval in which people still talk about what happened in it."""
_MIN_SIMILARITY_RANGE = 0.1
"""Cosines that differ by less than this differ by chance, so their difference is not scaled up to 1."""
_K1, _B = 1.2, 0.3
"""The usual parameters of BM25."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWeights:
    """The weight of each part, and of weak evidence. They are round numbers: values near them give the same results."""

    words: float = 1.0
    """BM25 of the question's words in the memory and, with `neighbours`, in the messages right before and after it."""
    meaning: float = 1.0
    """Cosine between question and memory."""
    flow: float = 0.5
    """That cosine, plus half of that of the message before and a quarter of that of the one before it: an answer seldom
    repeats what it answers."""
    occasion: float = 0.5
    """The largest cosine on the occasion on which the memory was said: what was said around the subject belongs to
    it."""
    speaker: float = 0.75
    """1 if the question asks for the words of the memory's speaker."""
    time: float = 1.0
    """1 if it was said in the interval of the question, ½ if in the week after."""
    length: float = 0.5
    """Longer memories say more."""
    question: float = 0.4
    """What the score of a person's bare question is multiplied by: it asks for what it does not say."""
    answer: float = 0.6
    """What the score of the mind's answer is multiplied by: it may repeat what was said, and may be wrong."""
    neighbours: bool = True
    """Whether the words of the messages right before and after a memory count as its own."""


DEFAULT_WEIGHTS = ScoreWeights()


def rank_memories(
    features: Features, question: Question, weights: ScoreWeights = DEFAULT_WEIGHTS
) -> tuple[Integers, Floats]:
    """The rows of the relevant memories, best first, and their scores."""
    if not len(features):
        return np.empty(0, np.int64), np.empty(0)
    order = np.lexsort((features.made_at, features.said_at, features.session))
    occasions = _occasions(features, order)
    before, after = _neighbours(order, occasions)
    in_time = _time_scores(features, question)
    if question.time_only and in_time.any():
        relevant = in_time == 1
        score = _scale(np.log1p(features.words)) + features.spoken
    else:
        hits = _merge_neighbour_hits(features.hits, before, after) if weights.neighbours else features.hits
        relevant = (hits > 0) | (np.nan_to_num(features.similarity, nan=-1.0) >= MIN_SIMILARITY) | (in_time == 1)
        parts = {
            "words": _scale(_bm25(hits, _lengths_with_neighbours(features, before, after, weights))),
            "meaning": _scale_per_model(features.similarity, features.model),
            "flow": _scale_per_model(_flow_similarity(features, before), features.model),
            "occasion": _scale_per_model(_occasion_similarity(features, occasions), features.model),
            "speaker": features.spoken,
            "time": in_time,
            "length": _length_scores(features),
        }
        score = np.zeros(len(features))
        for name, part in parts.items():
            score += getattr(weights, name) * part
        score *= _evidence(features, question, weights)
    # Of equal scores the newer memory comes first.
    ranked = np.lexsort((-features.made_at, -features.said_at, -score))
    ranked = ranked[relevant[ranked]]
    return ranked, score[ranked]


def _evidence(features: Features, question: Question, weights: ScoreWeights) -> Floats:
    """What each memory is worth as evidence, unless questions or answers are what is asked for."""
    evidence = np.ones(len(features))
    if not question.about_questions:
        evidence[features.question] = weights.question
    if question.voice != "mind":
        evidence[features.by_mind] = weights.answer
    return evidence


def _occasions(features: Features, order: Integers) -> Integers:
    """For each row, the number of the occasion on which it was said. Memories that are no messages have their own."""
    messages = order[features.episode[order] & (features.session[order] != 0)]
    first, second = messages[:-1], messages[1:]
    begins = (features.session[first] != features.session[second]) | (
        features.said_at[second] - features.said_at[first] > OCCASION_GAP_SECONDS
    )
    occasions = np.arange(len(features)) + len(features)
    occasions[messages] = np.concatenate(([0], np.cumsum(begins)))[: len(messages)]
    return occasions


def _neighbours(order: Integers, occasions: Integers) -> tuple[Integers, Integers]:
    """For each row, the rows of the messages right before and after it on the same occasion; -1 for none."""
    messages = order[occasions[order] < len(occasions)]
    first, second = messages[:-1], messages[1:]
    adjacent = occasions[first] == occasions[second]
    before = np.full(len(occasions), -1)
    after = np.full(len(occasions), -1)
    before[second[adjacent]] = first[adjacent]
    after[first[adjacent]] = second[adjacent]
    return before, after


def _merge_neighbour_hits(hits: Integers, before: Integers, after: Integers) -> Integers:
    return hits | np.where(before >= 0, hits[before], 0) | np.where(after >= 0, hits[after], 0)


def _lengths_with_neighbours(features: Features, before: Integers, after: Integers, weights: ScoreWeights) -> Floats:
    lengths = features.words.astype(np.float64)
    if not weights.neighbours:
        return lengths
    return lengths + np.where(before >= 0, lengths[before], 0) + np.where(after >= 0, lengths[after], 0)


def _bm25(hits: Integers, lengths: Floats) -> Floats:
    """BM25 in which a word counts once per memory, however often it is there."""
    total = len(hits)
    relative_lengths = 1 - _B + _B * lengths / max(float(lengths.mean()), 1.0)
    weight = (_K1 + 1) / (1 + _K1 * relative_lengths)
    score = np.zeros(total)
    all_words = int(np.bitwise_or.reduce(hits))
    for bit in range(all_words.bit_length()):
        has_word = (hits >> bit) & 1
        if count := int(has_word.sum()):
            score += has_word * weight * np.log(1 + (total - count + 0.5) / (count + 0.5))
    return score


def _flow_similarity(features: Features, before: Integers) -> Floats:
    """A message's similarity plus parts of those of the two messages before it.

    Memories that are not messages have no neighbours: their own similarity stands for all three.
    """
    similarity = features.similarity
    known = np.nan_to_num(similarity)
    previous = np.where(before >= 0, known[before], 0.0)
    second_before = np.where(before >= 0, before[before], -1)
    second_previous = np.where(second_before >= 0, known[second_before], 0.0)
    with_previous = similarity + 0.5 * previous + 0.25 * second_previous
    return np.where(features.episode, with_previous, 1.75 * similarity)


def _occasion_similarity(features: Features, occasions: Integers) -> Floats:
    """The largest similarity on a row's occasion, of the memories with vectors of the same model."""
    models = features.model + 1
    groups = occasions * (int(models.max()) + 1) + models
    largest = np.full(int(groups.max()) + 1, -1.0)
    np.maximum.at(largest, groups, np.nan_to_num(features.similarity, nan=-1.0))
    similarity: Floats = largest[groups]
    return similarity


def _scale_per_model(values: Floats, models: Integers) -> Floats:
    """Values scaled to 0..1 for each model's memories separately, since models' cosines differ; 0 without a vector."""
    scaled = np.zeros(len(values))
    for model in range(int(models.max()) + 1):
        rows = models == model
        if rows.any():
            scaled[rows] = _scale(values[rows], _MIN_SIMILARITY_RANGE)
    return scaled


def _time_scores(features: Features, question: Question) -> Floats:
    """1 for memories in the question's interval, ½ for those in the week after, 0 for the others.

    "Before May" asks for what was not yet May: nothing after it counts.
    """
    if question.interval is None:
        return np.zeros(len(features))
    start, end = question.interval.start.timestamp(), question.interval.end.timestamp()
    inside = (features.said_at >= start) & (features.said_at < end)
    soon_after = (features.said_at >= end) & (features.said_at < end + AFTERMATH_SECONDS)
    return inside + 0.5 * soon_after * question.interval.has_beginning


def _length_scores(features: Features) -> Floats:
    """Scaled logarithm of the number of words. Passages get the mean of the others: chunking decides their length."""
    others = ~features.passage
    length = np.zeros(len(features))
    if others.any():
        length[others] = _scale(np.log1p(features.words[others]))
        length[~others] = length[others].mean()
    return length


def _scale(values: Floats, min_range: float = 0.0) -> Floats:
    """Values scaled so that the largest is 1 and the smallest 0, or above 0 if their range is below `min_range`.

    All are 0 if no value is positive.
    """
    largest = float(values.max())
    if largest <= 0:
        return np.zeros(len(values))
    span = max(largest - float(values.min()), min_range)
    scaled: Floats = 1 - (largest - values) / span if span > 0 else np.ones(len(values))
    return scaled
