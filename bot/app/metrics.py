"""Serves the metrics of commands other than `consilium serve`, which serves its own (`bot.app.monitoring`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import start_http_server

from bot.core.errors import BotError
from consilium.errors import N_

log = structlog.get_logger(__name__)


class MetricsServerNotStarted(BotError):
    """The process cannot listen on the address of its metrics."""

    sentence = N_("The metrics cannot be served on {host}:{port}: {reason}.")
    remedy = N_("Set CONSILIUM_METRICS_PORT to a free port, or leave it out.")

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host=host, port=port, reason=reason)


@asynccontextmanager
async def metrics_server(host: str, port: int | None) -> AsyncIterator[None]:
    """Serve the metrics at `http://host:port/metrics` from a thread while this is open; no port, no server.

    Raises:
        MetricsServerNotStarted: the port is in use, or the address is not this machine's.
    """
    if port is None:
        yield
        return
    try:
        server, thread = await asyncio.to_thread(start_http_server, port, host)
    except OSError as error:
        raise MetricsServerNotStarted(host, port, error.strerror or str(error)) from error
    log.info("metrics_server.started", host=host, port=port)
    try:
        yield
    finally:
        # The server checks for this every half second.
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        await asyncio.to_thread(thread.join)
