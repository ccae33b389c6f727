"""The fake's clock, and a journal of everything that happened, which tests wait on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH = 1_420_070_400_000
"""Discord's first millisecond: 1 January 2015."""


class Clock:
    """Real time plus what a test has advanced it by, and the ids made from it."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._last_id_at = 0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once, for deadlines, tokens and rate limits. Open sockets do not notice it."""
        self._ahead += seconds

    def iso(self, at: float | None = None) -> str:
        """A moment as Discord writes it."""
        return datetime.fromtimestamp(self.now() if at is None else at, UTC).isoformat(timespec="microseconds")

    def snowflake(self) -> int:
        """A new id, greater than all before it and in a millisecond of its own, which decides a guild's shard."""
        self._last_id_at = max(self._last_id_at + 1, int(self.now() * 1000) - EPOCH)
        return self._last_id_at << 22


class Journal:
    """Requests, gateway events, states of messages, interactions and bugs of the fake.

    Each entry is a dictionary with `at` (seconds since 1970), `kind` and what belongs to that kind.
    """

    def __init__(self, clock: Clock) -> None:
        self.entries: list[dict[str, Any]] = []
        self._clock = clock
        self._changed = asyncio.Event()

    def add(self, kind: str, **details: Any) -> dict[str, Any]:
        """Append an entry and wake everyone who waits."""
        entry = {"at": self._clock.now(), "kind": kind, **details}
        self.entries.append(entry)
        self.notify()
        return entry

    def notify(self) -> None:
        """Wake everyone who waits: something has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Entries of one kind with these fields."""
        return [e for e in self.entries if e["kind"] == kind and all(e.get(k) == v for k, v in fields.items())]

    async def wait_for(self, condition: Callable[[], T], within: float = 10.0) -> T:
        """The first true result of `condition`, which is called now and after every change.

        Raises:
            TimeoutError: it was not true within so many seconds; names the last entries.
        """
        try:
            async with asyncio.timeout(within):
                while not (result := condition()):
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {within} s; last entries: {self.entries[-3:]}") from None
        return result
