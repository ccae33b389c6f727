"""A connection for copying whole tables, in and out."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from db.errors import DatabaseRefused
from db.infra.driver_errors import describe_dsn, translate_driver_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

STALL: Final = 300.0
"""Seconds without any progress after which copying is given up."""
_CONNECT: Final = 30.0
_ROLLBACK: Final = 5.0
"""Seconds for a rollback: the server rolls back by itself when the connection is ended."""
_SETTINGS: Final = {
    "application_name": "consilium-backup",
    # How values are written as text, whatever is configured: the same bytes wherever they are read.
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "synchronize_seqscans": "off",
    # Instead of leaving rows out, a statement that row-level security would apply to fails.
    "row_security": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "30s",
}


@asynccontextmanager
async def open_copying(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the DSN's own role, from which nothing is hidden without an error.

    Raises:
        DatabaseRefused, DatabaseUnreachable: no connection, or it was lost.
    """
    server = describe_dsn(dsn)
    with translate_driver_errors(server):
        try:
            connection = await asyncpg.connect(dsn, timeout=_CONNECT, server_settings=_SETTINGS)
        except ValueError as error:
            raise DatabaseRefused(server=server, reason=str(error)) from error
        try:
            yield connection
        finally:
            connection.terminate()


@asynccontextmanager
async def copying_transaction(connection: asyncpg.Connection, **options: Any) -> AsyncIterator[None]:
    """A transaction in which tables are copied.

    A rollback gets a deadline, which asyncpg's own has not: after a COPY that was cancelled it may wait for ever for
    the cancellation to end.

    Args:
        options: of `asyncpg.Connection.transaction`.
    """
    transaction = connection.transaction(**options)
    await transaction.start()
    try:
        yield
    except BaseException:
        with suppress(Exception):
            async with asyncio.timeout(_ROLLBACK):
                await transaction.rollback()
        raise
    await transaction.commit()


class Watchdog:
    """A deadline that moves on whenever something has come."""

    def __init__(self) -> None:
        self._timeout = asyncio.timeout(STALL)

    def feed(self) -> None:
        """Something has come."""
        self._timeout.reschedule(asyncio.get_running_loop().time() + STALL)

    async def __aenter__(self) -> Watchdog:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)
