"""How two adapters get in each other's way, judged from their weights alone.

A delta reads some directions of what flows into a module and writes some directions of what flows out. Two deltas that
write the same directions with opposite signs cancel; two that read and write different ones live side by side.
Everything is computed through the factors, module after module; of a delta itself, no more than some rows are made.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np

from inference.adapters.factors import Float64Array, inner_product, read_factors, significant_directions, thin_svd
from inference.adapters.parts import Part
from inference.adapters.tensors import TensorReader
from inference.base_model import MODULE_PATHS

MAX_SIGN_ROWS: Final = 256
"""Rows of a delta that signs are compared in; of a larger one, so many at equal distances."""

_Factors = tuple[Float64Array, Float64Array]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two deltas beside each other: of one module, of a layer, of all modules of a kind, or of all."""

    cosine: float
    """⟨ΔW₁, ΔW₂⟩ / (‖ΔW₁‖·‖ΔW₂‖): 1 for the same direction, 0 for independent, -1 for opposite. Modules that only one
    adapts count into its norm."""
    input_overlap: float
    """Overlap of the input directions, 0 to 1: mean squared cosine of the principal angles between them. Over several
    modules the mean, each weighted by the product of its norms."""
    output_overlap: float
    """Overlap of the output directions, likewise."""
    sign_conflict: float
    """Of what both add to the same entries, the share with opposite signs: Σ min(|x|, |y|) over entries of opposite
    signs / over all. Half for independent deltas, 0 for one beside itself, 1 for one beside its opposite."""
    norms: tuple[float, float]
    """Frobenius norms of the two."""

    @property
    def norm_ratio(self) -> float:
        """The first norm over the second; infinite where the second is 0."""
        return self.norms[0] / self.norms[1] if self.norms[1] else math.inf


@dataclass(frozen=True, slots=True)
class ModuleConflict(Comparison):
    """Two deltas of one module of one layer."""

    layer: int
    module: str
    input_angles: tuple[float, ...]
    """Principal angles between the input directions in degrees, the smallest first."""
    output_angles: tuple[float, ...]
    """Principal angles between the output directions, likewise."""

    @property
    def path(self) -> str:
        """Layer and module, `12.self_attn.q_proj`."""
        return f"{self.layer}.{MODULE_PATHS[self.module]}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two adapters, module by module and as a whole."""

    modules: tuple[ModuleConflict, ...]
    """The modules both adapt, by layer."""
    by_layer: Mapping[int, Comparison]
    """All modules of a layer together, by layer."""
    by_module: Mapping[str, Comparison]
    """All layers together, by the name of the module."""
    total: Comparison


def measure_conflict(first: Part, second: Part) -> Conflict:
    """Measure how two parts of a composition for one base model overlap, weights and bands in it. Symmetric.

    Raises:
        PackageUnreadable, PackageChanged: the numbers cannot be read.
    """
    shared: list[ModuleConflict] = []
    total, layers, modules = _Sums(), defaultdict[int, _Sums](_Sums), defaultdict[str, _Sums](_Sums)
    with ExitStack() as stack:
        parts = [(part, stack.enter_context(part.package.file.reader())) for part in (first, second)]
        for layer in sorted(first.layer_groups.keys() | second.layer_groups.keys()):
            for module in MODULE_PATHS:
                one, other = (_read(part, reader, layer, module) for part, reader in parts)
                if one is None and other is None:
                    continue
                found = _compare(one, other, layer, module)
                for sums in (total, layers[layer], modules[module]):
                    sums.add(found)
                if found.conflict is not None:
                    shared.append(found.conflict)
    return Conflict(
        tuple(shared),
        {layer: sums.result() for layer, sums in layers.items()},
        {module: modules[module].result() for module in MODULE_PATHS if module in modules},
        total.result(),
    )


def _read(part: Part, reader: TensorReader, layer: int, module: str) -> _Factors | None:
    """A and B of a part's delta, with scale and weight in B; None where it has none."""
    pair = part.package.layers[layer].get(module) if layer in part.layer_groups else None
    if pair is None:
        return None
    a, b = read_factors(reader, pair)
    return a, b * part.weight_at(layer)


