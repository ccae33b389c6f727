"""What the base model has read of a conversation, kept for the adapters that begin behind it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from transformers import DynamicCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


class BasePrefix:
    """The keys and values of the last prefix that the base model read. For one thread.

    Adapters that begin at a later token leave those before it alone, so that all of them, and the base itself, go on
    from the same keys and values: a switch of modes in a conversation reads nothing again.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._kept: tuple[list[int], DynamicCache] | None = None

    def compute(self, ids: torch.Tensor) -> tuple[DynamicCache | None, int]:
        """Keys and values of these tokens (shape (tokens,)), to be written on to; and how many were there already.

        The caller has switched every adapter off. None where there are no tokens.
        """
        kept, self._kept = self._kept, None  # of a pass that breaks off in the middle nothing stays
        wanted: list[int] = ids.tolist()
        if not wanted:
            self._kept = kept
            return None, 0
        known, cache = kept if kept is not None else ([], DynamicCache(config=self._model.config))
        reused = next(
            (n for n, (one, two) in enumerate(zip(known, wanted, strict=False)) if one != two),
            min(len(known), len(wanted)),
        )
        if reused < len(known):
            if all(layer.is_croppable for layer in cache.layers):
                cache.crop(reused - len(known))
            else:  # layers with a window have thrown away what a shorter prefix would need
                cache, reused = DynamicCache(config=self._model.config), 0
        if reused < len(wanted):
            self._model(ids[None, reused:], past_key_values=cache, use_cache=True, logits_to_keep=1)
        self._kept = wanted, cache
        return deepcopy(cache), reused


def last_occurrence(part: Sequence[int], whole: Sequence[int]) -> int | None:
    """Where `part` begins in `whole` for the last time; None where it does not occur."""
    part, whole = list(part), list(whole)
    starts = range(len(whole) - len(part), -1, -1)
    return next((start for start in starts if whole[start : start + len(part)] == part), None)
