"""Whether a request that failed is worth another try, and when."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from inference.engines.errors import EngineResponseTimeout
from inference.engines.remote import metrics

if TYPE_CHECKING:
    from inference.engines.errors import EngineError

log = structlog.get_logger(__name__)

_INITIAL_DELAY, _MAX_DELAY, _DELAY_FACTOR = 0.1, 2.0, 1.6
"""Seconds between two tries, and how they grow."""
MAX_FAILURES = 3
"""How often one request may break off once a server has begun with it: it may be what breaks the server."""


class RetryPolicy:
    """Follows the tries of one request."""

    def __init__(self, timeout: float) -> None:
        """
        Args:
            timeout: seconds to go on trying while nothing comes of it.
        """
        self._timeout = timeout
        self._failing_since: float | None = None
        self._delay = _INITIAL_DELAY
        self._failures = 0

    def record_progress(self) -> None:
        """A piece of the answer has come: what was broken works again."""
        if self._failing_since is not None:
            log.info("engine.recovered", seconds=round(time.monotonic() - self._failing_since, 1))
            self._failing_since = None
            self._delay = _INITIAL_DELAY

    async def wait_or_raise(self, error: EngineError, *, accepted: bool, received: int) -> None:
        """Return when it is time for the next try; raise the error when there is to be none.

        Args:
            error: what went wrong.
            accepted: whether a server had taken the request.
            received: characters of the answer that have come so far.
        """
        now = time.monotonic()
        self._failures += accepted
        if self._failing_since is None:
            self._failing_since = now
        # A server that is merely slow would only get slower by being asked twice.
        hopeless = not error.retryable or isinstance(error, EngineResponseTimeout)
        if hopeless or self._failures >= MAX_FAILURES or now - self._failing_since >= self._timeout:
            raise error
        metrics.ENGINE_RECOVERIES.labels("middle" if received else "start").inc()
        log.warning("engine.retried", error=error, begun=accepted, written=received, pause=round(self._delay, 2))
        await asyncio.sleep(self._delay)
        self._delay = min(self._delay * _DELAY_FACTOR, _MAX_DELAY)
