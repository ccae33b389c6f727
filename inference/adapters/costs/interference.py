"""How the rest of a mixture bears on one adapter: a few numbers from the factors, without a dense delta.

With X the adapter's delta alone and M the mixture's, D = M - X is all that the mixture changes for it. D is taken apart
into what lies along X, which weakens or strengthens the adapter, and all else. Of that, what reads X's inputs and what
writes X's outputs weighs most: it acts where the adapter acts. Everything is counted in units of X's own norm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from inference.adapters.factors import Float64Array, inner_product, read_factors, significant_directions, thin_svd
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.tensors import TensorReader
from inference.base_model import MODULE_PATHS

Factors = tuple[Float64Array, Float64Array]
"""A and B of a delta B @ A."""


@dataclass(frozen=True, slots=True)
class Interference:
    """What a mixture changes for one adapter, in units of the norm of the adapter's own delta."""

    along: float
    """⟨D, X⟩ / ‖X‖²: -1 takes the whole adapter away, 0 leaves it, 1 doubles it."""
    beside: float
    """‖D⊥‖ / ‖X‖, where D⊥ is D without what lies along X."""
    read: float
    """Of D⊥ what reads the adapter's inputs, likewise."""
    written: float
    """Of D⊥ what writes the adapter's outputs."""
    crossed: float
    """Of D⊥ what goes from the adapter's inputs to its outputs."""

    def at_weights(self, own: float, others: float) -> Interference:
        """The same where the adapter and the others, here at weight 1, have these weights."""
        share = abs(others)
        return Interference(
            own - 1 + others * self.along,
            share * self.beside,
            share * self.read,
            share * self.written,
            share * self.crossed,
        )


def measure_interference(adapter: AdapterPackage, mixture: Sequence[Part]) -> Interference:
    """How a mixture bears on an adapter at weight 1.

    Args:
        adapter: with a delta that is not 0.
        mixture: the parts that are summed, the adapter among them or not; a merged package is a single part.

    Raises:
        PackageUnreadable, PackageChanged: the numbers cannot be read.
    """
    return _interference(adapter, mixture, is_difference=False)


def measure_others(adapter: AdapterPackage, others: Sequence[Part]) -> Interference:
    """As `measure_interference` of the adapter at weight 1 and these others together."""
    return _interference(adapter, others, is_difference=True)


def _interference(adapter: AdapterPackage, parts: Sequence[Part], *, is_difference: bool) -> Interference:
    sums = _Sums()
    with ExitStack() as stack:
        own_reader = stack.enter_context(adapter.file.reader())
        readers = [(part, stack.enter_context(part.package.file.reader())) for part in parts]
        groups = [part.layer_groups for part in parts]
        for layer in sorted(set(adapter.layers).union(*groups)):
            for module in MODULE_PATHS:
                pair = adapter.layers.get(layer, {}).get(module)
                own = read_factors(own_reader, pair) if pair is not None else None
                rest = [
                    factors
                    for (part, reader), group in zip(readers, groups, strict=True)
                    if layer in group and (factors := _read(part, reader, layer, module)) is not None
                ]
                if own is not None and not is_difference:
                    rest.append((own[0], -own[1]))
                sums.add(own, _join(rest))
    return sums.result()


def _read(part: Part, reader: TensorReader, layer: int, module: str) -> Factors | None:
    pair = part.package.layers[layer].get(module)
    if pair is None:
        return None
    a, b = read_factors(reader, pair)
    return a, b * part.weight_at(layer)


def _join(deltas: Sequence[Factors]) -> Factors | None:
    if not deltas:
        return None
    return np.concatenate([a for a, _ in deltas]), np.concatenate([b for _, b in deltas], axis=1)


class _Sums:
    """Squared norms and inner products, added up over modules."""

    def __init__(self) -> None:
        self._own = self._product = self._all = self._read = self._written = self._crossed = 0.0

    def add(self, own: Factors | None, difference: Factors | None) -> None:
        """Add one module of one layer."""
        if own is not None:
            self._own += float(inner_product(*own, *own))
        if difference is None:
            return
        self._all += float(inner_product(*difference, *difference))
        if own is None:
            return
        self._product += float(inner_product(*own, *difference))
        u, values, v = thin_svd(*own)
        count = significant_directions(values) if values[0] else 0
        a, b = difference
        within_a, within_b = a @ v[:count].T, u[:, :count].T @ b
        self._read += float(inner_product(within_a, b, within_a, b))
        self._written += float(inner_product(a, within_b, a, within_b))
        self._crossed += float(np.square(within_b @ within_a).sum())

    def result(self) -> Interference:
        if not self._own:
            return Interference(0.0, math.inf, 0.0, 0.0, 0.0)
        along = self._product / self._own
        # What lies along X is in X's inputs and outputs: it is the same share of every one of these sums.
        shares = [
            math.sqrt(max(it / self._own - along**2, 0.0))
            for it in (self._all, self._read, self._written, self._crossed)
        ]
        return Interference(along, *shares)


def interference_features(interference: Interference) -> Mapping[str, float]:
    """The numbers by name, for tables and files."""
    return {name: getattr(interference, name) for name in ("along", "beside", "read", "written", "crossed")}
