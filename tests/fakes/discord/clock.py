"""The fake's time, which a test may put forward, and the ids made of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

EPOCH = 1_420_070_400_000
"""Discord's first millisecond: 1 January 2015."""


class Clock:
    """Real time plus what a test has put it forward by."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._last_id = 0
        self._last_spread = 0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def shift(self, seconds: float) -> None:
        """Lets time pass at once: deadlines, tokens and limits see it; open sockets and their heartbeats do not."""
        self._ahead += seconds

    def iso(self, at: float | None = None) -> str:
        """A moment as Discord writes it."""
        return datetime.fromtimestamp(self.now() if at is None else at, UTC).isoformat(timespec="microseconds")

    def snowflake(self) -> int:
        """A new id, greater than all before it."""
        self._last_id = max(self._last_id + 1, (int(self.now() * 1000) - EPOCH) << 22)
        return self._last_id

    def spread_snowflake(self) -> int:
        """A new id in a millisecond of its own, so that guilds made at once are spread over shards."""
        self._last_spread = max(self._last_spread + 1, int(self.now() * 1000) - EPOCH)
        return self._last_spread << 22 | 1 << 12


def made_at(snowflake: int) -> float:
    """When an id was made, in seconds since 1970."""
    return ((snowflake >> 22) + EPOCH) / 1000
