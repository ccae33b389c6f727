"""The way between the thread that generates and the event loop that listens."""

from __future__ import annotations

import asyncio
import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class ThreadStream(Generic[T]):
    """Carries what a thread makes to one reader on an event loop, and the reader's wish to stop back to the thread.

    Built on the event loop. `send` and `stopped` are for the thread, the rest for the loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[T | BaseException] = asyncio.Queue()
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Nobody listens any more: what is still being made is for nothing."""
        return self._cancelled.is_set()

    def send(self, item: T | BaseException) -> None:
        """Hand over one item, or the exception that ends it all. Never blocks."""
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:  # the loop has been closed: there is no reader
            self._cancelled.set()

    async def receive(self) -> T:
        """The next item, in order; raises what was sent as an exception."""
        item = await self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def cancel(self) -> None:
        self._cancelled.set()

    def fail(self, error: BaseException) -> None:
        """Stop, and let the reader have `error`."""
        self.cancel()
        self._queue.put_nowait(error)
