"""Whether a request that failed is worth another try, and when."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from inference.engine.errors import EngineSlow
from inference.engine.sglang import metrics

if TYPE_CHECKING:
    from inference.engine.errors import EngineError

log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 2.0, 1.6
"""Seconds between two tries, and how they grow."""
MOST_BREAKS = 3
"""How often one request may break off once a server has begun with it: it may be what breaks the server."""


class Recovery:
    """Follows the tries of one request."""

    def __init__(self, patience: float) -> None:
        """
        Args:
            patience: seconds to go on trying while nothing comes of it.
        """
        self._patience = patience
        self._since: float | None = None
        self._pause = _FIRST_PAUSE
        self._breaks = 0

    def progress(self) -> None:
        """A piece of the answer has come: what was broken works again."""
        if self._since is not None:
            log.info("engine.recovered", seconds=round(time.monotonic() - self._since, 1))
            self._since = None
            self._pause = _FIRST_PAUSE

    async def after(self, error: EngineError, *, begun: bool, written: int) -> None:
        """Return when it is time for the next try; raise the error when there is to be none.

        Args:
            error: what went wrong.
            begun: whether a server had taken the request.
            written: characters of the answer that have come so far.
        """
        now = time.monotonic()
        self._breaks += begun
        if self._since is None:
            self._since = now
        # A server that is merely slow would only get slower by being asked twice.
        hopeless = not error.retryable or isinstance(error, EngineSlow)
        if hopeless or self._breaks >= MOST_BREAKS or now - self._since >= self._patience:
            raise error
        metrics.RECOVERIES.labels("middle" if written else "start").inc()
        log.warning("engine.trying_again", error=str(error), begun=begun, written=written, pause=round(self._pause, 2))
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE)
