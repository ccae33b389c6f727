"""Carrying out a plan: from the parts' files into the composition's, chunk by chunk."""

from __future__ import annotations

import math
from contextlib import ExitStack

import numpy as np

from inference.adapters.factors import inner_product, truncate_to_rank
from inference.adapters.files import write_at
from inference.adapters.frame import ChunkBuffer
from inference.adapters.plan import Chunk, CompositionPlan
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
