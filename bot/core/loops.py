"""Loops that survive whatever goes wrong in a round: they pause, count it, log it, and go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from prometheus_client import Counter

from consilium.errors import ConsiliumError
from consilium.retry import Backoff, BackoffConfig

_BACKOFF: Final = BackoffConfig(initial=0.5, maximum=30.0, jitter=0.3)
_FAILURES: Final = Counter("consilium_loop_failures", "Rounds of this process's loops that have failed.", ("loop",))

log = structlog.get_logger(__name__)


class LoopFailures:
    """The failures of one loop in a row: how long to pause after each."""

    def __init__(self, loop: str) -> None:
        self._loop = loop
        self._backoff = Backoff(_BACKOFF)

    def record(self, error: Exception) -> float:
        """Count and log a failed round; the seconds to pause."""
        delay = self._backoff.next_delay()
        _FAILURES.labels(self._loop).inc()
        foreseen = isinstance(error, ConsiliumError)
        log.warning(
            "loop.round_failed",
            loop=self._loop,
            error=type(error).__name__,
            reason=error if foreseen else "unexpected",
            delay=round(delay, 1),
            exc_info=None if foreseen else error,
        )
        return delay

    def reset(self) -> None:
        """A round has succeeded."""
        self._backoff.reset()


async def run_periodically(
    loop: str, action: Callable[[], Awaitable[None]], interval: float, *, max_pause: float | None = None
) -> None:
    """Call `action` every `interval` seconds until cancelled, whether it fails or not.

    Args:
        loop: its name in logs and metrics.
        max_pause: seconds that the pauses after failures grow to; None: `interval`.
    """
    failures = LoopFailures(loop)
    while True:
        began = time.monotonic()
        try:
            await action()
        except Exception as error:
            await asyncio.sleep(max(0.1, min(max_pause or interval, failures.record(error))))
        else:
            failures.reset()
            await asyncio.sleep(max(0.1, interval - (time.monotonic() - began)))


async def keep_running(
    loop: str, work: Callable[[], Awaitable[None]], *, fatal: tuple[type[Exception], ...] = ()
) -> None:
    """Run `work`, and again after a pause whenever it fails; returns once it has returned.

    Args:
        loop: its name in logs and metrics.
        fatal: errors that no repetition mends; they are raised.
    """
    failures = LoopFailures(loop)
    while True:
        began = time.monotonic()
        try:
            await work()
        except fatal:
            raise
        except Exception as error:
            if time.monotonic() - began > _BACKOFF.maximum:
                failures.reset()
            await asyncio.sleep(failures.record(error))
        else:
            return
