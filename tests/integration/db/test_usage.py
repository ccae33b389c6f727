from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from db.infra.database import Database
from db.people import sessions
from db.people.users import User
from db.turns import admin_queries
from db.turns.admin_queries import ModeUsage
from tests.fixtures import turns
from tests.fixtures.postgres import run_sql

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
USED = {"core+sport": 3, "core": 1, "base": 1, "core+physics": 2}


async def answer(database: Database, person: User, *modes: str) -> None:
    async with database.person_transaction(person.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="home")
        for mode in modes:
            turn = await turns.ask(connection, session.id, "what is nobody else's business")
            await turns.answer(connection, turn, mode=mode)
        await turns.ask(connection, session.id, "not answered yet")


@pytest_asyncio.fixture(loop_scope="session")
async def used(database: Database, anna: User, boris: User) -> AsyncIterator[Database]:
    """Two people's turns, in the modes of `USED` together."""
    await answer(database, anna, "core+sport", "core", "core+physics", "core+sport")
    await answer(database, boris, "base", "core+physics", "core+sport")
    yield database


async def hot(database: Database, since: datetime = LONG_AGO, most: int = 10) -> list[ModeUsage]:
    async with database.anonymous_transaction() as connection:
        return await admin_queries.most_used_modes(connection, since, most)


async def test_everybodys_modes_are_counted_the_most_used_first_and_then_by_name(used: Database) -> None:
    assert await hot(used) == [
        ModeUsage("core+sport", 3),
        ModeUsage("core+physics", 2),
        ModeUsage("base", 1),
        ModeUsage("core", 1),
    ]


async def test_as_many_as_asked_for(used: Database) -> None:
    assert await hot(used, most=2) == [ModeUsage("core+sport", 3), ModeUsage("core+physics", 2)]
    assert await hot(used, most=0) == await hot(used, most=-1) == []


async def test_only_what_was_asked_since_then(used: Database, dsn: str) -> None:
    await run_sql(dsn, "UPDATE turns SET created_at = now() - interval '3 days' WHERE mode = 'core+sport'")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert [use.mode for use in await hot(used, yesterday)] == ["core+physics", "base", "core"]
    assert await hot(used, datetime.now(UTC) + timedelta(minutes=1)) == []


async def test_nothing_was_answered(database: Database) -> None:
    assert await hot(database) == []


async def test_counting_opens_nobodys_turns(used: Database, anna: User) -> None:
    own = "SELECT count(*) FROM turns"
    async with used.anonymous_transaction() as connection:
        await admin_queries.most_used_modes(connection, LONG_AGO, 10)
        assert await connection.fetchval(own) == 0
        # What opens the table to the function opens it to its owner only.
        await connection.execute("SELECT set_config('app.counting', 'modes', true)")
        assert await connection.fetchval(own) == 0
        assert await connection.fetch("SELECT question FROM turns") == []
    async with used.person_transaction(anna.id) as connection:
        before = await connection.fetchval(own)
        assert sum(use.turns for use in await admin_queries.most_used_modes(connection, LONG_AGO, 10)) == sum(
            USED.values()
        )
        assert await connection.fetchval(own) == before == 5


async def test_only_the_service_may_count(used: Database, dsn: str) -> None:
    await run_sql(dsn, "CREATE ROLE passer_by NOLOGIN", "GRANT USAGE ON SCHEMA public TO passer_by")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET ROLE passer_by")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="hot_modes"):
            await connection.fetch("SELECT * FROM hot_modes($1, 10)", LONG_AGO)
    finally:
        await connection.close()
        await run_sql(dsn, "REVOKE USAGE ON SCHEMA public FROM passer_by", "DROP ROLE passer_by")


async def test_a_table_of_the_same_name_elsewhere_is_not_read(used: Database, dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TEMP TABLE turns (mode text, created_at timestamptz)")
        await connection.execute("INSERT INTO turns VALUES ('mine', now())")
        found = await connection.fetch("SELECT * FROM hot_modes($1, 10)", LONG_AGO)
    finally:
        await connection.close()
    assert {row["mode"]: row["turns"] for row in found} == USED
