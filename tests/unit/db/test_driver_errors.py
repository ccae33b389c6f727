import asyncpg
import pytest

from db.errors import DatabaseError, DatabaseExhausted, DatabaseRefused, DatabaseUnreachable
from db.infra.driver_errors import describe_dsn, translate_driver_error, translate_driver_errors


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://ann:s3cret@db.example:5433/coach", "db.example:5433/coach"),
        ("postgres://ann:p%40ss@[::1]:5432/coach?sslmode=require", "[::1]:5432/coach"),
        ("postgresql://postgres@/postgres?host=/tmp/a%20b/data&port=5432", "/tmp/a b/data/postgres"),
        ("postgresql:///coach?password=s3cret", "localhost/coach"),
        ("postgresql://[broken/", "the given address"),
        ("", "the given address"),
    ],
)
def test_a_server_is_described_without_its_secrets(dsn: str, shown: str) -> None:
    assert describe_dsn(dsn) == shown


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (ConnectionRefusedError(111, "Connection refused"), DatabaseUnreachable),
        (FileNotFoundError(2, "No such file or directory"), DatabaseUnreachable),
        (TimeoutError(), DatabaseUnreachable),
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), DatabaseUnreachable),
        (asyncpg.AdminShutdownError("terminating connection"), DatabaseUnreachable),
        (asyncpg.CannotConnectNowError("the database system is starting up"), DatabaseUnreachable),
        (asyncpg.InterfaceError("cannot perform operation: connection is closed"), DatabaseUnreachable),
        (asyncpg.InterfaceError("connection has been released back to the pool"), DatabaseUnreachable),
        (asyncpg.InternalClientError("cannot switch to state 15"), DatabaseUnreachable),
        (asyncpg.InterfaceError("pool is closing"), DatabaseUnreachable),
        (asyncpg.InvalidPasswordError("password authentication failed"), DatabaseRefused),
        (asyncpg.InvalidCatalogNameError('database "x" does not exist'), DatabaseRefused),
        (asyncpg.DiskFullError("could not extend file"), DatabaseExhausted),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), DatabaseExhausted),
    ],
)
def test_the_drivers_errors_become_ours(error: Exception, becomes: type[DatabaseError]) -> None:
    with pytest.raises(becomes) as caught, translate_driver_errors("somewhere/coach"):
        raise error
    assert caught.value.__cause__ is error
    assert "somewhere/coach" in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.UndefinedTableError("no such table"),
        asyncpg.InterfaceError("the server expects 1 argument for this query, 2 were passed"),
        asyncpg.exceptions._base.DataError("invalid input for query argument $1: 'connection is closed'"),
        ValueError("connection is closed"),
    ],
)
def test_mistakes_stay_what_they_are(error: Exception) -> None:
    assert translate_driver_error("somewhere", error) is None
    with pytest.raises(type(error)), translate_driver_errors("somewhere"):
        raise error


def test_an_error_without_words_still_has_a_reason() -> None:
    assert "no answer in time" in str(translate_driver_error("somewhere", TimeoutError()))
