"""Four numbers for a message and each class, from which their probability is made.

A class is an adapter, or general talk. A message that is closest to general talk belongs to no adapter.

- *Separation*: what a ridge regression from vectors to classes says. Each class counts alike, whatever its number of
  texts.
- *Nearest*: mean similarity to the nearest texts, above what general talk has.
- *Centre*: similarity to the mean of all texts.
- *Distinct centre*: the same after whitening (Mahalanobis), where what many classes have in common counts little and
  what tells neighbours apart counts much. With a thousand subjects beside each other it tells more than the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

NEAREST: Final = 3
"""How many of a class's most similar texts count."""
FEATURES: Final = 4
"""Separation, nearest, centre, distinct centre."""
_RIDGE: Final = 0.02
"""Penalty of the regression, for texts whose weights add up to 1."""
_ABSENT: Final = 3.0
"""Beyond any dissimilarity: the negative of what stands for a text that is left out."""
_RANGE: Final = 8.0
"""Wider than similarities with what stands for a text that is left out."""
_COMMON: Final = 0.01
"""Added to the variance of every direction before whitening, so that what hardly varies is not blown up."""
_ON_SUBJECT: Final = 0.3
"""Similarity to an adapter's centre at which a general question is on its subject, if its questions do not tell."""

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TextGroup:
    """Texts of one class."""

    questions: Vectors
    """(questions, dimensions), unit length."""
    conversations: Integers
    """(questions,): a number that the questions of one conversation share."""
    about: Vectors
    """(texts, dimensions): the description and names."""

    @property
    def texts(self) -> Vectors:
        """(questions and texts about it, dimensions)."""
        return np.concatenate([self.questions, self.about])


