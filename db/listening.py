"""Notifications, over a connection of its own that is made anew whenever it is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg

from db.errors import DatabaseError
from db.reach import DRIVER_ERRORS, describe, reaching
from db.role import SERVICE_ROLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Heard = Callable[[str], None]

_PAUSE: Final = 1.0
"""Seconds between tries to connect."""
_PROBE: Final = 20.0
"""Seconds of silence after which the server is asked for a sign of life."""


async def listen(
    dsn: str, heard: Mapping[str, Heard], connected: Callable[[], None], *, deadline: float = 10.0
) -> None:
    """Call `heard[channel](payload)` for each notification until cancelled.

    Args:
        connected: called whenever the connection stands (again): what was said before has been missed.
        deadline: seconds for connecting, and for each sign of life.
    """
    server = describe(dsn)
    while True:
        try:
            await _listen(dsn, server, heard, connected, deadline)
        except DatabaseError:
            await asyncio.sleep(_PAUSE)


async def _listen(
    dsn: str, server: str, heard: Mapping[str, Heard], connected: Callable[[], None], deadline: float
) -> None:
    with reaching(server):
        connection = await asyncpg.connect(
            dsn, timeout=deadline, command_timeout=deadline, server_settings={"role": SERVICE_ROLE}
        )
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            for channel, call in heard.items():
                await connection.add_listener(channel, _calling(call))
            connected()
            while not lost.is_set():
                try:
                    async with asyncio.timeout(_PROBE):
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1")
        finally:
            try:
                await connection.close(timeout=deadline)
            except (OSError, *DRIVER_ERRORS):
                connection.terminate()


def _calling(call: Heard) -> Callable[[asyncpg.Connection, int, str, object], None]:
    def heard(_connection: asyncpg.Connection, _pid: int, _channel: str, payload: object) -> None:
        call(str(payload))

    return heard
