"""Algebra of deltas through their factors. A delta B @ A is outputs × inputs large; its factors and all that is
computed here are only as wide as its rank. Leading axes, such as layers, are carried along."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inference.adapters.package import FactorPair
from inference.adapters.tensors import TensorReader

_NEGLIGIBLE = 1e-6
"""A singular value below this share of the largest is rounding, not a direction."""

Float64Array = npt.NDArray[np.float64]


def read_factors(reader: TensorReader, pair: FactorPair) -> tuple[Float64Array, Float64Array]:
    """A and B of one module, with the scale in B.

    Raises:
        PackageUnreadable, PackageChanged: the numbers cannot be read.
    """
    return reader.read_tensor(pair.a).astype(np.float64), reader.read_tensor(pair.b) * np.float64(pair.scale)


def inner_product(a: Float64Array, b: Float64Array, other_a: Float64Array, other_b: Float64Array) -> Float64Array:
    """The inner product ⟨B @ A, B' @ A'⟩: what their elementwise product sums to."""
    return np.asarray(((b.mT @ other_b) * (a @ other_a.mT)).sum(axis=(-2, -1)))


def thin_svd(a: Float64Array, b: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Left vectors, values and right vectors of B @ A, as the thin SVD of the dense product would give them."""
    left, left_core = np.linalg.qr(b)
    right, right_core = np.linalg.qr(a.mT)
    u, values, v = np.linalg.svd(left_core @ right_core.mT, full_matrices=False)
    return left @ u, values, v @ right.mT


def significant_directions(values: Float64Array) -> int:
    """How many of the singular values of one matrix, largest first, are more than rounding."""
    return int((values > _NEGLIGIBLE * values[0]).sum())


def truncate_to_rank(a: Float64Array, b: Float64Array, rank: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """The factors of the product of `rank` nearest to B @ A, and the squared Frobenius norm of what is lost."""
    u, values, v = thin_svd(a, b)
    # Each factor takes half of every singular value, so that both are of a size a narrow format holds well.
    root = np.sqrt(values[..., :rank])
    lost = np.square(values[..., rank:]).sum(axis=-1)
    return root[..., None] * v[..., :rank, :], u[..., :rank] * root[..., None, :], lost
