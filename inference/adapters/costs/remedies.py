"""What to do about a mixture that costs too much, each remedy judged by the same model as the mixture itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from inference.adapters.compose import compose
from inference.adapters.costs.interference import Interference, measure_interference, measure_others
from inference.adapters.costs.model import Cost, predict_cost
from inference.adapters.merging.settings import Merge, MergeMethod, SharedPart
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.base_model import BaseModelSpec

LEAST_SHARE: Final = 0.1
"""Weights are not made smaller than this share of what they are."""
PROJECTIONS: Final = tuple(Merge(method=MergeMethod.PROJECT, off=off) for off in SharedPart)


@dataclass(frozen=True, slots=True)
class Mixture:
    """An adapter that should be kept, with its weight, and the others with theirs."""

    kept: Part
    others: Sequence[Part]
    trained_together: bool = False
    """Whether every other was trained on it, or it on them."""

    @property
    def parts(self) -> Sequence[Part]:
        return [self.kept, *self.others]


@dataclass(frozen=True, slots=True)
class WeightRemedy:
    """All others at a smaller weight."""

    share: float
    """What their weights are multiplied by, in hundredths."""
    cost: Cost


@dataclass(frozen=True, slots=True)
class MergeRemedy:
    """Another way to merge."""

    merge: Merge
    cost: Cost


def sum_cost(mixture: Mixture) -> Cost:
    """What the exact sum costs the adapter that should be kept."""
    return predict_cost(_unscaled(mixture), trained_together=mixture.trained_together)


def merge_cost(mixture: Mixture, merge: Merge, base: BaseModelSpec) -> Cost:
    """What the mixture costs when it is merged by a method; it is merged aside to be looked at.

    Raises:
        AdapterError: it cannot be merged, or not be written.
    """
    return predict_cost(merge_interference(mixture, merge, base), trained_together=mixture.trained_together)


def merge_interference(mixture: Mixture, merge: Merge, base: BaseModelSpec) -> Interference:
    """How a merged mixture bears on the adapter that should be kept.

    Raises:
        AdapterError: it cannot be merged, or not be written.
    """
    if _is_plain_sum(merge):
        return _unscaled(mixture)
    return composed_interference(mixture.kept.package, mixture.parts, merge, base)


def composed_interference(
    adapter: AdapterPackage, parts: Sequence[Part], merge: Merge, base: BaseModelSpec
) -> Interference:
    """How what these parts are composed to bears on an adapter; what is merged is made aside and looked at.

    Raises:
        AdapterError: it cannot be merged, or not be written.
    """
    if _is_plain_sum(merge):
        return measure_interference(adapter, parts)
    with tempfile.TemporaryDirectory(prefix="consilium-merge-") as folder:
        compose(parts, base, Path(folder) / "merged", merge=merge)
        return measure_interference(adapter, [Part(AdapterPackage.open(Path(folder) / "merged"))])


def smaller_weights(mixture: Mixture, most: float) -> WeightRemedy | None:
    """The largest weights of the others that keep the expected cost within `most`; None if none do."""
    others = measure_others(mixture.kept.package, mixture.others)
    for hundredths in range(100, round(100 * LEAST_SHARE) - 1, -1):
        share = hundredths / 100
        changed = others.at_weights(mixture.kept.scaled_weight, share)
        cost = predict_cost(changed, trained_together=mixture.trained_together)
        if cost.expected <= most:
            return WeightRemedy(share, cost)
    return None


def other_merges(mixture: Mixture, merges: Sequence[Merge], base: BaseModelSpec) -> Iterator[MergeRemedy]:
    """The mixture merged by each of the methods.

    Raises:
        AdapterError: it cannot be merged, or not be written.
    """
    for merge in merges:
        yield MergeRemedy(merge, merge_cost(mixture, merge, base))


def trained_on_kept(mixture: Mixture) -> Cost | None:
    """What it would cost if the others were trained on the adapter; None if they were."""
    if mixture.trained_together:
        return None
    return predict_cost(_unscaled(mixture), trained_together=True)


def scaled(others: Sequence[Part], share: float) -> list[Part]:
    """The others at a share of their weights, none of them at 0."""
    return [replace(part, weight=_nonzero(round(part.weight * share, 2), part.weight)) for part in others]


def costs_by_adapter(parts: Mapping[str, Part], trained_on: Mapping[str, str | None]) -> dict[str, Cost]:
    """What their exact sum costs each of several adapters.

    Args:
        trained_on: by name the digest of the core that an adapter was trained on.
    """
    found = {}
    for name, part in parts.items():
        others = {other: it for other, it in parts.items() if other != name}
        found[name] = sum_cost(Mixture(part, list(others.values()), trained_together(name, others, parts, trained_on)))
    return found


def trained_together(
    name: str, others: Mapping[str, Part], parts: Mapping[str, Part], trained_on: Mapping[str, str | None]
) -> bool:
    """Whether every other was trained on this adapter, or this one on them."""
    own = parts[name].package.digest
    return bool(others) and all(
        trained_on.get(other) == own or trained_on.get(name) == it.package.digest for other, it in others.items()
    )


def _is_plain_sum(merge: Merge) -> bool:
    return merge.is_exact_sum and merge.rank is None


def _unscaled(mixture: Mixture) -> Interference:
    others = measure_others(mixture.kept.package, mixture.others)
    return others.at_weights(mixture.kept.scaled_weight, 1.0)


def _nonzero(weight: float, before: float) -> float:
    return weight or (0.01 if before > 0 else -0.01)
