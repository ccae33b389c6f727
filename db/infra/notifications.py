"""Notifications, over a connection of its own, which is opened again when it is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg

from db.errors import DatabaseError
from db.infra.driver_errors import DRIVER_ERRORS, describe_dsn, translate_driver_errors
from db.infra.service_role import SERVICE_ROLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    NotificationHandler = Callable[[str], None]

_RECONNECT_DELAY: Final = 1.0
"""Seconds between tries to connect."""
_PING_INTERVAL: Final = 20.0
"""Seconds of silence after which the server is asked for a sign of life."""


async def listen(
    dsn: str, handlers: Mapping[str, NotificationHandler], on_connected: Callable[[], None], *, deadline: float = 10.0
) -> None:
    """Call `heard[channel](payload)` for each notification until cancelled.

    Args:
        on_connected: called each time the connection is open (again): earlier notifications were missed.
        deadline: seconds for connecting, and for each sign of life.
    """
    server = describe_dsn(dsn)
    while True:
        try:
            await _listen_until_lost(dsn, server, handlers, on_connected, deadline)
        except DatabaseError:
            await asyncio.sleep(_RECONNECT_DELAY)


async def _listen_until_lost(
    dsn: str,
    server: str,
    handlers: Mapping[str, NotificationHandler],
    on_connected: Callable[[], None],
    deadline: float,
) -> None:
    with translate_driver_errors(server):
        connection = await asyncpg.connect(
            dsn, timeout=deadline, command_timeout=deadline, server_settings={"role": SERVICE_ROLE}
        )
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            for channel, call in handlers.items():
                await connection.add_listener(channel, _driver_callback(call))
            on_connected()
            while not lost.is_set():
                try:
                    async with asyncio.timeout(_PING_INTERVAL):
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1")
        finally:
            try:
                await connection.close(timeout=deadline)
            except (OSError, *DRIVER_ERRORS):
                connection.terminate()


def _driver_callback(handler: NotificationHandler) -> Callable[[asyncpg.Connection, int, str, object], None]:
    def heard(_connection: asyncpg.Connection, _pid: int, _channel: str, payload: object) -> None:
        handler(str(payload))

    return heard
