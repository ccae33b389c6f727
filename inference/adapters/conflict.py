"""How much two adapters conflict, judged from their weights alone.

A delta reads some directions of what flows into a module and writes some directions of what flows out. Two
deltas that write the same directions with opposite signs cancel; two that read and write different ones live side
by side. Everything is computed through the factors; no matrix is larger than the ranks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from inference.adapters.factors import Float64Array, inner_product, read_factors, thin_svd
from inference.adapters.package import AdapterPackage
from inference.base_model import MODULE_PATHS

_NEGLIGIBLE = 1e-6
"""A singular value below this share of the largest is rounding, not a direction."""


@dataclass(frozen=True, slots=True)
class ModuleConflict:
    """Two deltas of one module."""

    layer: int
    module: str
    cosine: float
    """⟨ΔW₁, ΔW₂⟩ / (‖ΔW₁‖·‖ΔW₂‖): 1 for the same direction, 0 for independent, -1 for opposite."""
    input_overlap: float
    """Overlap of the input directions, 0 to 1: mean squared cosine of the principal angles between them."""
    output_overlap: float
    """Overlap of the output directions, likewise."""
    norms: tuple[float, float]
    """Frobenius norms of the two deltas."""

    @property
    def path(self) -> str:
        """Layer and module, `12.self_attn.q_proj`."""
        return f"{self.layer}.{MODULE_PATHS[self.module]}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two adapters, module by module and as a whole."""

    modules: tuple[ModuleConflict, ...]
    """The modules both adapt, by layer."""
    cosine: float
    """The cosine of the deltas of all modules taken as one vector; those only one adapts count into its norm."""
    input_overlap: float
    """Mean overlap of input directions, each module weighted by the product of its norms."""
    output_overlap: float
    """Mean overlap of output directions, likewise."""
    norms: tuple[float, float]
    """Frobenius norms of the two adapters."""


def measure_conflict(first: AdapterPackage, second: AdapterPackage) -> Conflict:
    """Measure how two adapters of one base model overlap. Symmetric.

    Raises:
        PackageUnreadable, PackageChanged: the numbers cannot be read.
    """
    squares = np.zeros(2)
    product = 0.0
    shared: list[ModuleConflict] = []
    with first.file.reader() as first_reader, second.file.reader() as second_reader:
        for layer in sorted(first.layers.keys() | second.layers.keys()):
            ours, theirs = first.layers.get(layer, {}), second.layers.get(layer, {})
            for module in (module for module in MODULE_PATHS if module in ours or module in theirs):
                one = read_factors(first_reader, ours[module]) if module in ours else None
                other = read_factors(second_reader, theirs[module]) if module in theirs else None
                energies = [float(inner_product(*it, *it)) if it else 0.0 for it in (one, other)]
                squares += energies
                if one and other:
                    inner = float(inner_product(*one, *other))
                    product += inner
                    norms = math.sqrt(energies[0]), math.sqrt(energies[1])
                    shared.append(ModuleConflict(layer, module, _cosine(inner, *norms), *_overlaps(one, other), norms))
    norms = math.sqrt(squares[0]), math.sqrt(squares[1])
    weights = [math.prod(it.norms) for it in shared]
    total = sum(weights)
    reads = sum(w * it.input_overlap for w, it in zip(weights, shared, strict=True)) / total if total else 0.0
    writes = sum(w * it.output_overlap for w, it in zip(weights, shared, strict=True)) / total if total else 0.0
    return Conflict(tuple(shared), _cosine(product, *norms), reads, writes, norms)


def _overlaps(
    first: tuple[Float64Array, Float64Array], second: tuple[Float64Array, Float64Array]
) -> tuple[float, float]:
    """Overlap of what two deltas read, and of what they write."""
    (u, values, v), (other_u, other_values, other_v) = thin_svd(*first), thin_svd(*second)
    count, other_count = _count_directions(values), _count_directions(other_values)
    fewest = min(count, other_count)
    if not fewest:
        return 0.0, 0.0
    reads = np.square(v[:count] @ other_v[:other_count].T).sum() / fewest
    writes = np.square(u[:, :count].T @ other_u[:, :other_count]).sum() / fewest
    return float(reads), float(writes)


def _count_directions(values: Float64Array) -> int:
    return int((values > _NEGLIGIBLE * values[0]).sum())


def _cosine(inner: float, norm: float, other: float) -> float:
    return inner / (norm * other) if norm and other else 0.0
