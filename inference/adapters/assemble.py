"""Carrying out a plan: numbers from the parts' files to their places in the composition's file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from inference.adapters.dtypes import Array, Dtype, scaled, to_float32
from inference.adapters.factors import best_of_rank, inner_product
from inference.adapters.files import write_at
from inference.adapters.package import Pair
from inference.adapters.plan import Chunk, Piece, Plan, Slot
from inference.adapters.tensors import Reader
from inference.base_model import MODULE_PATHS

Place = tuple[str, str]
"""A module and its factor, A or B."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One matrix for each layer of a chunk, in memory at equal distances."""

    array: Array
    """Layers × rows × columns."""
    memory: memoryview
    """The bytes it lies in."""
    start: int
    """First byte of the first layer's matrix."""
    step: int
    """Bytes from one layer's matrix to the next's."""

    def rows(self, layer: int, first: int, size: int) -> memoryview:
        """`size` bytes of a layer's matrix, from byte `first`."""
        begin = self.start + layer * self.step + first
        return self.memory[begin : begin + size]


class Assembly:
    """One composition being written.

    Attributes:
        energy: squared Frobenius norm of the exact sum; looked at only when the rank is cut.
        lost: squared Frobenius norm of what the cut took away.
        module_errors: ‖lost‖ / ‖exact‖ of each module that was cut, by its path.
    """

    def __init__(self, plan: Plan) -> None:
        self.energy = 0.0
        self.lost = 0.0
        self.module_errors: dict[str, float] = {}
        self._plan = plan
        self._memory: dict[object, Array] = {}

    def write(self, descriptor: int) -> None:
        """Write the weights file, from its header to its last byte.

        Raises:
            PackageUnreadable, PackageChanged: a part cannot be read any more.
            OSError: the file cannot be written.
        """
        plan = self._plan
        write_at(descriptor, plan.header, 0)
        with ExitStack() as files:
            readers = [files.enter_context(part.package.file.reader()) for part in plan.parts]
            for chunk in plan.chunks():
                places: dict[Place, Stack] = {}
                blocks = [self._lay_out(region, chunk, places) for region in plan.regions]
                aside = [self._receive(part, reader, chunk, places) for part, reader in enumerate(readers)]
                for slot in chunk.slots:
                    self._fill(chunk, slot, aside, places[slot.module, "A"].array, places[slot.module, "B"].array)
                for start, block in zip(chunk.places, blocks, strict=True):
                    write_at(descriptor, block, len(plan.header) + start)

    def _claim(self, owner: object, size: int) -> Array:
        """`size` bytes of memory, whatever is in them; the same owner gets the same ones every time."""
        if owner not in self._memory or self._memory[owner].size < size:
            self._memory[owner] = np.empty(size, np.uint8)
        return self._memory[owner][:size]

    def _lay_out(self, region: str, chunk: Chunk, places: dict[Place, Stack]) -> memoryview:
        """The bytes of a region's share of a chunk, still to be filled, with a place in them for every factor."""
        matrices = [(slot, factor, *self._plan.matrix(slot, factor)) for slot in chunk.slots for factor in region]
        step = sum(rows * columns * dtype.size for _, _, (rows, columns), dtype in matrices)
        memory = self._claim(region, step * len(chunk.layers))
        start = 0
        for slot, factor, (rows, columns), dtype in matrices:
            places[slot.module, factor] = _stack(memory, start, step, (len(chunk.layers), rows, columns), dtype)
            start += rows * columns * dtype.size
        return memory.data

    def _receive(
        self, part: int, reader: Reader, chunk: Chunk, places: Mapping[Place, Stack]
    ) -> Mapping[Place, Stack]:
        """Read what one part brings: A straight to its place when nothing has to be done to it, the rest aside."""
        plan = self._plan
        layers = plan.parts[part].package.layers
        aside: dict[Place, Stack] = {}
        landings: list[tuple[Dtype, str, str, Stack, int, int]] = []
        for slot in chunk.slots:
            for piece in slot.pieces:
                if piece.part == part:
                    for factor in "AB":
                        tensor = piece.pair.factor(factor)
                        if factor == "A" and tensor.dtype is plan.a_dtype and slot.rank <= plan.rank:
                            target, first = places[slot.module, factor], piece.at * tensor.columns * tensor.dtype.size
                        else:
                            shape = (len(chunk.layers), tensor.rows, tensor.columns)
                            memory = self._claim((part, slot.module, factor), len(chunk.layers) * tensor.size)
                            target, first = _stack(memory, 0, tensor.size, shape, tensor.dtype), 0
                            aside[slot.module, factor] = target
                        landings.append((tensor.dtype, slot.module, factor.lower(), target.memory, target.start+first, target.step, tensor.size))
        # In the order of a sorted file, neighbours are read together.
        order = list(Dtype)
        landings.sort(key=lambda landing: order.index(landing[0]))
        reader.read(
            (getattr(layers[layer][module], factor).start, memory[first + number * step : first + number * step + size])
            for number, layer in enumerate(chunk.layers)
            for _, module, factor, memory, first, step, size in landings
        )
        return aside

    def _fill(self, chunk: Chunk, slot: Slot, aside: Sequence[Mapping[Place, Stack]], a: Array, b: Array) -> None:
        """Put one module of a chunk together.

        Args:
            a: where A goes, layers × rank × inputs.
            b: where B goes, layers × outputs × rank.
        """
        plan = self._plan
        if slot.rank > plan.rank:
            self._fill_cut(chunk, slot, aside, a, b)
            return
        for piece in slot.pieces:
            end = piece.at + piece.pair.rank
            read = aside[piece.part]
            if (slot.module, "A") in read:
                _put(a[:, piece.at : end], to_float32(read[slot.module, "A"].array, piece.pair.a.dtype))
            _put(b[:, :, piece.at : end], _folded(read[slot.module, "B"].array, piece, plan.b_dtype))
        a[:, slot.rank :] = 0
        b[:, :, slot.rank :] = 0
        if plan.is_cut:
            exact = a.astype(np.float64), b.astype(np.float64)
            self.energy += float(inner_product(*exact, *exact).sum())

    def _fill_cut(self, chunk: Chunk, slot: Slot, aside: Sequence[Mapping[Place, Stack]], a: Array, b: Array) -> None:
        """As `_fill`, for a module whose rank is over the limit."""
        exact_a = np.empty((len(chunk.layers), slot.rank, slot.inputs))
        exact_b = np.empty((len(chunk.layers), slot.outputs, slot.rank))
        for piece in slot.pieces:
            end = piece.at + piece.pair.rank
            read = aside[piece.part]
            exact_a[:, piece.at : end] = to_float32(read[slot.module, "A"].array, piece.pair.a.dtype)
            exact_b[:, :, piece.at : end] = to_float32(read[slot.module, "B"].array, piece.pair.b.dtype)
            exact_b[:, :, piece.at : end] *= piece.factor
        a[...], b[...], lost = best_of_rank(exact_a, exact_b, self._plan.rank)
        energy = inner_product(exact_a, exact_b, exact_a, exact_b)
        self.energy += float(energy.sum())
        self.lost += float(lost.sum())
        for layer, part, whole in zip(chunk.layers, lost, energy, strict=True):
            path = f"{self._plan.base.prefix}.{layer}.{MODULE_PATHS[slot.module]}"
            self.module_errors[path] = math.sqrt(part / whole) if whole else 0.0


def _stack(memory: Array, start: int, step: int, shape: tuple[int, int, int], dtype: Dtype) -> Stack:
    strides = (step, shape[-1] * dtype.size, dtype.size)
    return Stack(np.ndarray(shape, dtype.storage, memory, start, strides), memory.data, start, step)


def _folded(values: Array, piece: Piece, to: Dtype) -> Array:
    """A part's B times its scale and weight, in the format `to`, which the plan chose to hold it exactly."""
    of, factor = piece.pair.b.dtype, piece.factor
    if of is to and factor == 1:
        return values
    if of is to is Dtype.BF16:
        return scaled(values, math.frexp(factor)[1] - 1)
    numbers = to_float32(values, of)
    numbers *= factor
    return numbers


def _put(place: Array, values: Array) -> None:
    """Copy `values` to `place` row by row: a row of a factor is a few bytes, and seen as one thing it moves as one."""
    row = f"V{values.shape[-1] * values.itemsize}"
    place.view(row)[...] = values.view(row)
