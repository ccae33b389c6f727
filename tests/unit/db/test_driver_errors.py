import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import (
    DatabaseError,
    DatabaseExhausted,
    DatabaseFailed,
    DatabaseReadOnly,
    DatabaseRefused,
    DatabaseUnavailable,
    DatabaseUnreachable,
    SchemaMismatch,
    TransactionConflict,
)
from db.infra.driver_errors import describe_dsn, translate_driver_error, translate_driver_errors
from db.infra.sqlstates import Outcome, classify


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
        (asyncpg.DeadlockDetectedError("deadlock detected"), TransactionConflict),
        (asyncpg.SerializationError("could not serialize access"), TransactionConflict),
        (asyncpg.LockNotAvailableError("canceling statement due to lock timeout"), TransactionConflict),
        (asyncpg.InvalidCachedStatementError("cached statement plan is invalid"), TransactionConflict),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"), DatabaseReadOnly),
        (asyncpg.UndefinedColumnError('column "x" does not exist'), SchemaMismatch),
        (asyncpg.UndefinedTableError("no such table"), SchemaMismatch),
        (asyncpg.InternalServerError("cache lookup failed"), DatabaseFailed),
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
        asyncpg.InterfaceError("the server expects 1 argument for this query, 2 were passed"),
        asyncpg.exceptions._base.DataError("invalid input for query argument $1: 'connection is closed'"),
        ValueError("connection is closed"),
    ],
)
def test_mistakes_stay_what_they_are(error: Exception) -> None:
    assert translate_driver_error("somewhere", error) is None
    with pytest.raises(type(error)), translate_driver_errors("somewhere"):
        raise error


ALL_SERVER_ERRORS = sorted(
    {
        kind
        for name in dir(asyncpg.exceptions)
        if isinstance(kind := getattr(asyncpg.exceptions, name), type)
        and issubclass(kind, asyncpg.PostgresError)
        and kind.sqlstate
    },
    key=lambda kind: kind.__name__,
)
MISTAKE_CLASSES = {"02", "03", "09", "0A", "0B", "0F", "0L", "0Z", "20", "21", "22", "23", "24", "25", "2B", "2D"} | {
    "2F", "38", "39", "3B", "42", "44", "54", "55", "P0"
}  # fmt: skip


@pytest.mark.parametrize("kind", ALL_SERVER_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_server_has_one_meaning(kind: type[asyncpg.PostgresError]) -> None:
    error = translate_driver_error("somewhere", kind("words of the server"))
    if error is None:
        assert kind.sqlstate[:2] in MISTAKE_CLASSES
    else:
        assert isinstance(error, DatabaseUnavailable)
        assert "somewhere" in str(error)


@given(st.text(st.characters(whitelist_categories=["Lu", "Nd"], max_codepoint=127), min_size=5, max_size=5))
def test_an_error_of_an_unknown_class_may_pass(sqlstate: str) -> None:
    error = asyncpg.PostgresError.new({"C": sqlstate, "M": "words of the server"})
    translated = translate_driver_error("somewhere", error)
    if classify(sqlstate) is not Outcome.MISTAKE:
        assert isinstance(translated, DatabaseUnavailable)
    assert classify("ZZ" + sqlstate[2:]) is Outcome.DAMAGED


def test_an_error_without_words_still_has_a_reason() -> None:
    assert "no answer in time" in str(translate_driver_error("somewhere", TimeoutError()))
