"""Single texts of several askers, embedded at once: a model reads its weights once for all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Encode = Callable[[list[str]], Vectors]
    """Gives texts' vectors, in their order: (texts, dimensions). Blocks."""

MAX_BATCH_SIZE: Final = 32
"""Texts that are embedded at once."""
MAX_PADDED_CHARACTERS: Final = 2048
"""Of a batch, each of its texts counted as long as its longest, as the model computes them. More at once take no less
time for each, and whoever comes next waits for all of them."""
MAX_PASSED_OVER: Final = 4
"""Batches in a row that urgent texts may fill while others wait."""


class EmbeddingBatcher:
    """Takes single texts. Those that come while the thread is busy are encoded together when it is free.

    What somebody waits for goes before what is only to be kept, which fills up its batches.
    """

    def __init__(self, thread: Executor, encode: Encode) -> None:
        """Set up.

        Args:
            thread: one, in which `encode` is called.
        """
        self._thread = thread
        self._encode = encode
        self._urgent: deque[tuple[str, Future[Vectors]]] = deque()
        self._others: deque[tuple[str, Future[Vectors]]] = deque()
        self._passed_over = 0
        """Batches since the last one with a text that is not urgent, as far as such texts were waiting."""

    async def embed(self, text: str, *, urgent: bool = False) -> Vectors:
        """The text's vector: (1, dimensions). A cancelled caller withdraws its text if it is not being encoded yet.

        Args:
            urgent: whether somebody waits for an answer.

        Raises:
            Exception: whatever `encode` raises.
        """
        future: Future[Vectors] = Future()
        (self._urgent if urgent else self._others).append((text, future))
        # One call for each text. The first encodes what has come by then, and those after it may find nothing.
        self._thread.submit(self._encode_batch)
        return await asyncio.wrap_future(future)

    def _encode_batch(self) -> None:
        wanted = [(text, future) for text, future in self._take() if future.set_running_or_notify_cancel()]
        if not wanted:
            return
        try:
            vectors = self._encode([text for text, _ in wanted])
        except Exception as error:
            for _, future in wanted:
                future.set_exception(error)
            return
        for n, (_, future) in enumerate(wanted):
            future.set_result(vectors[n : n + 1])

    def _take(self) -> list[tuple[str, Future[Vectors]]]:
        """The texts of the next batch, one at least if any waits."""
        queues = (self._others, self._urgent) if self._passed_over >= MAX_PASSED_OVER else (self._urgent, self._others)
        others = len(self._others)
        taken: list[tuple[str, Future[Vectors]]] = []
        longest = 0
        for queue in queues:
            while queue and len(taken) < MAX_BATCH_SIZE:
                length = max(longest, len(queue[0][0]))
                if taken and length * (len(taken) + 1) > MAX_PADDED_CHARACTERS:
                    break
                longest = length
                taken.append(queue.popleft())
        is_passed_over = len(self._others) >= others > 0
        self._passed_over = self._passed_over + 1 if is_passed_over else 0
        return taken
