"""Health checks and metrics, and the HTTP server they are served on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest, start_http_server

from bot.core.errors import BotError
from consilium.errors import N_

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""What keeps the process from working, in a few words; None when nothing does. It raises nothing and has a deadline."""
_HANDLER_SHUTDOWN_TIMEOUT: Final = 0.5
"""Seconds that handlers have to end on leaving, before they are cancelled."""
log = structlog.get_logger(__name__)


class HttpServerNotStarted(BotError):
    """The health address cannot be listened on."""

    sentence = N_("The health of the process cannot be served on {host}:{port}: {reason}.")
    remedy = N_("Set CONSILIUM_HTTP_PORT to a free port, or to nothing.")

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host=host, port=port, reason=reason)


def health_routes(checks: Mapping[str, ReadinessCheck]) -> web.RouteTableDef:
    """`/healthz`: the event loop turns. `/readyz`: every check passes, or 503 with what does not. `/metrics`."""
    routes = web.RouteTableDef()

    @routes.get("/healthz")
    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    @routes.get("/readyz")
    async def ready(_request: web.Request) -> web.Response:
        said = {name: await check() for name, check in checks.items()}
        sound = all(problem is None for problem in said.values())
        body = {"status": "ready" if sound else "not ready", "checks": {k: v or "ok" for k, v in said.items()}}
        return web.json_response(body, status=200 if sound else 503)

    @routes.get("/metrics")
    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes


@asynccontextmanager
async def http_server(host: str, port: int, *routes: web.RouteTableDef) -> AsyncIterator[str]:
    """Serve these routes as long as this is open; yields the address. A handler is cancelled when its client goes away,
    and when it is left.

    Raises:
        HttpServerNotStarted: the port is taken, or the address is not this machine's.
    """
    application = web.Application()
    for table in routes:
        application.add_routes(table)
    runner = web.AppRunner(
        application, access_log=None, handler_cancellation=True, shutdown_timeout=_HANDLER_SHUTDOWN_TIMEOUT
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise HttpServerNotStarted(host, port, error.strerror or str(error)) from error
        address = f"http://{host}:{runner.addresses[0][1]}"
        log.info("http_server.started", address=address)
        yield address
    finally:
        await runner.cleanup()


class MetricsServerNotStarted(BotError):
    """The metrics' address cannot be listened on."""

    sentence = N_("The metrics cannot be served on {host}:{port}: {reason}.")
    remedy = N_("Set CONSILIUM_METRICS_PORT to a free port, or leave it out.")

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host=host, port=port, reason=reason)


@asynccontextmanager
async def metrics_server(host: str, port: int | None) -> AsyncIterator[None]:
    """Serve the metrics at `http://host:port/metrics` from a thread as long as this is open; no port, no server.

    Raises:
        MetricsServerNotStarted: the port is taken, or the address is not this machine's.
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
        # The server looks for this every half second.
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        await asyncio.to_thread(thread.join)
