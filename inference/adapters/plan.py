"""The plan of a composition: every shape, format and place in the file, settled before a number is read."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from inference.adapters.dtypes import DTYPE_ORDER, Dtype, common_dtype
from inference.adapters.errors import NothingToCompose
from inference.adapters.package import FactorPair
from inference.adapters.parts import Part
from inference.adapters.tensors import build_header, describe_matrix
from inference.base_model import MODULE_PATHS, BaseModelSpec

FUSED_MODULES = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Modules an engine fuses into one: with one of them adapted, it looks for the others too."""

CHUNK_BYTES = 1 << 20
"""About how much of the output is worked on at a time: it stays in the processor's cache."""

MAX_CHUNK_BYTES = 2 * CHUNK_BYTES
"""A layer that takes more is worked on in parts, of one module at least."""


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """What one part brings to one module: rows of A, columns of B."""

    part: int
    """Which part, in the plan's order."""
    pair: FactorPair
    """Its factors in one of the layers; those of the run's other layers differ in place only."""
    offset: int
    """Its first row of A and column of B."""
    multiplier: float
    """Scale and weight, to be folded into B."""


@dataclass(frozen=True, slots=True)
class PlannedModule:
    """One module of a run of layers; without pieces it is all zeros and stands only beside its fellows."""

    module: str
    inputs: int
    outputs: int
    parts: tuple[PlannedPart, ...]

    @property
    def rank(self) -> int:
        """Sum of the pieces' ranks."""
        return sum(piece.pair.rank for piece in self.parts)


