import asyncio

import asyncpg
import pytest

from db.errors import DatabaseUnreachable, SchemaMismatch
from db.infra.database import Database, Deadlines
from db.memory import memories
from db.people.users import User


async def test_an_exception_undoes_everything(database: Database, anna: User) -> None:
    async def fail() -> None:
        async with database.person_transaction(anna.id) as connection:
            await memories.remember(connection, "fact", "undone")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with database.person_transaction(anna.id) as connection:
        assert await memories.list_valid(connection) == []


async def test_only_transactions_by_key_plan_their_statements_once(dsn: str, anna: User) -> None:
    async with await Database.open(dsn, pool_size=1) as database:
        async with database.person_transaction(anna.id, by_key=True) as connection:
            assert await connection.fetchval("SHOW plan_cache_mode") == "force_generic_plan"
            await connection.plan_by_value()
            assert await connection.fetchval("SHOW plan_cache_mode") == "auto"
        async with database.anonymous_transaction(by_key=True) as nobody:
            assert await nobody.fetchval("SHOW plan_cache_mode") == "force_generic_plan"
        async with database.person_transaction(anna.id) as connection:
            assert await connection.fetchval("SHOW plan_cache_mode") == "auto"


async def test_the_callers_os_errors_are_none_of_the_databases(database: Database, anna: User) -> None:
    with pytest.raises(FileNotFoundError):
        async with database.person_transaction(anna.id):
            raise FileNotFoundError
    with pytest.raises(TimeoutError):
        async with database.person_transaction(anna.id):
            raise TimeoutError


async def test_a_mistake_in_a_statement_stays_one(database: Database, anna: User) -> None:
    with pytest.raises(SchemaMismatch):
        async with database.person_transaction(anna.id) as connection:
            await connection.fetch("SELECT * FROM nowhere")
    with pytest.raises(asyncpg.InterfaceError, match="expects 0 arguments"):
        async with database.person_transaction(anna.id) as connection:
            await connection.fetch("SELECT 1", 2)


async def test_cancelling_gives_the_connection_back_and_undoes_everything(dsn: str, anna: User) -> None:
    async with await Database.open(dsn, pool_size=1) as database:
        begun = asyncio.Event()

        async def work() -> None:
            async with database.person_transaction(anna.id) as connection:
                await memories.remember(connection, "fact", "undone")
                begun.set()
                await connection.fetchval("SELECT pg_sleep(600)")

        working = asyncio.create_task(work())
        await begun.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        async with database.person_transaction(anna.id) as connection:
            assert await memories.list_valid(connection) == []


async def test_a_statement_that_takes_too_long_is_given_up(dsn: str, anna: User) -> None:
    async with await Database.open(dsn, pool_size=1, deadlines=Deadlines(statement=0.2)) as database:
        with pytest.raises(DatabaseUnreachable, match="no answer in time"):
            async with database.person_transaction(anna.id) as connection:
                await connection.fetchval("SELECT pg_sleep(600)")
        await database.ping()


async def test_waiting_for_a_connection_has_an_end(dsn: str, anna: User) -> None:
    async with await Database.open(dsn, pool_size=1, deadlines=Deadlines(acquire=0.2)) as database:
        async with database.person_transaction(anna.id):
            with pytest.raises(DatabaseUnreachable):
                await database.ping()
        await database.ping()


async def test_a_transaction_that_does_nothing_is_ended(dsn: str, anna: User) -> None:
    async def dawdle(database: Database, watcher: asyncpg.Connection) -> None:
        async with database.person_transaction(anna.id) as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"
            while await watcher.fetchval(alive, pid):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.01)
            await memories.list_valid(connection)

    watcher = await asyncpg.connect(dsn)
    async with await Database.open(dsn, pool_size=1, deadlines=Deadlines(idle=0.05)) as database:
        try:
            with pytest.raises(DatabaseUnreachable):
                await dawdle(database, watcher)
        finally:
            await watcher.close()
        await database.ping()
