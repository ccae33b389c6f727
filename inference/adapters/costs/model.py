"""What a mixture costs an adapter: the share of its gain that is lost, predicted from how the mixture bears on it.

The model is a ridge regression, fitted to mixtures that were trained and measured for it (`benchmarks.mixing`), and is
shipped as `cost_model.json`, which also tells what it was fitted to. Its intervals are conformal: as wide as the errors
on pairs that the fit had not seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from inference.adapters.costs.interference import Interference
from inference.adapters.factors import Float64Array
from inference.adapters.merging.settings import Merge

MODEL_FILE: Final = Path(__file__).parent / "cost_model.json"


class CostModel(BaseModel):
    """What was fitted. All is in a transformed cost, asinh(cost / unit), which is linear for small costs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: float
    coefficients: dict[str, float]
    """By the name of a term (`cost_terms`). There is no constant: what nothing bears on loses nothing."""
    errors: tuple[float, float]
    """What to add for the lower and the upper end of the interval."""
    coverage: float
    """Share of unseen pairs whose cost lies within."""
    drift: tuple[float, float]
    """Intercept and slope of the logarithm of drift, over that of the squared norms' ratio."""
    drift_error: float
    """Half the width of its interval, in the logarithm."""
    source: dict[str, str | float]
    """What it was fitted to, and how well it tells unseen pairs."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The share of an adapter's gain that a mixture loses; below 0 where it helps, above 1 where it harms."""

    expected: float
    low: float
    high: float

    @property
    def kept(self) -> float:
        """The share that is left."""
        return 1 - self.expected


@dataclass(frozen=True, slots=True)
class DriftShare:
    """Drift of a mixture on neutral texts, as a share of what one of its adapters drifts alone."""

    expected: float
    low: float
    high: float


@cache
def cost_model() -> CostModel:
    """The model that ships; read once."""
    return CostModel.model_validate_json(MODEL_FILE.read_bytes())


def is_fitted_to(merge: Merge) -> bool:
    """Whether the model was fitted to mixtures merged like this; of others it says what a sum of that size would do."""
    return merge.is_exact_sum and merge.rank is None


def predict_cost(interference: Interference, *, trained_together: bool, model: CostModel | None = None) -> Cost:
    """What a mixture costs an adapter.

    Args:
        trained_together: whether the one was trained on the other, frozen: then they agree where it matters.
        model: None for the one that ships.
    """
    model = model or cost_model()
    terms = cost_terms(interference, trained_together=trained_together)
    value = sum(coefficient * terms[name] for name, coefficient in model.coefficients.items())
    low, high = model.errors
    return Cost(*(model.unit * math.sinh(_bounded(it)) for it in (value, value + low, value + high)))


def predict_drift(interference: Interference, model: CostModel | None = None) -> DriftShare:
    """How far a mixture drifts, as a share of what the adapter drifts alone."""
    model = model or cost_model()
    size = (1 + interference.along) ** 2 + interference.beside**2
    intercept, slope = model.drift
    value = intercept + slope * math.log(max(size, 1e-6))
    error = model.drift_error
    return DriftShare(*(math.exp(_bounded(it)) for it in (value, value - error, value + error)))


def cost_terms(interference: Interference, *, trained_together: bool) -> Mapping[str, float]:
    """The terms that the regression may use, by name; each is 0 where nothing bears on the adapter."""
    it, together = interference, float(trained_together)
    return {
        "along": it.along,
        "weakened": max(-it.along, 0.0),
        "weakened squared": max(-it.along, 0.0) ** 2,
        "beside": it.beside,
        "read": it.read,
        "written": it.written,
        "crossed": it.crossed,
        "log beside": math.log1p(it.beside),
        "log read": math.log1p(it.read),
        "log written": math.log1p(it.written),
        "log crossed": math.log1p(it.crossed),
        "together beside": together * math.log1p(it.beside),
    }


def ridge(terms: Float64Array, values: Float64Array, penalty: float) -> Float64Array:
    """Coefficients of a ridge regression through the origin, of which the penalty looks at terms of one size.

    Args:
        terms: rows × terms.
        values: rows.
    """
    sizes = np.sqrt(np.square(terms).mean(axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    scaled = terms / sizes
    gram = scaled.T @ scaled + penalty * len(terms) * np.eye(terms.shape[1])
    return np.linalg.solve(gram, scaled.T @ values) / sizes


def _bounded(value: float) -> float:
    """What neither `sinh` nor `exp` goes to infinity with."""
    return min(max(value, -12.0), 12.0)
