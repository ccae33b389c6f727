"""Groups vectors by direction, and says which groups are apart enough to be more than a way of cutting.

Spherical k-means for each number of groups. A number counts only if the same groups come out of other halves of the
vectors (*stability*), and a group only if its members are nearer to each other than to the next group by more than
chance makes them (*separation*): what k-means finds in a cloud of one piece with the same spread is chance. So the
answer may be that there are no groups. Everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]
    Labels = NDArray[np.int64]

MAX_GROUPS: Final = 8
_DIRECTIONS: Final = 32
"""Of the vectors' principal directions, so many are looked at; the rest is noise of single texts."""
_STARTS: Final = 6
_ROUNDS: Final = 60
_RESAMPLES: Final = 8
_RESAMPLED_SHARE: Final = 0.7
MIN_STABILITY: Final = 0.7
"""Mean adjusted Rand index between the groups of all vectors and those of a part of them."""
_REFERENCES: Final = 5
"""Clouds of one piece that a separation is compared with."""
_MAX_EXAMINED: Final = 3000
"""Vectors from which the groups are found; all others then join the nearest one."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of vectors."""

    labels: Labels
    """(vectors,): the group of each, from 0."""
    margins: Vectors
    """(vectors,): how much nearer each is to its own group than to the next, in cosines; 0 is between two."""
    stability: float
    separation: float
    """Mean margin."""
    chance: float
    """The largest mean margin that k-means finds in clouds of one piece."""

    @property
    def count(self) -> int:
        """How many groups there are; 1 where none are apart."""
        return int(self.labels.max()) + 1 if len(self.labels) else 1


def find_groups(vectors: Vectors, *, min_size: int, seed: int = 7) -> Grouping:
    """The grouping that stands out most from chance; one group of all where none does.

    Args:
        vectors: (texts, dimensions).
        min_size: of each group; numbers of groups that make a smaller one are passed over.
    """
    whole = Grouping(np.zeros(len(vectors), np.int64), np.zeros(len(vectors)), 1.0, 0.0, 0.0)
    if len(vectors) < 2 * min_size:
        return whole
    chance = np.random.default_rng(seed)
    points = _principal(vectors)
    examined = np.sort(chance.permutation(len(points))[:_MAX_EXAMINED])
    sample = points[examined]
    best, best_excess = whole, 0.0
    for count in range(2, min(MAX_GROUPS, len(vectors) // min_size) + 1):
        centres = _k_means(sample, count, chance)
        labels, margins = _assign(points, centres)
        if np.bincount(labels, minlength=count).min() < min_size:
            continue
        stability = _stability(sample, labels[examined], count, chance)
        if stability < MIN_STABILITY:
            continue
        separation = float(margins.mean())
        reference = _chance_separation(sample, count, chance)
        excess = separation - reference
        if excess > best_excess:
            best, best_excess = Grouping(labels, margins, stability, separation, reference), excess
    return best


def adjusted_rand_index(first: Labels, second: Labels) -> float:
    """How far two groupings of the same things agree: 1 for the same groups, about 0 for chance."""
    table = np.zeros((int(first.max()) + 1, int(second.max()) + 1))
    np.add.at(table, (first, second), 1)
    together = _pairs(table).sum()
    rows, columns = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    expected = rows * columns / max(_pairs(np.array(float(len(first)))), 1.0)
    most = (rows + columns) / 2
    return float((together - expected) / (most - expected)) if most != expected else 1.0


def _pairs(counts: Vectors) -> Vectors:
    return np.asarray(counts * (counts - 1) / 2)


def _principal(vectors: Vectors) -> Vectors:
    """The vectors in their principal directions, of unit length."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return _unit(centred @ directions[:_DIRECTIONS].T)


def _unit(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def _k_means(points: Vectors, count: int, chance: np.random.Generator) -> Vectors:
    """Centres of unit length: the best of several starts."""
    best, best_fit = np.empty(0), -np.inf
    for _ in range(_STARTS):
        centres = _spread_centres(points, count, chance)
        labels = np.full(len(points), -1)
        for _ in range(_ROUNDS):
            likeness = points @ centres.T
            found = likeness.argmax(axis=1)
            if np.array_equal(found, labels):
                break
            labels = found
            sums = np.zeros_like(centres)
            np.add.at(sums, labels, points)
            centres = _unit(sums)
        fit = float((points @ centres.T).max(axis=1).sum())
        if fit > best_fit:
            best, best_fit = centres, fit
    return best


def _spread_centres(points: Vectors, count: int, chance: np.random.Generator) -> Vectors:
    """Points that are far from each other (k-means++)."""
    chosen = [int(chance.integers(len(points)))]
    distance = 1 - points @ points[chosen[0]]
    while len(chosen) < count:
        weights = np.maximum(distance, 0) + 1e-12
        chosen.append(int(chance.choice(len(points), p=weights / weights.sum())))
        distance = np.minimum(distance, 1 - points @ points[chosen[-1]])
    return points[chosen]


def _assign(points: Vectors, centres: Vectors) -> tuple[Labels, Vectors]:
    """The nearest centre of each point, and how much nearer it is than the next."""
    likeness = points @ centres.T
    ordered = np.sort(likeness, axis=1)
    return likeness.argmax(axis=1), ordered[:, -1] - ordered[:, -2]


def _stability(points: Vectors, labels: Labels, count: int, chance: np.random.Generator) -> float:
    """Mean agreement of the groups with those that parts of the points make."""
    size = int(_RESAMPLED_SHARE * len(points))
    agreements = []
    for _ in range(_RESAMPLES):
        part = chance.permutation(len(points))[:size]
        again, _ = _assign(points, _k_means(points[part], count, chance))
        agreements.append(adjusted_rand_index(labels, again))
    return float(np.mean(agreements))


def _chance_separation(points: Vectors, count: int, chance: np.random.Generator) -> float:
    """The largest mean margin in clouds of one piece that spread as the points do."""
    # The points lie along their principal directions, so that a cloud of the same spread has independent coordinates.
    mean, spread = points.mean(axis=0), points.std(axis=0)
    found = []
    for _ in range(_REFERENCES):
        cloud = _unit(chance.normal(mean, spread, points.shape))
        found.append(float(_assign(cloud, _k_means(cloud, count, chance))[1].mean()))
    return max(found)