@dataclass(frozen=True, slots=True)
class LayerRun:
    """Consecutive layers of the file that hold the same slots from the same parts."""

    layers: tuple[int, ...]
    modules: tuple[PlannedModule, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of work: some layers of a run, with all of its slots or, where they are large, a few of one layer."""

    layers: tuple[int, ...]
    modules: tuple[PlannedModule, ...]
    offsets: tuple[int, ...]
    """For each region of the file, where the chunk begins, counted from the end of the header."""


@dataclass(frozen=True)
class CompositionPlan:
    """Everything but the numbers."""

    base: BaseModelSpec
    parts: Sequence[Part]
    runs: Sequence[LayerRun]
    rank: int
    """Of every module; those with less are filled up with zeros."""
    rank_before: int
    """What it would be without a limit."""
    a_dtype: Dtype
    b_dtype: Dtype

    @property
    def is_truncated(self) -> bool:
        """Whether some module's rank is over the limit."""
        return self.rank < self.rank_before

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The order of the factors in the file: safetensors sorts by format first, by name within a format."""
        if self.a_dtype is self.b_dtype:
            return ("ab",)
        return ("a", "b") if DTYPE_ORDER.index(self.a_dtype) < DTYPE_ORDER.index(self.b_dtype) else ("b", "a")

    def matrix_format(self, module: PlannedModule, factor: str) -> tuple[tuple[int, int], Dtype]:
        """Shape and format of the slot's A or B in one layer."""
        return (
            ((self.rank, module.inputs), self.a_dtype) if factor == "a" else ((module.outputs, self.rank), self.b_dtype)
        )

    def layer_bytes(self, modules: Sequence[PlannedModule], region: str) -> int:
        """Length of one layer's share of a region."""
        matrices = (self.matrix_format(slot, factor) for slot in modules for factor in region)
        return sum(rows * columns * dtype.size for (rows, columns), dtype in matrices)

    @cached_property
    def _region_offsets(self) -> tuple[int, ...]:
        """Where each region begins, and where the last one ends."""
        starts = [0]
        for region in self.regions:
            starts.append(
                starts[-1] + sum(len(run.layers) * self.layer_bytes(run.modules, region) for run in self.runs)
            )
        return tuple(starts)

    @cached_property
    def header(self) -> bytes:
        """The head of the weights file."""
        return build_header(self._header_entries())

    def _header_entries(self) -> Iterator[tuple[str, Sequence[tuple[str, str, int]]]]:
        for region in self.regions:
            for run in self.runs:
                matrices = []
                for slot in run.modules:
                    for factor in region:
                        (rows, columns), dtype = self.matrix_format(slot, factor)
                        name = f"{MODULE_PATHS[slot.module]}.lora_{factor.upper()}.weight"
                        matrices.append((name, *describe_matrix(dtype, rows, columns)))
                for layer in run.layers:
                    yield f"base_model.model.{self.base.prefix}.{layer}.", matrices

    @property
    def size(self) -> int:
        """Length of the weights file."""
        return len(self.header) + self._region_offsets[-1]

    def chunks(self) -> Iterator[Chunk]:
        """The work, in the order of the file."""
        places = list(self._region_offsets[:-1])
        for run in self.runs:
            blocks = [self.layer_bytes(run.modules, region) for region in self.regions]
            if sum(blocks) <= MAX_CHUNK_BYTES:
                at_a_time = max(1, CHUNK_BYTES // sum(blocks))
                for first in range(0, len(run.layers), at_a_time):
                    layers = run.layers[first : first + at_a_time]
                    yield Chunk(layers, run.modules, tuple(places))
                    places = [place + block * len(layers) for place, block in zip(places, blocks, strict=True)]
                continue
            groups = tuple(self._group_by_size(run.modules))
            for layer in run.layers:
                for slots in groups:
                    yield Chunk((layer,), slots, tuple(places))
                    places = [
                        p + self.layer_bytes(slots, region) for p, region in zip(places, self.regions, strict=True)
                    ]

    def _group_by_size(self, modules: Sequence[PlannedModule]) -> Iterator[tuple[PlannedModule, ...]]:
        """The slots in groups of up to `MOST_CHUNK_BYTES`, one at least."""
        group: list[PlannedModule] = []
        for slot in modules:
            if group and self.layer_bytes([*group, slot], "ab") > MAX_CHUNK_BYTES:
                yield tuple(group)
                group = []
            group.append(slot)
        yield tuple(group)


def plan_composition(parts: Sequence[Part], base: BaseModelSpec, max_rank: int | None) -> CompositionPlan:
    """Plan the composition of `parts`, which are in their order and fit the base.

    The formats keep every number exact: A is copied, so it keeps the widest format A came in. Scale and weight are
    folded into B; in a narrow format that is exact only when they come to a power of two (and in float16, whose
    exponent is short, only when they come to one). Otherwise B becomes float32, where rounding once costs 1e-7.

    Raises:
        NothingToCompose: no part changes any layer.
    """
    forms = [part.layer_groups for part in parts]
    layers = sorted(set().union(*forms), key=str)
    if not layers:
        raise NothingToCompose(part.package.folder for part in parts)
    made: dict[tuple[Hashable, ...], tuple[PlannedModule, ...]] = {}
    runs = []
    for kind, together in groupby(layers, key=lambda layer: tuple([of_part.get(layer) for of_part in forms])):
        run = tuple(together)
        if kind not in made:
            made[kind] = _plan_modules(parts, run[0], base)
        runs.append(LayerRun(run, made[kind]))
    slots = [slot for run_slots in made.values() for slot in run_slots]
    pieces = [piece for slot in slots for piece in slot.parts]
    rank_before = max(slot.rank for slot in slots)
    rank = min(rank_before, max_rank or rank_before)
    a_dtype, b_dtype = (
        common_dtype(piece.pair.a.dtype for piece in pieces),
        common_dtype(piece.pair.b.dtype for piece in pieces),
    )
    if rank < rank_before:
        a_dtype = Dtype.F32
    if rank < rank_before or not all(_folds_exactly(piece.multiplier, b_dtype) for piece in pieces):
        b_dtype = Dtype.F32
    return CompositionPlan(base, parts, runs, rank, rank_before, a_dtype, b_dtype)


def _plan_modules(parts: Sequence[Part], layer: int, base: BaseModelSpec) -> tuple[PlannedModule, ...]:
    """The modules of a layer, with those the engine wants beside them."""
    pieces: dict[str, list[PlannedPart]] = {}
    for index, part in enumerate(parts):
        for pair in part.package.layers[layer].values() if layer in part.layer_groups else ():
            before = pieces.setdefault(pair.module, [])
            at = sum(piece.pair.rank for piece in before)
            before.append(PlannedPart(index, pair, at, pair.scale * part.weight_at(layer)))
    for fellows in FUSED_MODULES:
        if not pieces.keys().isdisjoint(fellows):
            pieces |= {module: pieces.get(module, []) for module in fellows}
    return tuple(PlannedModule(m, *base.modules[m], parts=tuple(pieces[m])) for m in MODULE_PATHS if m in pieces)


def _folds_exactly(multiplier: float, dtype: Dtype) -> bool:
    return multiplier == 1 or dtype is Dtype.F32 or (dtype is Dtype.BF16 and math.frexp(multiplier)[0] == 0.5)
