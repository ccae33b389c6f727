"""Unloading with a deadline: a server that hangs in it is sick until it has shown otherwise.

A server waits until an adapter's running answers are out before it lets go of it. After aborted answers its count can
be wrong, and it then waits for ever, with every later load and unload behind it; what it holds goes on answering.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from inference.engines.errors import EngineError, EngineResponseTimeout, EngineUnavailable
from inference.engines.remote import metrics

if TYPE_CHECKING:
    from inference.engines.remote.client import Timeouts
    from inference.engines.remote.port import AdapterServer

log = structlog.get_logger(__name__)


class Unloader:
    """Unloads adapters from one server, and knows whether the server hangs in that."""

    def __init__(self, server: AdapterServer, timeouts: Timeouts) -> None:
        self._server = server
        self._timeouts = timeouts
        self._stuck_at: str | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with the server; None when nothing is known to be."""
        if self._stuck_at is None:
            return None
        return f"it hangs in unloading the adapter {self._stuck_at}, and has to be restarted"

    def require_working(self) -> None:
        """Return when the server takes loads and unloads, as far as is known.

        Raises:
            EngineUnavailable: it hangs; waiting for it would only take longer.
        """
        if self.problem is not None:
            raise EngineUnavailable(url=self._server.url, reason=self.problem)

    async def unload(self, name: str) -> None:
        """Have the server let go of an adapter.

        Raises:
            EngineError: it could not be reached, or hangs.
        """
        self.require_working()
        try:
            await self._unload_in_time(name, self._timeouts.unload_adapter)
        except EngineResponseTimeout:
            self._stuck_at = name
            metrics.SERVERS_STUCK.labels(self._server.url).set(1)
            log.error("server.unload_hung", server=self._server.url, adapter=name)
            raise

    async def prove(self) -> None:
        """Ask a server that hung again: one that was restarted, or is through with it, answers at once."""
        if self._stuck_at is None:
            return
        try:
            await self._unload_in_time(self._stuck_at, self._timeouts.prove_unload)
        except EngineError as error:
            log.debug("server.unload_still_hung", server=self._server.url, reason=error)
            return
        self._stuck_at = None
        metrics.SERVERS_STUCK.labels(self._server.url).set(0)
        log.info("server.unload_recovered", server=self._server.url)

    async def _unload_in_time(self, name: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._server.unload(name)
        except TimeoutError as error:
            raise EngineResponseTimeout(url=self._server.url, seconds=seconds) from error