@dataclass(frozen=True, slots=True)
class _Measured:
    """One module of one layer, in numbers that add up over modules."""

    squares: tuple[float, float] = (0.0, 0.0)
    """Squared norms."""
    product: float = 0.0
    """Inner product."""
    opposite: float = 0.0
    """Σ min(|x|, |y|) over entries of opposite signs, of the rows that were looked at, scaled up to all."""
    common: float = 0.0
    """The same over all entries."""
    conflict: ModuleConflict | None = None
    """Where both have a delta."""


class _Sums:
    """What modules come to together."""

    def __init__(self) -> None:
        self._squares = np.zeros(2)
        self._product = self._opposite = self._common = 0.0
        self._overlaps = np.zeros(2)
        self._weight = 0.0

    def add(self, module: _Measured) -> None:
        self._squares += module.squares
        self._product += module.product
        self._opposite += module.opposite
        self._common += module.common
        if module.conflict is not None:
            weight = math.prod(module.conflict.norms)
            self._overlaps += (weight * module.conflict.input_overlap, weight * module.conflict.output_overlap)
            self._weight += weight

    def result(self) -> Comparison:
        norms = (math.sqrt(self._squares[0]), math.sqrt(self._squares[1]))
        inputs, outputs = self._overlaps / self._weight if self._weight else self._overlaps
        return Comparison(
            _ratio(self._product, math.prod(norms)),
            float(inputs),
            float(outputs),
            _ratio(self._opposite, self._common),
            norms,
        )


def _compare(one: _Factors | None, other: _Factors | None, layer: int, module: str) -> _Measured:
    squares = tuple(float(inner_product(*it, *it)) if it else 0.0 for it in (one, other))
    if one is None or other is None:
        return _Measured((squares[0], squares[1]))
    product = float(inner_product(*one, *other))
    opposite, common = _compare_signs(one, other)
    norms = (math.sqrt(squares[0]), math.sqrt(squares[1]))
    inputs, outputs = _direction_cosines(one, other)
    conflict = ModuleConflict(
        _ratio(product, math.prod(norms)),
        _overlap(inputs),
        _overlap(outputs),
        _ratio(opposite, common),
        norms,
        layer,
        module,
        _angles(inputs),
        _angles(outputs),
    )
    return _Measured((squares[0], squares[1]), product, opposite, common, conflict)


def _compare_signs(one: _Factors, other: _Factors) -> tuple[float, float]:
    """What both deltas add to the same entries with opposite signs, and with any."""
    outputs = len(one[1])
    rows = np.unique(np.linspace(0, outputs - 1, min(outputs, MAX_SIGN_ROWS)).round().astype(int))
    x, y = (b[rows].astype(np.float32) @ a.astype(np.float32) for a, b in (one, other))
    # |x + y| - |x - y| is twice the smaller size, negative where the signs are opposite.
    doubled = np.abs(x + y)
    x -= y
    doubled -= np.abs(x, out=x)
    signed = float(doubled.sum(dtype=np.float64))
    common = float(np.abs(doubled, out=doubled).sum(dtype=np.float64))
    scale = outputs / len(rows) / 2
    return scale * (common - signed) / 2, scale * common


def _direction_cosines(first: _Factors, second: _Factors) -> tuple[Float64Array, Float64Array]:
    """Cosines of the principal angles between what two deltas read, and between what they write."""
    (u, values, v), (other_u, other_values, other_v) = thin_svd(*first), thin_svd(*second)
    count, other_count = significant_directions(values), significant_directions(other_values)
    if not min(count, other_count):
        return np.zeros(0), np.zeros(0)
    return (
        np.asarray(np.linalg.svd(v[:count] @ other_v[:other_count].T, compute_uv=False), np.float64),
        np.asarray(np.linalg.svd(u[:, :count].T @ other_u[:, :other_count], compute_uv=False), np.float64),
    )


def _overlap(cosines: Float64Array) -> float:
    return float(np.square(cosines).mean()) if len(cosines) else 0.0


def _angles(cosines: Float64Array) -> tuple[float, ...]:
    return tuple(np.degrees(np.arccos(np.clip(cosines, 0, 1))).tolist())


def _ratio(share: float, whole: float) -> float:
    return share / whole if whole else 0.0
