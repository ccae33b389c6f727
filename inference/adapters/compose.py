"""Composition: the exact weighted sum of adapters, as one adapter any engine loads safely.

The sum of products is the product of the concatenations: A = [A₁; A₂; …], B = [w₁s₁B₁, w₂s₂B₂, …]. What is
written is in the safe form: one rank everywhere (filled up with zeros), fused modules complete, scale and weight
folded into B, `lora_alpha` equal to the rank, and no setting an engine could read differently.

The work goes through the file in chunks of a megabyte. Every number is moved by a few operations on whole
chunks (all layers, one module at a time), so small adapters cost no more than large ones by the byte.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pydantic

from inference.adapters.assembly import CompositionWriter
from inference.adapters.compatibility import MAX_FACTOR_NORM, check_compatible
from inference.adapters.config import CONFIG_FILE, safe_form_config
from inference.adapters.dtypes import Dtype
from inference.adapters.errors import WeightsOverflow
from inference.adapters.files import atomic_write, translate_write_errors, write_at
from inference.adapters.merging.settings import SUM, Merge
from inference.adapters.merging.writer import MergeWriter, plan_merge
from inference.adapters.package import WEIGHTS_FILE
from inference.adapters.parts import Part, canonical_order
from inference.adapters.plan import CompositionPlan, PlannedModule, plan_composition
from inference.base_model import MODULE_PATHS, BaseModelSpec


class CompositionReport(pydantic.BaseModel):
    """What was written, and what it cost in exactness."""

    model_config = pydantic.ConfigDict(frozen=True)

    rank: int
    rank_before: int
    """The rank of the exact sum; larger than `rank` when a limit cut it."""
    truncation_error: float
    """‖lost‖ / ‖exact sum‖ (Frobenius) over all modules together; 0 when nothing was cut."""
    module_errors: dict[str, float]
    """The same for each module that was cut, by its path."""
    layers: tuple[int, ...]
    modules: tuple[str, ...]
    dtypes: tuple[Dtype, Dtype]
    """Formats of A and of B."""
    size: int
    """Bytes of the weights file."""


def compose(
    parts: Sequence[Part],
    base: BaseModelSpec,
    destination: Path,
    *,
    max_rank: int | None = None,
    merge: Merge = SUM,
) -> CompositionReport:
    """Write the weighted sum of `parts`, or what `merge` makes of them, into `destination`, in the safe form.

    The order of the parts does not matter, not even for a byte of the result. One part alone is brought to the
    safe form. With `max_rank`, modules above it are cut to the nearest product of that rank, and the error reported.

    Raises:
        WrongBaseModel, DigestMismatch, WeightsNotFinite, PackageUnreadable, PackageChanged: a part is unfit
            (`fit.check`).
        BandOutOfRange, NothingToCompose: no part has anything in the layers asked for.
        MergeRanksDiffer: the method needs equal ranks.
        WeightsOverflow: a part's numbers, with its scale, are beyond what an engine is given.
        DiskFull, WriteFailed: what was in `destination` before is as it was, and nothing new is there.
    """
    for part in parts:
        check_compatible(part.package, base)
    merge = merge.of_adapters(len(parts))
    plan = plan_package(parts, base, merge, max_rank)
    _check_magnitudes(plan)
    assembly = CompositionWriter(plan) if merge.is_exact_sum else MergeWriter(plan, merge)
    config = _build_config(plan)
    is_new = not destination.exists()
    with translate_write_errors(destination, plan.size):
        destination.mkdir(parents=True, exist_ok=True)
    try:
        # Both files are whole before either gets its name.
        with atomic_write(destination / CONFIG_FILE, len(config)) as config_file:
            write_at(config_file, config, 0)
            with atomic_write(destination / WEIGHTS_FILE, plan.size) as weights_file:
                assembly.write(weights_file)
    except BaseException:
        if is_new:
            with suppress(OSError):
                destination.rmdir()
        raise
    return CompositionReport(
        rank=plan.rank,
        rank_before=plan.rank_before,
        truncation_error=math.sqrt(assembly.lost_energy / assembly.energy) if assembly.energy else 0.0,
        module_errors=assembly.module_errors,
        layers=tuple(sorted(layer for run in plan.runs for layer in run.layers)),
        modules=tuple(sorted({slot.module for run in plan.runs for slot in run.modules})),
        dtypes=(plan.a_dtype, plan.b_dtype),
        size=plan.size,
    )


def plan_package(
    parts: Sequence[Part], base: BaseModelSpec, merge: Merge = SUM, max_rank: int | None = None
) -> CompositionPlan:
    """Plan what `compose` would write, without a look at the numbers.

    Raises:
        NothingToCompose, MergeRanksDiffer: as `compose`.
        BandOutOfRange, WeightsNotFinite, PackageUnreadable, PackageChanged: a part is unfit.
    """
    merge = merge.of_adapters(len(parts))
    in_order = canonical_order(parts, base)
    if not merge.is_exact_sum:
        return plan_merge(in_order, base, merge, max_rank)
    limits = [rank for rank in (max_rank, merge.rank) if rank is not None]
    return plan_composition(in_order, base, min(limits, default=None))


def _check_magnitudes(plan: CompositionPlan) -> None:
    """Refuse factors beyond `MOST_NORM`, which no engine is given; cutting the rank makes none larger.

    The norm cannot be above what it were if every number was the largest, and only for absurd adapters does that
    not settle it.
    """
    for run in plan.runs:
        for slot in run.modules:
            most_a = most_b = 0.0
            for piece in slot.parts:
                peak = plan.parts[piece.part].package.scan.max_magnitude
                most_a += piece.pair.rank * slot.inputs * peak**2
                most_b += piece.pair.rank * slot.outputs * (piece.multiplier * peak) ** 2
            if max(most_a, most_b) > MAX_FACTOR_NORM**2:
                for layer in run.layers:
                    _check_norms(plan, slot, layer)


def _check_norms(plan: CompositionPlan, module: PlannedModule, layer: int) -> None:
    energies = np.zeros(2)
    for piece in module.parts:
        package = plan.parts[piece.part].package
        pair = package.layers[layer][module.module]
        with package.file.reader() as reader:
            a, b = (reader.read_tensor(tensor).astype(np.float64) for tensor in (pair.a, pair.b))
        energies += np.square(a).sum(), np.square(b * piece.multiplier).sum()
        if energies.max() > MAX_FACTOR_NORM**2:
            raise WeightsOverflow(package.folder)


def _build_config(plan: CompositionPlan) -> bytes:
    base = plan.base
    present = [(run.layers, {slot.module for slot in run.modules}) for run in plan.runs]
    modules = set().union(*(here for _, here in present))
    absent = [
        f"{base.prefix}.{layer}.{MODULE_PATHS[module]}"
        for layers, here in present
        for module in sorted(modules - here)
        for layer in layers
        if base.has_module(layer, module)
    ]
    layers = sorted(layer for layers, _ in present for layer in layers)
    return safe_form_config(
        base.name, plan.rank, sorted(modules), layers if len(layers) < base.layers else None, absent
    )
