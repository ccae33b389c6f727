"""What the methods do to tensors of one shape, one of each adapter, entry by entry.

They agree with PEFT's `add_weighted_adapter` (`peft.utils.merge_utils`), also in the order of the steps: entries are
dropped and signs elected before weights count. Only where PEFT draws random numbers from torch, `random_mask` draws
them from the seed, the adapter and the place, so that the same recipe gives the same bytes everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from blake3 import blake3

from inference.adapters.dtypes import Array
from inference.adapters.merging.settings import Merge, MergeMethod, SignElection


def merge_tensors(tensors: Sequence[Array], weights: Sequence[float], keys: Sequence[str], merge: Merge) -> Array:
    """The merged tensor.

    Args:
        tensors: of one shape; they are changed.
        weights: of the tensors.
        keys: what random entries depend on besides the seed, for each tensor.
    """
    for tensor, key in zip(tensors, keys, strict=True):
        _drop_entries(tensor, key, merge)
    if merge.method not in (MergeMethod.TIES, MergeMethod.DARE_TIES):
        return _weighted_sum(tensors, weights)
    by_number = merge.sign is SignElection.FREQUENCY
    votes = sum(np.sign(tensor) if by_number else tensor for tensor in tensors)
    majority = np.where(votes >= 0, 1, -1).astype(np.int8)
    # Zero has no sign: it is in no majority, and counts in no mean.
    agreeing = [np.sign(tensor) == majority for tensor in tensors]
    merged = _weighted_sum([tensor * agrees for tensor, agrees in zip(tensors, agreeing, strict=True)], weights)
    merged /= np.maximum(np.sum(agreeing, axis=0, dtype=np.int8), 1)
    return merged


def _drop_entries(tensor: Array, key: str, merge: Merge) -> None:
    if merge.density >= 1 or merge.method is MergeMethod.SUM:
        return
    if merge.method in (MergeMethod.TIES, MergeMethod.PRUNE):
        flat = tensor.reshape(-1)
        dropped = flat.size - int(merge.density * flat.size)
        if dropped:
            flat[np.argpartition(np.abs(flat), dropped - 1)[:dropped]] = 0
        return
    tensor *= random_mask(tensor.shape, merge.density, merge.seed, key)
    tensor /= merge.density


def random_mask(shape: tuple[int, ...], density: float, seed: int, key: str) -> Array:
    """Which entries are kept: each with probability `density`, the same for the same seed and key on every machine."""
    digest = blake3(f"{seed}\0{key}".encode()).digest(16)
    # The raw stream of a bit generator is the same in every version of numpy; its distributions may change.
    numbers = np.random.PCG64(int.from_bytes(digest, "little")).random_raw(int(np.prod(shape)))
    return (numbers < np.uint64(min(int(density * 2.0**64), 2**64 - 1))).reshape(shape)


def _weighted_sum(tensors: Sequence[Array], weights: Sequence[float]) -> Array:
    merged = tensors[0] * weights[0]
    for tensor, weight in zip(tensors[1:], weights[1:], strict=True):
        merged += tensor * weight
    return merged
