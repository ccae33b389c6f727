"""Health checks, and the HTTP server of a process of `consilium serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.core.errors import BotError
from bot.core.http_server import PrivateRunner
from bot.core.redaction import redact
from consilium.errors import N_

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""What keeps the process from working, in a few words; None when nothing does. It raises nothing and has a timeout."""
_HANDLER_SHUTDOWN_TIMEOUT: Final = 0.5
"""Seconds that handlers have to finish at shutdown, before they are cancelled."""
log = structlog.get_logger(__name__)


class HttpServerNotStarted(BotError):
    """The process cannot listen on the address of its health checks."""

    sentence = N_("The health of the process cannot be served on {host}:{port}: {reason}.")
    remedy = N_("Set CONSILIUM_HTTP_PORT to a free port, or to nothing.")

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host=host, port=port, reason=reason)


def health_routes(checks: Mapping[str, ReadinessCheck]) -> web.RouteTableDef:
    """`/healthz`: the event loop runs. `/readyz`: every check passes, or 503 with those that fail. `/metrics`."""
    routes = web.RouteTableDef()

    @routes.get("/healthz")
    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    @routes.get("/readyz")
    async def readyz(_request: web.Request) -> web.Response:
        problems = {name: await check() for name, check in checks.items()}
        is_ready = all(problem is None for problem in problems.values())
        results = {name: redact(problem or "ok") for name, problem in problems.items()}
        body = {"status": "ready" if is_ready else "not ready", "checks": results}
        return web.json_response(body, status=200 if is_ready else 503)

    @routes.get("/metrics")
    async def metrics(_request: web.Request) -> web.Response:
        # Labels hold addresses of servers, which may hold a password.
        body = redact(generate_latest().decode()).encode()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes


@asynccontextmanager
async def http_server(host: str, port: int, *routes: web.RouteTableDef) -> AsyncIterator[str]:
    """Serve these routes while this is open; yields the address.

    A handler is cancelled when its client disconnects, and at the end.

    Raises:
        HttpServerNotStarted: the port is in use, or the address is not this machine's.
    """
    application = web.Application()
    for table in routes:
        application.add_routes(table)
    runner = PrivateRunner(
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
