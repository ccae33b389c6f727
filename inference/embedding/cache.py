"""The texts that were last asked for, with their vectors: one question is looked up in several places in one turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from blake3 import blake3

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Compute = Callable[[str], Awaitable[Vectors]]
    """Gives a text's vector: (1, dimensions)."""

CACHE_SIZE: Final = 512
"""Vectors that are kept: those of some hundred turns."""


@dataclass(eq=False, slots=True)
class _Computation:
    """A vector that is being computed."""

    task: asyncio.Task[Vectors]
    waiters: int = 0


class VectorCache:
    """The vectors of single texts, those of an embedder's last `most` kept. Of the texts nothing is kept but digests.

    Who asks for a text while it is computed waits for that same computation. It goes on as long as anybody waits for
    it. What it raises is raised to all of them, and is not kept.
    """

    def __init__(self, compute: Compute, max_size: int = CACHE_SIZE) -> None:
        """Set up.

        Args:
            compute: asked for each text that is not known, as it is to be read by the model.
        """
        self._compute = compute
        self._max_size = max_size
        self._cached: OrderedDict[bytes, Vectors] = OrderedDict()
        self._computing: dict[bytes, _Computation] = {}

    async def get(self, text: str, compute: Compute | None = None) -> Vectors:
        """The text's vector, (1, dimensions), the caller's own to change.

        Args:
            compute: asked instead of the one that all texts have in common.

        Raises:
            Exception: whatever `compute` raises.
        """
        key = blake3(text.encode()).digest()
        known = self._cached.get(key)
        if known is not None:
            self._cached.move_to_end(key)
            return known.copy()
        computation = self._computing.get(key)
        if computation is None:
            computation = self._start(key, text, compute or self._compute)
        computation.waiters += 1
        try:
            vector = await asyncio.shield(computation.task)
        finally:
            computation.waiters -= 1
            if computation.waiters == 0 and not computation.task.done():
                # No one waits for it any more. The next caller starts again.
                self._discard(key, computation)
                computation.task.cancel()
        return vector.copy()

    def _start(self, key: bytes, text: str, compute: Compute) -> _Computation:
        task = asyncio.ensure_future(compute(text))
        computation = self._computing[key] = _Computation(task)
        task.add_done_callback(partial(self._on_done, key, computation))
        return computation

    def _on_done(self, key: bytes, computation: _Computation, task: asyncio.Task[Vectors]) -> None:
        self._discard(key, computation)
        if task.cancelled() or task.exception() is not None:
            return
        self._cached[key] = task.result()
        self._cached.move_to_end(key)
        while len(self._cached) > self._max_size:
            self._cached.popitem(last=False)

    def _discard(self, key: bytes, computation: _Computation) -> None:
        if self._computing.get(key) is computation:
            del self._computing[key]
