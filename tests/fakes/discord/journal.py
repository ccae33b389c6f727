"""Everything that happened, in order, and waiting for something to happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from tests.fakes.discord.clock import Clock

T = TypeVar("T")


class Journal:
    """Entries `{"n", "at", "kind", …}` of requests, gateway events, messages' states and interactions."""

    def __init__(self, clock: Clock) -> None:
        self.entries: list[dict[str, Any]] = []
        self._clock = clock
        self._changed = asyncio.Event()

    def add(self, kind: str, **what: Any) -> dict[str, Any]:
        """Writes an entry down; who waits looks again."""
        entry = {"n": len(self.entries), "at": self._clock.now(), "kind": kind, **what}
        self.entries.append(entry)
        self.stir()
        return entry

    def stir(self) -> None:
        """Lets those who wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, kind: str, **like: Any) -> list[dict[str, Any]]:
        """The entries of one kind whose fields are these."""
        return [e for e in self.entries if e["kind"] == kind and all(e.get(k) == v for k, v in like.items())]

    async def wait_for(self, look: Callable[[], T], within: float = 10.0) -> T:
        """What `look` finds, as soon as it finds anything true. TimeoutError after `within` seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        while not (found := look()):
            left = until - loop.time()
            if left <= 0:
                raise TimeoutError(f"nothing of the kind within {within} s; last: {self.entries[-3:]}")
            try:  # Deadlines pass without an entry, so it looks now and then by itself.
                await asyncio.wait_for(self._changed.wait(), min(left, 0.1))
            except TimeoutError:
                continue
        return found
