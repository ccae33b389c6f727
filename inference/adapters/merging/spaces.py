"""One module's factors of several adapters, merged into one pair of factors.

Core Space is that of A. Panariello et al., “Accurate and Efficient Low-Rank Model Merging in Core Space” (NeurIPS
2025, arXiv:2509.17786; `get_core_matrices` in github.com/apanariello4/core-space-merging): with V the right singular
vectors of all A stacked and U the left ones of all B side by side, every delta is U M Vᵀ without a loss, and a method
for dense deltas works on the small M instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from inference.adapters.dtypes import Array
from inference.adapters.factors import Float64Array, significant_directions, thin_svd
from inference.adapters.merging.rules import merge_tensors
from inference.adapters.merging.settings import Merge, MergeMethod, MergeSpace, SharedPart

_MAX_DENSE_SVD: Final = 512
"""Of a larger matrix, only the wanted directions are computed, through its Gram matrix."""


@dataclass(frozen=True, slots=True)
class ModuleFactors:
    """What one adapter does to one module of one layer."""

    a: Float64Array
    """rank × inputs."""
    b: Float64Array
    """outputs × rank, without the scale."""
    scale: float
    weight: float
    key: str
    """Adapter and module: what random entries depend on."""
    is_core: bool = False
    """Whether `project` keeps it whole."""


@dataclass(frozen=True, slots=True)
class MergedModule:
    """The factors of the merged delta, B @ A, and what is not in them."""

    a: Float64Array
    b: Float64Array
    energy: float | None = None
    """Squared Frobenius norm of the exact result; None when the factors are exact."""


def merge_module(parts: Sequence[ModuleFactors], merge: Merge, rank: int) -> MergedModule:
    """Merge one module.

    Args:
        parts: one at least; for `MergeSpace.FACTORS` of equal ranks.
        rank: that a result without exact small factors is cut to.
    """
    if merge.method is MergeMethod.PROJECT:
        if len({part.is_core for part in parts}) > 1:
            return _project(parts, merge)
        return _concatenate([part.a for part in parts], [_scaled(part) for part in parts])
    return _MERGERS[merge.space](parts, merge, rank)


def _merge_cores(parts: Sequence[ModuleFactors], merge: Merge, _rank: int) -> MergedModule:
    v = np.linalg.svd(np.concatenate([part.a for part in parts]), full_matrices=False)[2]
    u = np.linalg.svd(np.concatenate([part.b for part in parts], axis=1), full_matrices=False)[0]
    cores: list[Array] = [part.scale * (u.T @ part.b) @ (part.a @ v.T) for part in parts]
    merged = merge_tensors(cores, [part.weight for part in parts], [part.key for part in parts], merge)
    return MergedModule(v, u @ merged) if len(v) <= u.shape[1] else MergedModule(merged @ v, u)


def _merge_deltas(parts: Sequence[ModuleFactors], merge: Merge, rank: int) -> MergedModule:
    # In float32: of a large module, the deltas are what takes the memory.
    deltas: list[Array] = [(part.scale * part.b).astype(np.float32) @ part.a.astype(np.float32) for part in parts]
    merged = merge_tensors(deltas, [part.weight for part in parts], [part.key for part in parts], merge)
    deltas.clear()
    energy = float(np.square(merged, dtype=np.float64).sum())
    return MergedModule(*_leading_factors(merged, rank), energy)


def _leading_factors(delta: Array, rank: int) -> tuple[Float64Array, Float64Array]:
    """A and B of the product of `rank` nearest to a dense delta."""
    if min(delta.shape) <= _MAX_DENSE_SVD:
        u, values, v = np.linalg.svd(delta.astype(np.float64), full_matrices=False)
        root = np.sqrt(values[:rank])
        return root[:, None] * v[:rank], u[:, :rank] * root
    if delta.shape[0] > delta.shape[1]:
        b, a = _leading_factors(delta.T, rank)
        return a.T, b.T
    wide = delta.astype(np.float64)
    u = np.linalg.eigh(wide @ wide.T)[1][:, : -rank - 1 : -1]
    return u.T @ wide, u


def _merge_factors(parts: Sequence[ModuleFactors], merge: Merge, _rank: int) -> MergedModule:
    scaled = [part.weight * part.scale for part in parts]
    # The sign goes to one side only; on both it would be lost.
    weights_a = [math.copysign(math.sqrt(abs(weight)), weight) for weight in scaled]
    weights_b = [math.sqrt(abs(weight)) for weight in scaled]
    return MergedModule(
        merge_tensors([part.a.copy() for part in parts], weights_a, [f"{part.key}.A" for part in parts], merge),
        merge_tensors([part.b.copy() for part in parts], weights_b, [f"{part.key}.B" for part in parts], merge),
    )


def _project(parts: Sequence[ModuleFactors], merge: Merge) -> MergedModule:
    """The sum, with the topics projected off the core's inputs, its outputs, or what goes from the ones to the others.

    The last changes the topics least and leaves the inner product of core and topic zero. It needs no rank of its own:
    what is taken out lies in the core's directions, and is taken out of the core's factors.
    """
    core = _concatenate([part.a for part in parts if part.is_core], [_scaled(part) for part in parts if part.is_core])
    topics = [MergedModule(part.a, _scaled(part)) for part in parts if not part.is_core]
    u, values, v = thin_svd(core.a, core.b)
    count = significant_directions(values)
    u, v = u[:, :count], v[:count]
    match merge.off:
        case SharedPart.INPUTS:
            topics = [MergedModule(topic.a - (topic.a @ v.T) @ v, topic.b) for topic in topics]
        case SharedPart.OUTPUTS:
            topics = [MergedModule(topic.a, topic.b - u @ (u.T @ topic.b)) for topic in topics]
        case SharedPart.OVERLAP:
            own = np.diag(values[:count]) - sum((u.T @ topic.b) @ (topic.a @ v.T) for topic in topics)
            core = MergedModule(v, u @ own)
    return _concatenate([core.a, *(topic.a for topic in topics)], [core.b, *(topic.b for topic in topics)])


def _scaled(part: ModuleFactors) -> Float64Array:
    """B with scale and weight in it."""
    return part.weight * part.scale * part.b


def _concatenate(a: Sequence[Float64Array], b: Sequence[Float64Array]) -> MergedModule:
    return MergedModule(np.concatenate(a), np.concatenate(b, axis=1))


_MERGERS: Final[Mapping[MergeSpace, Callable[[Sequence[ModuleFactors], Merge, int], MergedModule]]] = {
    MergeSpace.CORE: _merge_cores,
    MergeSpace.DELTA: _merge_deltas,
    MergeSpace.FACTORS: _merge_factors,
}
