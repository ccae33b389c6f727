"""From the parts' files to the composition's tensors, within a fixed amount of memory."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from inference.adapters.dtypes import DTYPE_ORDER, Array, Dtype, scale_bfloat16, to_float32
from inference.adapters.factors import inner_product, truncate_to_rank
from inference.adapters.files import write_at
from inference.adapters.package import AdapterPackage
from inference.adapters.plan import Chunk, CompositionPlan, PlannedModule
from inference.adapters.tensors import Tensor, TensorReader
from inference.base_model import MODULE_PATHS


class CompositionWriter:
    """One composition being written.

    Attributes:
        energy: squared Frobenius norm of the exact sum; looked at only when the rank is cut.
        lost: squared Frobenius norm of what the cut took away.
        module_errors: ‖lost‖ / ‖exact‖ of each module that was cut, by its path.
    """

    def __init__(self, plan: CompositionPlan) -> None:
        self.energy = 0.0
        self.lost_energy = 0.0
        self.module_errors: dict[str, float] = {}
        self._plan = plan

    def write(self, descriptor: int) -> None:
        """Write the weights file, from its header to its last byte.

        Raises:
            PackageUnreadable, PackageChanged: a part cannot be read any more.
            OSError: the file cannot be written.
        """
        plan = self._plan
        write_at(descriptor, plan.header, 0)
        frame: ChunkBuffer | None = None
        with ExitStack() as stack:
            readers = [stack.enter_context(part.package.file.reader()) for part in plan.parts]
            for chunk in plan.chunks():
                if not frame or frame.modules is not chunk.modules or frame.layers < len(chunk.layers):
                    frame = ChunkBuffer(plan, chunk.modules, len(chunk.layers))
                for part, reader in enumerate(readers):
                    frame.read_part(part, plan.parts[part].package, reader, chunk.layers)
                frame.convert()
                if plan.is_truncated:
                    self._truncate(chunk, frame)
                for place, block in zip(chunk.offsets, frame.blocks(len(chunk.layers)), strict=True):
                    write_at(descriptor, block, len(plan.header) + place)

    def _truncate(self, chunk: Chunk, frame: ChunkBuffer) -> None:
        """Bring the modules whose rank is over the limit down to it, and add up what that costs."""
        count = len(chunk.layers)
        for slot in chunk.modules:
            cut = slot.rank > self._plan.rank
            stacks = frame.exact if cut else frame.outputs
            a, b = (stacks[slot.module, factor].array[:count].astype(np.float64) for factor in "ab")
            energy = inner_product(a, b, a, b)
            self.energy += float(energy.sum())
            if not cut:
                continue
            near_a, near_b, lost = truncate_to_rank(a, b, self._plan.rank)
            frame.outputs[slot.module, "a"].array[:count] = near_a
            frame.outputs[slot.module, "b"].array[:count] = near_b
            self.lost_energy += float(lost.sum())
            for layer, part, whole in zip(chunk.layers, lost, energy, strict=True):
                path = f"{self._plan.base.prefix}.{layer}.{MODULE_PATHS[slot.module]}"
                self.module_errors[path] = math.sqrt(part / whole) if whole else 0.0


class MatrixStack:
    """One matrix for each layer of a chunk, at equal distances in memory.

    Attributes:
        array: layers × rows × columns.
    """

    def __init__(self, memory: Array, start: int, step: int, shape: tuple[int, int, int], dtype: Dtype) -> None:
        row = shape[2] * dtype.size
        self.array: Array = np.ndarray(shape, dtype.storage, memory, start, (step, row, dtype.size))
        self._memory, self._start, self._step, self._row = memory.data, start, step, row

    def rows(self, first: int, count: int) -> list[memoryview]:
        """For each layer the bytes of `count` rows of its matrix, from row `first`."""
        begin = self._start + first * self._row
        size = count * self._row
        places = range(begin, begin + len(self.array) * self._step, self._step)
        return [self._memory[place : place + size] for place in places]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of a factor on its way."""

    source: Dtype
    target: Dtype
    multiplier: float = 1.0

    @property
    def is_identity(self) -> bool:
        return self.source is self.target and self.multiplier == 1

    def apply(self, values: Array, out: Array) -> None:
        """Write the changed `values` into `out`."""
        if self.target is Dtype.BF16:
            # The plan keeps bfloat16 only where the multiplier is a power of two.
            scale_bfloat16(values, math.frexp(self.multiplier)[1] - 1, out)
            return
        to_float32(values, self.source, out)
        if self.multiplier != 1:
            out *= self.multiplier


