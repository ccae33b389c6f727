"""An HTTP server within a process that has other work: uvicorn's protocol, and a life that the process decides on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from typing import Final

import structlog
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from bot.core.background import run_in_background
from bot.core.disconnection import CancelOnDisconnect
from bot.core.http_connections import DEFAULT_LIMITS, ConnectionLimits, OpenConnections
from bot.core.http_protocol import MAX_HEAD_BYTES, PrivateProtocol

KEEP_ALIVE_SECONDS: Final = 75
"""Seconds that a connection without a request stays open."""
SHUTDOWN_SECONDS: Final = 0.5
"""Seconds that handlers have to finish at the end, before they are cancelled."""

log = structlog.get_logger(__name__)


@asynccontextmanager
async def run_http_server(
    application: ASGIApp, host: str, port: int, limits: ConnectionLimits = DEFAULT_LIMITS
) -> AsyncIterator[str]:
    """Serve an application while this is open; yields the address.

    A handler is cancelled when its client disconnects, and at the end.

    Args:
        limits: of connections; less where the system lets this process open fewer files.

    Raises:
        OSError: the port is in use, or the address is not this machine's.
    """
    config = Config(
        CancelOnDisconnect(application),
        http=PrivateProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # paths have people's names
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    config.load()
    state = ServerState()
    connections = OpenConnections(limits.within_open_files())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: PrivateProtocol(config, state, {}, connections=connections), host, port, backlog=config.backlog
    )
    try:
        async with run_in_background(_keep_date(state), "http-date"):
            address = f"http://{host}:{server.sockets[0].getsockname()[1]}"
            log.info("http_server.started", address=address)
            yield address
    finally:
        server.close()
        await _close_connections(state)


async def _keep_date(state: ServerState) -> None:
    """Keep the `Date` of responses true, which every response has."""
    while True:
        state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
        await asyncio.sleep(1)


async def _close_connections(state: ServerState) -> None:
    """Let responses end for a moment, then cancel their handlers and close what is left."""
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=SHUTDOWN_SECONDS)
    for task in state.tasks:
        task.cancel()
    if state.tasks:
        await asyncio.wait(state.tasks)
    with suppress(TimeoutError):
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            while state.connections:  # noqa: ASYNC110  # a connection tells nobody that its last bytes are out
                await asyncio.sleep(0.01)
    for connection in list(state.connections):
        connection.transport.abort()
