"""From features to probabilities, fitted to the mind's own dialogues, each of which is left out in its turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.answering.routing.features import Booleans, Floats, Integers

DEFAULT_WEIGHTS: Final = (9.0, 8.0, 10.0, 0.0)
"""For separation, nearest, centre and distinct centre; what small minds were fitted to."""
DEFAULT_GENERAL: Final = 0.0
"""Log-odds of general talk beforehand, against all adapters together."""
DEFAULT_THRESHOLD: Final = 0.5
_THRESHOLDS: Final = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
_CAUTION: Final = 0.1
"""The share of questions that must gain by a threshold that is 1 away from the default."""
_PRIOR_PRECISION: Final = np.array([0.5, 0.5, 0.5, 0.5, 10.0])
"""How firmly the defaults are believed: as much as one over the variance of each weight, and of `general`."""
_GENERAL_SHARE: Final = 0.2
"""Of messages, how many are expected to be general talk."""
_MAX_STEPS: Final = 50
_CLOSE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """How features become probabilities."""

    weights: Sequence[float] = DEFAULT_WEIGHTS
    """How much each feature tells. Their size is the inverse of a temperature."""
    general: float = DEFAULT_GENERAL
    """Log-odds of general talk beforehand, against all adapters together."""
    threshold: float = DEFAULT_THRESHOLD
    """How sure one must be of an adapter to leave the core."""
    questions: int = 0
    """The mind's own questions that it was fitted to."""
    accuracy: float | None = None
    """The share of them that find their adapter when their conversation is left out; adapters count alike."""
    abstention: float | None = None
    """The share of general talk that stays with the core when it is left out."""

    def log_odds(self, features: Floats) -> Floats:
        """Of (…, classes, features): (…, classes), up to a constant; the last class is general talk."""
        log_odds: Floats = _design(features) @ np.array([*self.weights, self.general]) + _prior(features.shape[-2])
        return log_odds


def calibrate(features: Floats, classes: Integers, core: int | None) -> Calibration:
    """Fit to held-out questions; the fewer there are, the nearer the defaults.

    Args:
        features: (questions, classes, features); the last class is general talk.
        classes: the class of each question.
        core: the class of the core, if it is one.
    """
    general = features.shape[1] - 1
    own = int((classes != general).sum())
    if not own:
        return Calibration()
    balance = _balance(classes, general)
    *weights, prior = _fit(features, classes, balance).tolist()
    fitted = Calibration(weights, prior, questions=own)
    chosen = [choose(row, core) for row in softmax(fitted.log_odds(features))]
    threshold = _best_threshold(chosen, classes, balance, core, general)
    right = _is_right(chosen, classes, core, general, threshold)
    is_general = classes == general
    accuracy = float(np.average(right[~is_general], weights=balance[~is_general]))
    abstention = float(right[is_general].mean()) if is_general.any() else None
    return Calibration(weights, prior, threshold, own, accuracy, abstention)


def softmax(log_odds: Floats) -> Floats:
    """Probabilities over the last axis."""
    powers = np.exp(log_odds - log_odds.max(axis=-1, keepdims=True))
    probabilities: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def choose(probabilities: Floats, core: int | None) -> tuple[int, float]:
    """The likeliest adapter beside the core, and how sure one is that it is this one rather than the core's.

    It is the core's if it belongs to the core or to no adapter. With no other adapter there is nothing to be sure of.
    """
    others = [number for number in range(len(probabilities) - 1) if number != core]
    if not others:
        return -1, 0.0
    best = max(others, key=lambda number: float(probabilities[number]))
    home = max(float(probabilities[-1]), 0.0 if core is None else float(probabilities[core]))
    share = float(probabilities[best])
    return best, share / max(share + home, 1e-12)


def _balance(classes: Integers, general: int) -> Floats:
    """A weight for each question: adapters count alike, and general talk has its share."""
    counts = np.bincount(classes, minlength=general + 1)
    shares = np.where(counts > 0, (1 - _GENERAL_SHARE) / (counts[:general] > 0).sum(), 0)
    shares[general] = _GENERAL_SHARE
    balance: Floats = shares[classes] / counts[classes] * len(classes)
    return balance


def _design(features: Floats) -> Floats:
    """The features, and whether the class is general talk."""
    is_general = np.zeros((*features.shape[:-1], 1))
    is_general[..., -1, 0] = 1
    return np.concatenate([features, is_general], axis=-1)


def _prior(classes: int) -> Floats:
    """General talk weighs as much as all adapters together."""
    prior = np.zeros(classes)
    prior[-1] = np.log(max(classes - 1, 1))
    return prior


def _fit(features: Floats, classes: Integers, balance: Floats) -> Floats:
    """The likeliest weights and `general`, by Newton's method."""
    design, prior, rows = _design(features), _prior(features.shape[1]), np.arange(len(classes))
    defaults = np.array([*DEFAULT_WEIGHTS, DEFAULT_GENERAL])

    def likelihood(fitted: Floats) -> float:
        share = softmax(design @ fitted + prior)[rows, classes]
        return float(balance @ np.log(np.maximum(share, 1e-300)) - _PRIOR_PRECISION @ (fitted - defaults) ** 2 / 2)

    fitted = defaults
    for _ in range(_MAX_STEPS):
        shares = softmax(design @ fitted + prior)
        expected = np.einsum("qc,qcf->qf", shares, design)
        gradient = balance @ (design[rows, classes] - expected) - _PRIOR_PRECISION * (fitted - defaults)
        spread = np.einsum("q,qc,qcf,qcg->fg", balance, shares, design, design, optimize=True)
        curvature = spread - (balance[:, None] * expected).T @ expected + np.diag(_PRIOR_PRECISION)
        step = np.linalg.solve(curvature, gradient)
        while np.abs(step).max() > _CLOSE and likelihood(fitted + step) < likelihood(fitted):
            step = step / 2
        fitted = fitted + step
        if np.abs(step).max() <= _CLOSE:
            break
    return fitted


def _best_threshold(
    chosen: Sequence[tuple[int, float]], classes: Integers, balance: Floats, core: int | None, general: int
) -> float:
    """The threshold at which most questions go where they belong; one near the default, unless another gains much."""

    def merit(threshold: float) -> float:
        right = balance @ _is_right(chosen, classes, core, general, threshold)
        return float(right) / len(classes) - _CAUTION * abs(threshold - DEFAULT_THRESHOLD)

    return max(_THRESHOLDS, key=merit)


def _is_right(
    chosen: Sequence[tuple[int, float]], classes: Integers, core: int | None, general: int, threshold: float
) -> Booleans:
    """Whether each question goes to its adapter, or stays with the core if it belongs to the core or to no adapter."""
    best, sureness = (np.array(column) for column in zip(*chosen, strict=True))
    is_home = np.isin(classes, [general] if core is None else [general, core])
    right: Booleans = np.where(sureness >= threshold, best == classes, is_home)
    return right
