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

MAX_BATCH_SIZE: Final = 8
"""Texts that are embedded at once: as many as one core takes in one go."""


class EmbeddingBatcher:
    """Takes single texts. Those that come while the thread is busy are encoded together when it is free."""

    def __init__(self, thread: Executor, encode: Encode) -> None:
        """Set up.

        Args:
            thread: one, in which `encode` is called.
        """
        self._thread = thread
        self._encode = encode
        self._waiting: deque[tuple[str, Future[Vectors]]] = deque()

    async def embed(self, text: str) -> Vectors:
        """The text's vector: (1, dimensions). A cancelled caller withdraws its text if it is not being encoded yet.

        Raises:
            Exception: whatever `encode` raises.
        """
        future: Future[Vectors] = Future()
        self._waiting.append((text, future))
        # One call for each text. The first encodes what has come by then, and those after it may find nothing.
        self._thread.submit(self._encode_batch)
        return await asyncio.wrap_future(future)

    def _encode_batch(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(MAX_BATCH_SIZE, len(self._waiting)))]
        wanted = [(text, future) for text, future in taken if future.set_running_or_notify_cancel()]
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
