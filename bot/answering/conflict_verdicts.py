"""What the adapters of a mode, or of a pair, cost each other, in sentences with a remedy for each that costs much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from inference.adapters.costs.model import Cost
from inference.adapters.costs.remedies import (
    PROJECTIONS,
    Mixture,
    WeightRemedy,
    merge_cost,
    other_merges,
    scaled,
    smaller_weights,
    sum_cost,
    trained_on_kept,
    trained_together,
)
from inference.adapters.errors import AdapterError
from inference.adapters.manifest import AdapterManifest
from inference.adapters.merging.settings import SUM, Merge, MergeMethod
from inference.adapters.parts import Part
from inference.base_model import BaseModelSpec

MOST: Final = 0.1
"""A larger cost is worth a remedy, unless the mind says how much may be lost."""
MERGES: Final = (*PROJECTIONS, Merge(method=MergeMethod.TIES), Merge(method=MergeMethod.PRUNE))
"""Methods that are looked at as remedies."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an adapter loses in a mixture, and what can be done about it."""

    adapter: str
    others: tuple[str, ...]
    cost: Cost
    weights: WeightRemedy | None = None
    """Smaller weights, where the cost is too large and they help."""
    weighed: str = ""
    """The mode with those weights."""
    merges: tuple[tuple[Merge, Cost], ...] = ()
    """Other methods that cost less, the best first."""
    trained: Cost | None = None
    """The expected cost if the others were trained on this adapter; only where that is possible: it is the core."""

    def sentences(self) -> Iterator[str]:
        """The verdict, and a line for each remedy."""
        others = ", ".join(self.others)
        verb = "costs" if len(self.others) == 1 else "cost"
        if self.cost.expected < 0.005:
            yield f"{others} {verb} {self.adapter} nothing ({_share(self.cost)})."
        else:
            share = f"{self.cost.expected:.0%} of what it has learnt ({_share(self.cost)})"
            yield f"{others} {verb} {self.adapter} about {share}."
        if self.weights is not None:
            yield f"  {self.weighed}: {_expected(self.weights.cost)}"
        for merge, cost in self.merges[:1]:
            yield f"  merged by {merge}: {_expected(cost)}"
        if self.trained is not None:
            yield f"  {others} trained on {self.adapter}: {_expected(self.trained)}"

    def figures(self) -> dict[str, Any]:
        """The same as numbers."""
        found: dict[str, Any] = {"adapter": self.adapter, "others": list(self.others), "cost": _numbers(self.cost)}
        if self.weights is not None:
            found["weights"] = {"mode": self.weighed, "cost": _numbers(self.weights.cost)}
        found["merges"] = [{"merge": merge.recipe, "cost": _numbers(cost)} for merge, cost in self.merges]
        if self.trained is not None:
            found["trained"] = {"cost": _numbers(self.trained)}
        return found


def judge_mixture(
    parts: Mapping[str, Part],
    manifests: Mapping[str, AdapterManifest | None],
    core: str,
    base: BaseModelSpec | None,
    most: float = MOST,
    merge: Merge = SUM,
) -> list[Verdict]:
    """What each adapter of a mixture loses; the core first. Blocking.

    Args:
        manifests: by name; None for an adapter without one.
        core: name of the mind's core, which the others can be trained on.
        base: None where it is not known: then no other merges are looked at.
        most: the share of a gain that may be lost before remedies are looked for.
        merge: how the mixture is merged; without a base it is judged as a sum.
    """
    trained_on = {name: manifest.trained_on if manifest else None for name, manifest in manifests.items()}
    found = []
    for name in sorted(parts, key=lambda each: (each != core, each)):
        others = {other: part for other, part in parts.items() if other != name}
        mixture = Mixture(parts[name], list(others.values()), trained_together(name, others, parts, trained_on))
        cost = sum_cost(mixture) if base is None else merge_cost(mixture, merge, base)
        verdict = Verdict(name, tuple(others), cost)
        found.append(
            _with_remedies(verdict, mixture, base, most, is_core=name == core) if cost.expected > most else verdict
        )
    return found


def _with_remedies(
    verdict: Verdict, mixture: Mixture, base: BaseModelSpec | None, most: float, *, is_core: bool
) -> Verdict:
    weights, weighed = smaller_weights(mixture, most), ""
    if weights is not None:
        smaller = scaled(mixture.others, weights.share)
        terms = [f"{name}*{part.weight:g}" for name, part in zip(verdict.others, smaller, strict=True)]
        # Its own weight, too: left out, it would be the rule's, whatever it is here.
        weighed = "+".join([*terms, f"{verdict.adapter}*{mixture.kept.weight:g}"])
    merges: list[tuple[Merge, Cost]] = []
    if base is not None and is_core:
        try:
            merges = [(it.merge, it.cost) for it in other_merges(mixture, MERGES, base)]
        except AdapterError:
            merges = []
    merges = sorted((it for it in merges if it[1].expected < verdict.cost.expected), key=lambda it: it[1].expected)
    trained = trained_on_kept(mixture) if is_core else None
    if trained is not None and trained.expected >= verdict.cost.expected:
        trained = None
    return Verdict(verdict.adapter, verdict.others, verdict.cost, weights, weighed, tuple(merges), trained)


def _share(cost: Cost) -> str:
    return f"{cost.low:.0%} to {cost.high:.0%}"


def _expected(cost: Cost) -> str:
    return f"about {max(cost.expected, 0.0):.0%} ({_share(cost)})"


def _numbers(cost: Cost) -> dict[str, float]:
    return {"expected": cost.expected, "low": cost.low, "high": cost.high}
