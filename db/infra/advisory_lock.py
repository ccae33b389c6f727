"""Work that one process does at a time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from db.infra.driver_errors import DRIVER_ERRORS, describe_dsn, translate_driver_errors
from db.infra.service_role import SERVICE_ROLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TRY_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


@asynccontextmanager
async def try_advisory_lock(dsn: str, name: str, *, deadline: float = 10.0) -> AsyncIterator[bool]:
    """Whether no other process is doing this work; if so, none will as long as this is open.

    It is held by a connection of its own, without a transaction: when the process dies, so does its hold.

    Args:
        name: the name of the work, the same in every process.
        deadline: seconds for connecting, and for asking.

    Raises:
        DatabaseUnreachable, DatabaseExhausted: no connection.
    """
    with translate_driver_errors(describe_dsn(dsn)):
        connection = await asyncpg.connect(
            dsn, timeout=deadline, command_timeout=deadline, server_settings={"role": SERVICE_ROLE}
        )
    try:
        with translate_driver_errors(describe_dsn(dsn)):
            taken: bool = await connection.fetchval(TRY_LOCK, name)
        yield taken
    finally:
        try:
            await connection.close(timeout=deadline)
        except (OSError, *DRIVER_ERRORS):
            connection.terminate()
