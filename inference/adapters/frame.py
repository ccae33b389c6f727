"""Where the numbers of a composition pass on their way from the parts' files to its own."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inference.adapters.dtypes import ORDER, Array, Dtype, scale_bfloat16, to_float32
from inference.adapters.package import AdapterPackage
from inference.adapters.plan import Piece, Plan, Slot
from inference.adapters.tensors import Reader, Tensor

Place = tuple[str, str]
"""A module and its factor, `a` or `b`."""


class Stack:
    """One matrix for each layer of a chunk, at equal distances in memory.

    Attributes:
        array: layers × rows × columns.
    """

    def __init__(self, memory: Array, start: int, step: int, shape: tuple[int, int, int], dtype: Dtype) -> None:
        row = shape[2] * dtype.size
        self.array: Array = np.ndarray(shape, dtype.storage, memory, start, (step, row, dtype.size))
        self._memory, self._start, self._step, self._row = memory.data, start, step, row

    def rows(self, layer: int, first: int, count: int) -> memoryview:
        """The bytes of `count` rows of one layer's matrix, from row `first`."""
        begin = self._start + layer * self._step + first * self._row
        return self._memory[begin : begin + count * self._row]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a factor on its way."""

    of: Dtype
    to: Dtype
    factor: float

    def apply(self, values: Array, out: Array) -> None:
        if self.to is Dtype.BF16:
            # The plan keeps bfloat16 only where scale and weight come to a power of two.
            scale_bfloat16(values, math.frexp(self.factor)[1] - 1, out)
            return
        to_float32(values, self.of, out)
        if self.factor != 1:
            out *= self.factor


@dataclass(frozen=True, slots=True)
class Batch:
    """Factors that change in the same way, side by side in memory: one operation does it for all of them."""

    change: Change
    read: Array
    ready: Array
    """The same array as `read` when nothing changes."""
    moves: Sequence[tuple[Array, Array]]
    """Views of `ready` and of the places they move to, row by row: a short row moves fast when it is one thing."""

    def finish(self) -> None:
        """Change what was read and put it in its place."""
        if self.ready is not self.read:
            self.change.apply(self.read, self.ready)
        for ready, place in self.moves:
            np.copyto(place, ready)


class Frame:
    """Memory for chunks of one kind, and where in it everything goes; made once, used for chunk after chunk.

    A mostly needs no change, so it is read straight to its place. B is read aside, takes on its scale and weight,
    and moves into its columns.

    Attributes:
        places: every factor of the composition.
        exact: for modules that are to be cut, the factors of the exact product.
    """

    def __init__(self, plan: Plan, slots: Sequence[Slot], layers: int) -> None:
        self.places: dict[Place, Stack] = {}
        self.exact: dict[Place, Stack] = {}
        self._plan, self._slots, self._layers = plan, slots, layers
        self._regions = [self._lay_out(region) for region in plan.regions]
        self._batches: list[Batch] = []
        self._landings = [self._land(part) for part in range(len(plan.parts))]

    def _lay_out(self, region: str) -> tuple[memoryview, int]:
        """Memory for a region, with a place in it for each of its factors; and the bytes of a layer in it."""
        matrices = [(slot, factor, *self._plan.matrix(slot, factor)) for slot in self._slots for factor in region]
        step = sum(rows * columns * dtype.size for _, _, (rows, columns), dtype in matrices)
        memory = np.empty(self._layers * step, np.uint8)
        start = 0
        for slot, factor, (rows, columns), dtype in matrices:
            stack = Stack(memory, start, step, (self._layers, rows, columns), dtype)
            start += rows * columns * dtype.size
            # Parts write over their own rows and columns only, so the rest stays zero from chunk to chunk.
            stack.array[(slice(None), slice(slot.rank, None)) if factor == "a" else (..., slice(slot.rank, None))] = 0
            self.places[slot.module, factor] = stack
            if slot.rank > self._plan.rank:
                shape = (slot.rank, slot.inputs) if factor == "a" else (slot.outputs, slot.rank)
                self.exact[slot.module, factor] = self._aside(shape, dtype)
        return memory.data, step

    def _aside(self, shape: tuple[int, int], dtype: Dtype) -> Stack:
        size = shape[0] * shape[1] * dtype.size
        return Stack(np.empty(self._layers * size, np.uint8), 0, size, (self._layers, *shape), dtype)

    def _land(self, part: int) -> tuple[list[Place], list[list[memoryview]]]:
        """The factors a part brings, in the order of a sorted file, and for each layer where they are read to."""
        landings: list[tuple[Place, Tensor, Stack, int]] = []
        batches: dict[Change, list[tuple[Place, Tensor, Piece]]] = defaultdict(list)
        for slot in self._slots:
            for piece in slot.pieces:
                if piece.part == part:
                    if piece.pair.a.dtype is self._plan.a_dtype:
                        landings.append(((slot.module, "a"), piece.pair.a, self._target(slot.module, "a"), piece.at))
                    else:
                        change = Change(piece.pair.a.dtype, self._plan.a_dtype, 1.0)
                        batches[change].append(((slot.module, "a"), piece.pair.a, piece))
                    change = Change(piece.pair.b.dtype, self._plan.b_dtype, piece.factor)
                    batches[change].append(((slot.module, "b"), piece.pair.b, piece))
        for change, members in batches.items():
            landings += self._batch(change, members)
        modules = [slot.module for slot in self._slots]
        landings.sort(key=lambda it: (ORDER.index(it[1].dtype), modules.index(it[0][0]), it[0][1]))
        views = [
            [stack.rows(layer, first, tensor.rows) for _, tensor, stack, first in landings]
            for layer in range(self._layers)
        ]
        return [place for place, _, _, _ in landings], views

    def _target(self, module: str, factor: str) -> Stack:
        return self.exact.get((module, factor)) or self.places[module, factor]

    def _batch(
        self, change: Change, members: Sequence[tuple[Place, Tensor, Piece]]
    ) -> Iterator[tuple[Place, Tensor, Stack, int]]:
        """Put factors that change alike side by side; where each of them is read to."""
        count = self._layers * sum(tensor.rows * tensor.columns for _, tensor, _ in members)
        read = np.empty(count, change.of.storage)
        same = change.of is change.to and change.factor == 1
        ready = read if same else np.empty(count, change.to.storage)
        moves = []
        first = 0
        for (module, factor), tensor, piece in members:
            end = piece.at + piece.pair.rank
            shape = (self._layers, tensor.rows, tensor.columns)
            target = self._target(module, factor).array
            target = target[:, piece.at : end] if factor == "a" else target[:, :, piece.at : end]
            row = f"V{tensor.columns * change.to.size}"
            size = math.prod(shape)
            moves.append((ready[first : first + size].reshape(shape).view(row), target.view(row)))
            yield (
                (module, factor),
                tensor,
                Stack(read.view(np.uint8), first * tensor.dtype.size, tensor.size, shape, tensor.dtype),
                0,
            )
            first += size
        self._batches.append(Batch(change, read, ready, moves))

    def receive(self, part: int, package: AdapterPackage, reader: Reader, layers: Sequence[int]) -> None:
        """Read what a part brings to `layers`, with as few reads as the order of its file allows.

        Raises:
            PackageUnreadable, PackageChanged: it cannot be read any more.
        """
        places, views = self._landings[part]
        first = end = 0
        joined: list[memoryview] = []
        for layer, here in zip(layers, views, strict=False):
            pairs = package.layers[layer] if places else {}
            whole = 2 * len(pairs) == len(places) and package.spans.get(layer)
            for start, size, some in [(*whole, here)] if whole else self._one_by_one(places, pairs, here):
                if start != end:
                    reader.read(first, joined)
                    first = end = start
                    joined = []
                joined += some
                end += size
        reader.read(first, joined)

    def _one_by_one(self, places, pairs, views):
        for (module, factor), view in zip(places, views, strict=True):
            tensor = pairs[module].a if factor == "a" else pairs[module].b
            yield tensor.start, tensor.size, [view]

    def finish(self) -> None:
        """Bring everything that was read aside to its place."""
        for batch in self._batches:
            batch.finish()

    def blocks(self, layers: int) -> Iterator[memoryview]:
        """For each region of the file the bytes of a chunk of `layers` layers."""
        for memory, step in self._regions:
            yield memory[: layers * step]
