"""How adapters are merged: the method, the space it works in, and its parameters."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from inference.adapters.config import MAX_RANK


class MergeMethod(StrEnum):
    """What becomes of several adapters."""

    SUM = "sum"
    """The weighted sum."""
    TIES = "ties"
    """The largest entries of each; where signs disagree, the mean of the majority (Yadav et al. 2023)."""
    DARE = "dare"
    """Random entries of each, scaled up to make good for those dropped, summed (Yu et al. 2023)."""
    DARE_TIES = "dare_ties"
    """Random entries as in `dare`, then signs as in `ties`."""
    PRUNE = "magnitude_prune"
    """The largest entries of each, summed."""
    PROJECT = "project"
    """The sum, with what topics share with the core taken out of the topics."""


class MergeSpace(StrEnum):
    """The tensors that a method works on, entry by entry."""

    CORE = "core"
    """The deltas in the common bases of all adapters, as small as their ranks together (Core Space)."""
    DELTA = "delta"
    """The whole deltas, one module at a time; what comes out is cut to a rank."""
    FACTORS = "factors"
    """A and B apart, which needs equal ranks and is rougher than the others."""


class SignElection(StrEnum):
    """What decides the sign of an entry where adapters disagree."""

    TOTAL = "total"
    """The sum of the entries."""
    FREQUENCY = "frequency"
    """The number of adapters."""


class SharedPart(StrEnum):
    """What `project` takes out of topics."""

    OVERLAP = "overlap"
    """What goes from the core's inputs to its outputs: the least that makes them orthogonal."""
    INPUTS = "inputs"
    """All that reads the core's inputs."""
    OUTPUTS = "outputs"
    """All that writes the core's outputs."""


_SIGNS: Final = (MergeMethod.TIES, MergeMethod.DARE_TIES)
_RANDOM: Final = (MergeMethod.DARE, MergeMethod.DARE_TIES)


class Merge(BaseModel):
    """How the adapters of a mode become one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    method: MergeMethod = Field(default=MergeMethod.SUM, examples=["ties"])
    """`sum`, `ties`, `dare`, `dare_ties`, `magnitude_prune` or `project`."""
    space: MergeSpace = Field(default=MergeSpace.CORE, examples=["core"])
    """`core`, `delta` or `factors`: the tensors that the method works on, entry by entry."""
    density: float = Field(default=0.5, gt=0, le=1, examples=["0.5"])
    """The share of entries that each adapter keeps: the largest in `ties` and `magnitude_prune`, random ones in the
    others."""
    sign: SignElection = Field(default=SignElection.TOTAL, examples=["total"])
    """Whether signs are elected by the sum of the entries (`total`) or by their number (`frequency`)."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1, examples=["0"])
    """Which random entries `dare` keeps."""
    rank: int | None = Field(default=None, ge=1, le=MAX_RANK, examples=["16"])
    """The rank that the result is cut to; the sum of the adapters' ranks unless given."""
    off: SharedPart = Field(default=SharedPart.OVERLAP, examples=["overlap"])
    """What `project` takes out of topics: what goes from the core's inputs to its outputs (`overlap`), all from its
    `inputs`, or all to its `outputs`."""

    @property
    def is_exact_sum(self) -> bool:
        """Whether nothing but the exact sum, perhaps cut to a rank, is asked for."""
        return self.method is MergeMethod.SUM and self.space is not MergeSpace.FACTORS

    @property
    def is_always_cut(self) -> bool:
        """Whether the result has no small factors, however small those of the adapters are."""
        return not self.is_exact_sum and self.method is not MergeMethod.PROJECT and self.space is MergeSpace.DELTA

    def of_adapters(self, count: int) -> Merge:
        """The same for a mode of `count` adapters: of one, nothing is merged."""
        return self if count > 1 else Merge(rank=self.rank)

    @property
    def recipe(self) -> dict[str, object]:
        """What decides the result, besides adapters, weights and rank; empty for the exact sum."""
        if self.is_exact_sum:
            return {}
        used: dict[str, object] = {"method": self.method}
        if self.method is MergeMethod.PROJECT:
            return used | {"off": self.off}
        used["space"] = self.space
        if self.method is not MergeMethod.SUM:
            used["density"] = self.density
        if self.method in _SIGNS:
            used["sign"] = self.sign
        if self.method in _RANDOM:
            used["seed"] = self.seed
        return used

    def __str__(self) -> str:
        return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in self.recipe.values())


SUM: Final = Merge()
"""The exact sum."""


def _name_alone(value: Any) -> Any:
    return {"method": value} if isinstance(value, str) else value


MergeChoice = Annotated[Merge, BeforeValidator(_name_alone, json_schema_input_type=Merge | MergeMethod)]
"""Settings that may be written as the method's name alone."""