class TextIndex:
    """The texts of all classes; general talk is the last."""

    def __init__(self, adapters: Sequence[TextGroup], small_talk: TextGroup, general_questions: TextGroup) -> None:
        """Compute what messages are compared with; blocking, a tenth of a second for some hundred texts.

        General questions on an adapter's subject are left out: one about soup is off the subject of physics, but not of
        cooking.
        """
        self._groups = [*adapters, _join_groups(small_talk, _without_subjects(general_questions, adapters))]
        sizes = np.array([len(group.texts) for group in self._groups])
        self._vectors = np.concatenate([group.texts for group in self._groups])
        self._starts = np.cumsum([0, *sizes])
        self._classes = np.repeat(np.arange(len(sizes)), sizes)
        self._weights = np.repeat(1 / (np.maximum(sizes, 1) * len(sizes)), sizes)
        self._inverse, self._regression = self._fit_regression()
        self._sums = np.stack([group.texts.sum(axis=0) for group in self._groups])
        self._centres = _unit(self._sums)
        self._whitening = self._fit_whitening()
        self._distinct = _unit(self._vectors @ self._whitening)
        self._distinct_sums = np.stack([self._distinct[self._slice(it)].sum(axis=0) for it in range(len(sizes))])
        self._distinct_centres = _unit(self._distinct_sums)
        self._baseline = self._nearest_of_general_talk()

    @property
    def classes(self) -> int:
        """Adapters, and general talk."""
        return len(self._groups)

    def features(self, message: Vectors) -> Floats:
        """Of one message: (classes, features)."""
        row = message[None]
        nearest = self._nearest(row @ self._vectors.T)
        distinct = _unit(row @ self._whitening) @ self._distinct_centres.T
        features: Floats = self._stack(row @ self._regression, nearest, row @ self._centres.T, distinct)[0]
        return features

    def is_like_nothing(self, features: Floats) -> Booleans:
        """(classes,): whether a message with these features is not similar to any text of the class."""
        unlike: Booleans = features[:, 1] + self._baseline <= 0
        return unlike

    def similarities(self, number: int, message: Vectors) -> Vectors:
        """Similarities to the texts of one class: its questions, then those about it."""
        similarities: Vectors = self._vectors[self._slice(number)] @ message
        return similarities

    def centre_similarities(self) -> Floats:
        """(adapters, adapters): how similar the centres of their texts are."""
        centres = self._centres[:-1]
        similarities: Floats = centres @ centres.T
        return similarities

    def held_out_features(self, most: int) -> tuple[Floats, Integers]:
        """Of the questions themselves, as if their conversations were not in the index: features, and their classes.

        Args:
            most: questions that are looked at, about; every class has its share, as far as it goes. Of more, some
                conversations are passed over, and where there are more classes than that, some classes.
        """
        features, classes = [np.empty((0, self.classes, FEATURES))], [np.empty(0, np.int64)]
        step = -(-self.classes // most)
        # General talk, the last, is never passed over.
        for number in sorted({*range(0, self.classes, step), self.classes - 1}):
            share = max(1, most * step // self.classes)
            for rows in _conversation_rows(self._groups[number].conversations, share):
                features.append(self._held_out(number, rows + self._starts[number]))
                classes.append(np.full(len(rows), number))
        return np.concatenate(features), np.concatenate(classes)

    def _held_out(self, number: int, rows: Integers) -> Floats:
        block = self._vectors[rows]
        similarities = block @ self._vectors.T
        similarities[:, rows] = -np.inf
        distinct = self._distinct[rows]
        centre = _similarities_without(block, number, self._centres, self._sums)
        distinct_centre = _similarities_without(distinct, number, self._distinct_centres, self._distinct_sums)
        # What the regression would say without these rows follows from the one with them.
        leverage = block @ self._inverse @ (block.T * self._weights[rows])
        target = np.zeros((len(rows), self.classes))
        target[:, number] = 1
        residual = np.linalg.solve(np.eye(len(rows)) - leverage, target - block @ self._regression)
        return self._stack(target - residual, self._nearest(similarities), centre, distinct_centre)

    def _stack(self, separation: Floats, nearest: Floats, centre: Floats, distinct: Floats) -> Floats:
        # General talk is about everything: its centre means nothing.
        about_something = np.arange(self.classes) < self.classes - 1
        columns = [separation, nearest - self._baseline, centre * about_something, distinct * about_something]
        return np.stack(columns, axis=-1)

    def _nearest(self, similarities: Vectors) -> Floats:
        """(messages, classes) from (messages, texts); what is -inf is not there."""
        # One sort for all classes: each has a range of its own, in which the most similar text comes first.
        known = np.where(np.isfinite(similarities), similarities, -_ABSENT).astype(np.float64)
        ranked = np.sort(self._classes * _RANGE - known, axis=1)
        places = self._starts[:-1, None] + np.arange(NEAREST)
        is_there = places < self._starts[1:, None]
        columns = ranked[:, np.minimum(places, len(self._classes) - 1).ravel()].reshape(-1, *places.shape)
        nearest = np.arange(self.classes)[:, None] * _RANGE - columns
        is_known = is_there & (nearest > -_ABSENT / 2)
        means: Floats = np.where(is_known, nearest, 0).sum(axis=2) / np.maximum(is_known.sum(axis=2), 1)
        return means

    def _nearest_of_general_talk(self) -> Floats:
        """(classes,): the more texts a class has, the nearer is some of them to anything."""
        rows = np.arange(self._starts[-2], self._starts[-1])
        similarities = self._vectors[rows] @ self._vectors.T
        similarities[np.arange(len(rows)), rows] = -np.inf
        baseline: Floats = self._nearest(similarities).mean(axis=0)
        return baseline

    def _fit_regression(self) -> tuple[Floats, Floats]:
        """The inverse of the weighted moments (dimensions, dimensions), and the regression (dimensions, classes)."""
        vectors = self._vectors.astype(np.float64)
        weighted = vectors * self._weights[:, None]
        inverse = np.linalg.inv(vectors.T @ weighted + _RIDGE * np.eye(vectors.shape[1]))
        moments = [weighted[self._slice(number)].sum(axis=0) for number in range(self.classes)]
        return inverse, inverse @ np.stack(moments, axis=1)

    def _fit_whitening(self) -> Floats:
        """(dimensions, dimensions): brings every direction that texts vary in to one size."""
        vectors = self._vectors.astype(np.float64)
        moments = vectors.T @ (vectors * self._weights[:, None]) + _COMMON * np.eye(vectors.shape[1])
        # Of all matrices that do so, the cheapest: they give the same similarities.
        whitening: Floats = np.linalg.inv(np.linalg.cholesky(moments)).T
        return whitening

    def _slice(self, number: int) -> slice:
        return slice(self._starts[number], self._starts[number + 1])


def _similarities_without(rows: Floats, number: int, centres: Floats, sums: Floats) -> Floats:
    """(rows, classes): similarities to the centres, as if these rows of class `number` were not in it."""
    similarities: Floats = rows @ centres.T
    similarities[:, number] = rows @ _unit(sums[None, number] - rows.sum(axis=0))[0]
    return similarities


def _join_groups(first: TextGroup, second: TextGroup) -> TextGroup:
    shift = first.conversations.max(initial=-1) + 1
    return TextGroup(
        np.concatenate([first.questions, second.questions]),
        np.concatenate([first.conversations, second.conversations + shift]),
        np.concatenate([first.about, second.about]),
    )


def _without_subjects(general: TextGroup, adapters: Sequence[TextGroup]) -> TextGroup:
    """General questions without those on an adapter's subject, in either language."""
    on_subject = np.zeros(len(general.questions), bool)
    for group in adapters:
        [centre] = _unit(group.texts.sum(axis=0)[None])
        on_subject |= general.questions @ centre > _usual_similarity(group)
    kept = ~np.isin(general.conversations, general.conversations[on_subject])
    return TextGroup(general.questions[kept], general.conversations[kept], general.about)


def _usual_similarity(group: TextGroup) -> float:
    """How similar one of the adapter's questions is to the centre of its other texts."""
    if len(group.questions) == 0 or len(group.texts) == 1:
        return _ON_SUBJECT
    others = _unit(group.texts.sum(axis=0) - group.questions)
    return float(np.median((others * group.questions).sum(axis=1)))


def _conversation_rows(conversations: Integers, most: int) -> list[Integers]:
    """The rows of each conversation, about `most` in all, spread evenly."""
    step = max(1, -(-len(conversations) // most))
    return [np.flatnonzero(conversations == conversation) for conversation in np.unique(conversations)[::step]]


def _unit(rows: npt.NDArray[np.floating]) -> Floats:
    unit: Floats = rows.astype(np.float64) / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit
