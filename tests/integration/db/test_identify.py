import asyncio

import asyncpg

from db.infra.database import Database
from db.people import users
from db.people.users import User


async def test_the_same_name_is_the_same_person(database: Database, anna: User) -> None:
    async with database.anonymous_transaction() as connection:
        again = await users.identify(connection, platform="console", external_id="anna", locale="ru")
        elsewhere = await users.identify(connection, platform="telegram", external_id="anna")
    assert again == anna
    assert elsewhere.id != anna.id


async def test_fifty_at_once_make_one_person(database: Database, dsn: str) -> None:
    async def ask() -> User:
        async with database.anonymous_transaction() as connection:
            return await users.identify(connection, platform="telegram", external_id="77", locale="en")

    people = await asyncio.gather(*(ask() for _ in range(50)))
    assert len(set(people)) == 1
    owner = await asyncpg.connect(dsn)
    try:
        assert await owner.fetchval("SELECT count(*) FROM users") == 1
        assert await owner.fetchval("SELECT count(*) FROM identities") == 1
    finally:
        await owner.close()


async def test_who_comes_while_another_is_being_made_waits_and_gets_the_same(database: Database, dsn: str) -> None:
    async def ask() -> User:
        async with database.anonymous_transaction() as connection:
            return await users.identify(connection, platform="telegram", external_id="77")

    watcher = await asyncpg.connect(dsn)
    try:
        async with database.anonymous_transaction() as connection:
            made = await users.identify(connection, platform="telegram", external_id="77")
            asking = asyncio.create_task(ask())
            here = "datname = current_database()"  # the server's other databases have waiting locks of their own
            waiting = f"SELECT count(*) FROM pg_stat_activity WHERE {here} AND pg_blocking_pids(pid) != '{{}}'"
            while not await watcher.fetchval(waiting):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.01)
        assert await asking == made
    finally:
        await watcher.close()


async def test_the_first_locale_stays_until_it_is_changed(database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        made = await users.identify(connection, platform="discord", external_id="1", locale="ru")
        again = await users.identify(connection, platform="discord", external_id="1", locale="en")
    assert (made.locale, again.locale) == ("ru", "ru")
    async with database.person_transaction(made.id) as person:
        assert (await users.set_locale(person, "en")).locale == "en"
    async with database.person_transaction(made.id) as person:
        seen = await users.get(person)
    assert seen is not None
    assert seen.locale == "en"


async def test_a_temporary_table_does_not_deceive_it(database: Database, anna: User) -> None:
    async with database.anonymous_transaction() as connection:
        await connection.execute("CREATE TEMPORARY TABLE identities (platform text, external_id text, user_id uuid)")
        await connection.execute("INSERT INTO pg_temp.identities VALUES ('console', 'anna', gen_random_uuid())")
        assert await users.identify(connection, platform="console", external_id="anna") == anna
        await connection.execute("DROP TABLE pg_temp.identities")
