"""Where the driver's errors become ours: the one place that knows what they mean."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from db.errors import (
    DatabaseError,
    DatabaseExhausted,
    DatabaseFailed,
    DatabaseReadOnly,
    DatabaseRefused,
    DatabaseUnreachable,
    SchemaMismatch,
    TransactionConflict,
)
from db.infra.sqlstates import Outcome, classify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Everything the driver raises of its own; OSError (TimeoutError with it) comes from beneath it."""

_CONNECTION_LOST_PHRASES = ("connection is closed", "connection was closed", "released back to the pool")
_BY_OUTCOME: Final = {
    Outcome.UNREACHABLE: DatabaseUnreachable,
    Outcome.CONFLICT: TransactionConflict,
    Outcome.READ_ONLY: DatabaseReadOnly,
    Outcome.EXHAUSTED: DatabaseExhausted,
    Outcome.REFUSED: DatabaseRefused,
    Outcome.SCHEMA: SchemaMismatch,
}


def describe_dsn(dsn: str) -> str:
    """The server and database a DSN names, without user and password: fit for logs and error texts."""
    try:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
    except ValueError:
        return "the given address"
    host = parts.netloc.rpartition("@")[2] or query.get("host", [""])[0]
    database = unquote(parts.path.strip("/")) or query.get("dbname", query.get("database", [""]))[0]
    if not host and not database:
        return "the given address"
    return f"{unquote(host) or 'localhost'}/{database}"


def translate_driver_error(server: str, error: BaseException) -> DatabaseError | None:
    """What a driver's error means for the service; None when it is a mistake in a statement or a broken constraint.

    The server's own errors are told apart by their SQLSTATE (`db.infra.sqlstates`), the driver's by their class.
    """
    lines = str(error).strip().splitlines()
    reason = lines[0].rstrip(".") if lines else "no answer in time"
    if _is_connection_lost(error):
        return DatabaseUnreachable(server=server, reason="the connection was lost")
    if isinstance(error, OSError) or (type(error) is asyncpg.InterfaceError and reason.startswith("pool is clos")):
        return DatabaseUnreachable(server=server, reason=reason)
    if isinstance(error, asyncpg.exceptions.ClientConfigurationError):
        return DatabaseRefused(server=server, reason=reason)
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        # The driver has dropped its prepared statements by now, so that a repetition finds the changed schema.
        return TransactionConflict(server=server, reason=reason)
    if not isinstance(error, asyncpg.PostgresError):
        return None
    code = error.sqlstate or type(error).sqlstate
    return _translate_sqlstate(server, code or "unknown", reason)


def _translate_sqlstate(server: str, code: str, reason: str) -> DatabaseError | None:
    outcome = classify(code)
    if outcome is Outcome.MISTAKE:
        return None
    if outcome is Outcome.DAMAGED:
        return DatabaseFailed(server=server, code=code, reason=reason)
    return _BY_OUTCOME[outcome](server=server, reason=reason)


@contextmanager
def translate_driver_errors(server: str) -> Iterator[None]:
    """Around every await that goes to the server (and nothing else): the driver's errors come out as ours."""
    try:
        yield
    except (OSError, *DRIVER_ERRORS) as error:
        translated = translate_driver_error(server, error)
        if translated is None:
            raise
        raise translated from error


@asynccontextmanager
async def open_connection(dsn: str, deadline: float) -> AsyncIterator[asyncpg.Connection]:
    """A single connection, as the DSN's own role; what is done with it shares the deadline of `deadline` seconds.

    Raises:
        DatabaseRefused: also when the DSN is not one.
        DatabaseUnreachable, DatabaseExhausted: no connection, or it was lost.
    """
    server = describe_dsn(dsn)
    with translate_driver_errors(server):
        async with asyncio.timeout(deadline):
            try:
                connection = await asyncpg.connect(dsn, timeout=deadline)
            except ValueError as error:
                raise DatabaseRefused(server=server, reason=str(error)) from error
            try:
                yield connection
            finally:
                await connection.close()


def _is_connection_lost(error: BaseException) -> bool:
    # Use of a connection that has died meanwhile the driver tells only by the text of its general InterfaceError (the
    # subclasses that are ValueErrors quote the caller's own text), or, while it dies, by an InternalClientError.
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError):
        return any(phrase in str(error) for phrase in _CONNECTION_LOST_PHRASES)
    return isinstance(error, asyncpg.InternalClientError)
