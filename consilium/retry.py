"""Retries: exponential backoff with jitter, and a loop that uses it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BackoffConfig:
    """How delays between attempts grow. All times are in seconds."""

    initial: float
    """Before the second attempt."""
    maximum: float
    factor: float = 2.0
    """Each delay is so many times longer than the one before."""
    jitter: float = 0.0
    """Share by which a delay is randomly longer or shorter, so that many clients do not retry at the same moment."""

    def delay(self, attempt: int) -> float:
        """Seconds to wait after attempt number `attempt`, counted from 1."""
        # A float's exponent ends at about 1024; the maximum is reached long before.
        grown = min(self.maximum, self.initial * self.factor ** min(attempt - 1, 64))
        return grown * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - no secret


class Backoff:
    """The delays of one series of attempts."""

    def __init__(self, config: BackoffConfig) -> None:
        self._config = config
        self.attempts = 0
        """Failed attempts since the start or the last `reset`."""

    def next_delay(self) -> float:
        """Seconds to wait after a failed attempt; longer each time until `reset`."""
        self.attempts += 1
        return self._config.delay(self.attempts)

    def reset(self) -> None:
        """Start with the first delay again: an attempt has succeeded."""
        self.attempts = 0


async def retry(
    operation: Callable[[], Awaitable[T]],
    *,
    on: type[Exception] | tuple[type[Exception], ...],
    backoff: BackoffConfig,
    attempts: int | None = None,
    give_up_after: float | None = None,
    before_sleep: Callable[[Exception, float], None] = lambda _error, _delay: None,
) -> T:
    """Call `operation` until it succeeds, and return its result.

    Args:
        on: errors after which it is called again; any other is raised at once.
        attempts: calls at most, after which the error is raised; None: no limit.
        give_up_after: seconds from now. The error is raised instead of a delay that would end later; None: never.
        before_sleep: called with the error and the delay before each wait, to log them; may raise the error to give up.
    """
    deadline = None if give_up_after is None else time.monotonic() + give_up_after
    delays = Backoff(backoff)
    while True:
        try:
            return await operation()
        except on as error:
            delay = delays.next_delay()
            if attempts is not None and delays.attempts >= attempts:
                raise
            if deadline is not None and time.monotonic() + delay > deadline:
                raise
            before_sleep(error, delay)
        await asyncio.sleep(delay)