@dataclass(frozen=True, slots=True)
class ConversionBatch:
    """Factors that change alike, side by side in memory, so that one operation changes them all."""

    conversion: Conversion
    raw: Array
    converted: Array
    """The same array as `read` when nothing changes."""
    moves: Sequence[tuple[Array, Array]]
    """Views of places and of what belongs there, row by row: a row of B is short, and as one thing it moves fast."""

    def apply(self) -> None:
        """Change what was read and put it in its place."""
        if self.converted is not self.raw:
            self.conversion.apply(self.raw, self.converted)
        for place, ready in self.moves:
            np.copyto(place, ready)


@dataclass(frozen=True, slots=True)
class ReadTarget:
    """Where a factor of a part is read to."""

    module: str
    factor: str
    tensor: Tensor
    """The factor in one of the layers; those of the others have the same shape."""
    stack: MatrixStack
    row: int
    """First row in the stack."""


class ChunkBuffer:
    """Memory for chunks of one kind, and where in it everything goes; made once, used for chunk after chunk.

    A mostly needs no change, so it is read straight to its place. B is read aside, takes on its scale and weight,
    and moves into its columns.

    Attributes:
        slots: the modules of the chunks.
        layers: the most layers a chunk may have.
        places: the factors of the composition, by module and `a` or `b`.
        exact: for modules whose rank is over the limit, the factors of the exact product.
    """

    def __init__(self, plan: CompositionPlan, modules: Sequence[PlannedModule], layers: int) -> None:
        self.modules, self.layers = modules, layers
        self.outputs: dict[tuple[str, str], MatrixStack] = {}
        self.exact: dict[tuple[str, str], MatrixStack] = {}
        self._plan = plan
        self._regions = [self._allocate_region(region) for region in plan.regions]
        self._batches: list[ConversionBatch] = []
        self._read_targets = [self._build_read_targets(part) for part in range(len(plan.parts))]
        self._views = [
            [list(views) for views in zip(*(it.stack.rows(it.row, it.tensor.rows) for it in landings), strict=True)]
            for landings in self._read_targets
        ]

    def _allocate_region(self, region: str) -> tuple[memoryview, int]:
        """Memory for a region, with a place in it for each of its factors; and the bytes of a layer in it."""
        matrices = [
            (slot, factor, *self._plan.matrix_format(slot, factor)) for slot in self.modules for factor in region
        ]
        step = sum(rows * columns * dtype.size for _, _, (rows, columns), dtype in matrices)
        memory = np.empty(self.layers * step, np.uint8)
        start = 0
        for slot, factor, (rows, columns), dtype in matrices:
            place = MatrixStack(memory, start, step, (self.layers, rows, columns), dtype)
            if slot.rank < self._plan.rank:
                # Parts write over their own rows and columns only: what is zero now stays zero from chunk to chunk.
                (place.array if factor == "a" else place.array.mT)[:, slot.rank :] = 0
            self.outputs[slot.module, factor] = place
            if slot.rank > self._plan.rank:
                shape = (slot.rank, slot.inputs) if factor == "a" else (slot.outputs, slot.rank)
                size = shape[0] * shape[1] * dtype.size
                aside = np.zeros(self.layers * size, np.uint8)
                self.exact[slot.module, factor] = MatrixStack(aside, 0, size, (self.layers, *shape), dtype)
            start += rows * columns * dtype.size
        return memory.data, step

    def _build_read_targets(self, part: int) -> list[ReadTarget]:
        """Where the factors of a part are read to, in the order they have in a sorted file."""
        plan = self._plan
        landings: list[ReadTarget] = []
        changes: dict[Conversion, list[tuple[str, str, Tensor, int]]] = defaultdict(list)
        for slot in self.modules:
            for piece in (piece for piece in slot.parts if piece.part == part):
                a, b = piece.pair.a, piece.pair.b
                if a.dtype is plan.a_dtype:
                    landings.append(ReadTarget(slot.module, "a", a, self._destination(slot.module, "a"), piece.offset))
                else:
                    changes[Conversion(a.dtype, plan.a_dtype)].append((slot.module, "a", a, piece.offset))
                changes[Conversion(b.dtype, plan.b_dtype, piece.multiplier)].append((slot.module, "b", b, piece.offset))
        for change, factors in changes.items():
            landings += self._build_batch(change, factors)
        modules = [slot.module for slot in self.modules]
        return sorted(
            landings, key=lambda it: (DTYPE_ORDER.index(it.tensor.dtype), modules.index(it.module), it.factor)
        )

    def _destination(self, module: str, factor: str) -> MatrixStack:
        return self.exact.get((module, factor)) or self.outputs[module, factor]

    def _build_batch(
        self, conversion: Conversion, factors: Sequence[tuple[str, str, Tensor, int]]
    ) -> Iterator[ReadTarget]:
        """Put factors that change alike side by side; their landings there."""
        count = self.layers * sum(tensor.rows * tensor.columns for _, _, tensor, _ in factors)
        read = np.zeros(count, conversion.source.storage)
        ready = read if conversion.is_identity else np.empty(count, conversion.target.storage)
        moves = []
        first = 0
        for module, factor, tensor, at in factors:
            shape = (self.layers, tensor.rows, tensor.columns)
            target = self._destination(module, factor).array
            place = target[:, at : at + tensor.rows] if factor == "a" else target[:, :, at : at + tensor.columns]
            row = f"V{tensor.columns * conversion.target.size}"
            moves.append((place.view(row), ready[first : first + math.prod(shape)].reshape(shape).view(row)))
            aside = MatrixStack(
                read.view(np.uint8), first * conversion.source.size, tensor.size, shape, conversion.source
            )
            yield ReadTarget(module, factor, tensor, aside, 0)
            first += math.prod(shape)
        self._batches.append(ConversionBatch(conversion, read, ready, moves))

    def read_part(self, part: int, package: AdapterPackage, reader: TensorReader, layers: Sequence[int]) -> None:
        """Read what a part brings to `layers`, with as few reads as the order of its file allows.

        Raises:
            PackageUnreadable, PackageChanged: it cannot be read any more.
        """
        first = end = 0
        joined: list[memoryview] = []
        for layer, views in zip(layers, self._views[part], strict=False):
            for start, size, some in self._byte_ranges(part, package, layer, views):
                if start != end:
                    reader.read(first, joined)
                    joined = []
                    first = end = start
                joined += some
                end += size
        reader.read(first, joined)

    def _byte_ranges(
        self, part: int, package: AdapterPackage, layer: int, views: list[memoryview]
    ) -> Iterator[tuple[int, int, list[memoryview]]]:
        """Stretches of a part's file with where to read them to: the whole layer when it is one, else each tensor."""
        landings = self._read_targets[part]
        if not landings:
            return
        pairs = package.layers[layer]
        if 2 * len(pairs) == len(landings) and layer in package.layer_spans:
            yield *package.layer_spans[layer], views
            return
        for landing, view in zip(landings, views, strict=True):
            pair = pairs[landing.module]
            tensor = pair.a if landing.factor == "a" else pair.b
            yield tensor.start, tensor.size, [view]

    def convert(self) -> None:
        """Bring everything that was read aside to its place."""
        for batch in self._batches:
            batch.apply()

    def blocks(self, layers: int) -> Iterator[memoryview]:
        """For each region of the file the bytes of a chunk of `layers` layers."""
        for memory, step in self._regions:
            yield memory[: layers * step]
