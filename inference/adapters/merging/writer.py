"""A merged package, written module by module: no more than one module of all adapters is in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from inference.adapters.compatibility import MAX_FACTOR_NORM
from inference.adapters.dtypes import Dtype
from inference.adapters.errors import MergeRanksDiffer, WeightsOverflow
from inference.adapters.factors import Float64Array, inner_product, truncate_to_rank
from inference.adapters.files import write_at
from inference.adapters.merging.settings import Merge, MergeMethod, MergeSpace
from inference.adapters.merging.spaces import MergedModule, ModuleFactors, merge_module
from inference.adapters.parts import Part
from inference.adapters.plan import CompositionPlan, PlannedModule, plan_composition
from inference.adapters.tensors import TensorReader
from inference.base_model import MODULE_PATHS, BaseModelSpec

_ROUNDING = 1e-12
"""A share of the energy below it is rounding, and not what a cut took away."""


def plan_merge(parts: Sequence[Part], base: BaseModelSpec, merge: Merge, max_rank: int | None) -> CompositionPlan:
    """Plan a merged package of `parts`, which are in their order and fit the base.

    Raises:
        NothingToCompose: no part changes any layer.
        MergeRanksDiffer: the method needs equal ranks, and a module has others.
    """
    plan = plan_composition(parts, base, None)
    slots = [slot for run in plan.runs for slot in run.modules if slot.parts]
    before = max(_exact_rank(slot, merge) for slot in slots)
    limits = [limit for limit in (max_rank, merge.rank) if limit is not None]
    if merge.is_always_cut and merge.rank is None:
        limits.append(plan.rank_before)
    return replace(plan, rank=min([before, *limits]), rank_before=before, a_dtype=Dtype.F32, b_dtype=Dtype.F32)


def _exact_rank(slot: PlannedModule, merge: Merge) -> int:
    """The rank of a module's merged delta, as far as it is known beforehand."""
    ranks = {piece.pair.rank for piece in slot.parts}
    if merge.method is MergeMethod.PROJECT or merge.space is MergeSpace.CORE:
        return slot.rank
    if merge.space is MergeSpace.DELTA:
        return min(slot.inputs, slot.outputs)
    if len(ranks) > 1:
        raise MergeRanksDiffer(slot.module, sorted(ranks))
    return ranks.pop()


class MergeWriter:
    """One merged package being written.

    Attributes:
        energy: squared Frobenius norm of the exact result.
        lost_energy: squared Frobenius norm of what the cut to a rank took away.
        module_errors: ‖lost‖ / ‖exact‖ of each module that was cut, by its path.
    """

    def __init__(self, plan: CompositionPlan, merge: Merge) -> None:
        self.energy = 0.0
        self.lost_energy = 0.0
        self.module_errors: dict[str, float] = {}
        self._plan, self._merge = plan, merge

    def write(self, descriptor: int) -> None:
        """Write the weights file, from its header to its last byte.

        Raises:
            PackageUnreadable, PackageChanged: a part cannot be read any more.
            WeightsOverflow: merged, the numbers are beyond what an engine is given.
            OSError: the file cannot be written.
        """
        plan = self._plan
        write_at(descriptor, plan.header, 0)
        place = len(plan.header)
        with ExitStack() as stack:
            readers = [stack.enter_context(part.package.file.reader()) for part in plan.parts]
            for run in plan.runs:
                for layer in run.layers:
                    for slot in run.modules:
                        for factor in self._merge_module(layer, slot, readers):
                            block = factor.astype("<f4").tobytes()
                            write_at(descriptor, block, place)
                            place += len(block)

    def _merge_module(
        self, layer: int, slot: PlannedModule, readers: Sequence[TensorReader]
    ) -> tuple[Float64Array, Float64Array]:
        """A and B of one module, filled up with zeros to the rank of all."""
        rank = self._plan.rank
        a, b = np.zeros((rank, slot.inputs)), np.zeros((slot.outputs, rank))
        if slot.parts:
            merged = merge_module(self._read(layer, slot, readers), self._merge, rank)
            near = self._cut(merged, f"{self._plan.base.prefix}.{layer}.{MODULE_PATHS[slot.module]}")
            if max(np.linalg.norm(factor) for factor in near) > MAX_FACTOR_NORM:
                raise WeightsOverflow(self._plan.parts[slot.parts[0].part].package.folder)
            a[: len(near[0])], b[:, : near[1].shape[1]] = near
        return a, b

    def _read(self, layer: int, slot: PlannedModule, readers: Sequence[TensorReader]) -> list[ModuleFactors]:
        found = []
        for piece in slot.parts:
            part = self._plan.parts[piece.part]
            pair = part.package.layers[layer][slot.module]
            a, b = (readers[piece.part].read_tensor(tensor).astype(np.float64) for tensor in (pair.a, pair.b))
            key = f"{part.package.digest}.{layer}.{slot.module}"
            found.append(ModuleFactors(a, b, pair.scale, part.weight_at(layer), key, part.is_core))
        return found

    def _cut(self, merged: MergedModule, path: str) -> tuple[Float64Array, Float64Array]:
        """The factors at the plan's rank, and what that costs added up."""
        a, b = merged.a, merged.b
        energy = float(inner_product(a, b, a, b))
        lost = 0.0
        if len(a) > self._plan.rank:
            a, b, lost_here = truncate_to_rank(a, b, self._plan.rank)
            lost = float(lost_here)
        if merged.energy is not None:
            lost += max(merged.energy - energy, 0.0)
            energy = max(merged.energy, energy)
        self.energy += energy
        if lost > _ROUNDING * energy:
            self.lost_energy += lost
            self.module_errors[path] = math.sqrt(lost / energy)
        return a, b
