"""From the generating thread to the event loop: events, and text from tokens as they come."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


_REPLACEMENT_CHARACTER = "\N{REPLACEMENT CHARACTER}"


class Detokenizer:
    """Decodes one answer piece by piece.

    A character may be spread over several tokens, and some decoders look at the token before (a word's leading
    space). So a piece is what the newest tokens add to the text of those before them, and it is held back while it
    ends in half a character. The pieces joined are `decode` of all tokens.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0
        """Where the tokens begin that the next piece is decoded with."""
        self._emitted = 0
        """Where the tokens begin whose text has not been given."""
        self._pieces: list[str] = []

    def push(self, token: int) -> str:
        """The text that has become certain with this token; often empty."""
        self._ids.append(token)
        before = self._decode(self._ids[self._context : self._emitted])
        after = self._decode(self._ids[self._context :])
        if after.endswith(_REPLACEMENT_CHARACTER) or not after.startswith(before):
            return ""
        self._context, self._emitted = self._emitted, len(self._ids)
        self._pieces.append(after[len(before) :])
        return self._pieces[-1]

    def finish(self) -> str:
        """What is left when no token will follow; half a character comes out as U+FFFD."""
        given = "".join(self._pieces)
        return self._decode(self._ids).removeprefix(given)
