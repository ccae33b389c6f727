import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]  # has no types
import pytest
import pytest_asyncio

from db.errors import DatabaseUnreachable
from db.infra.database import Database
from db.infra.embedded_server import EmbeddedServer
from db.memory import memories
from db.people import users
from db.people.users import User


@pytest_asyncio.fixture(loop_scope="session", params=["stopped", "killed"])
async def outage(request: pytest.FixtureRequest, migrated_folder: Path) -> AsyncIterator["Outage"]:
    async with await EmbeddedServer.open(migrated_folder) as server, await Database.open(server.dsn) as database:
        async with database.anonymous_transaction() as connection:
            anna = await users.identify(connection, platform="console", external_id="anna")
        async with database.person_transaction(anna.id) as connection:
            await memories.remember(connection, "fact", "said before")
        yield Outage(server, database, anna, killed=request.param == "killed")


class Outage:
    """A server that can be taken away and given back."""

    def __init__(self, server: EmbeddedServer, database: Database, anna: User, *, killed: bool) -> None:
        self.server = server
        self.database = database
        self.anna = anna
        self.killed = killed

    async def take_away(self) -> None:
        if self.killed:
            main = psutil.Process(int((self.server.cluster.data / "postmaster.pid").read_text().split()[0]))
            for process in (main, *main.children()):
                process.kill()
        else:
            await asyncio.to_thread(self.server.cluster.stop, 30)

    async def give_back(self) -> None:
        assert await asyncio.to_thread(self.server.cluster.start, 60) == self.server.dsn

    async def remembered(self) -> list[str]:
        async with self.database.person_transaction(self.anna.id) as connection:
            return [kept.content for kept in await memories.list_valid(connection)]


async def wait_until_asleep(dsn: str) -> None:
    watcher = await asyncpg.connect(dsn)
    try:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        while not await watcher.fetchval(sleeping):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.01)
    finally:
        await watcher.close()


async def test_a_server_lost_in_the_middle_of_a_statement(outage: Outage) -> None:
    async def work() -> None:
        async with outage.database.person_transaction(outage.anna.id) as connection:
            await memories.remember(connection, "fact", "never committed")
            await connection.fetchval("SELECT pg_sleep(600)")

    working = asyncio.create_task(work())
    await wait_until_asleep(outage.server.dsn)
    await outage.take_away()
    with pytest.raises(DatabaseUnreachable):
        await working
    with pytest.raises(DatabaseUnreachable):
        await outage.database.ping()
    await outage.give_back()
    assert await outage.remembered() == ["said before"]


async def test_a_server_lost_between_statements(outage: Outage) -> None:
    async def work() -> None:
        async with outage.database.person_transaction(outage.anna.id) as connection:
            await outage.take_away()
            await memories.remember(connection, "fact", "never arrived")

    with pytest.raises(DatabaseUnreachable):
        await work()
    await outage.give_back()
    assert await outage.remembered() == ["said before"]


async def test_a_server_lost_before_the_commit(outage: Outage) -> None:
    async def work() -> None:
        async with outage.database.person_transaction(outage.anna.id) as connection:
            await memories.remember(connection, "fact", "never committed")
            await outage.take_away()

    with pytest.raises(DatabaseUnreachable):
        await work()
    await outage.give_back()
    assert await outage.remembered() == ["said before"]


async def test_every_connection_of_the_pool_comes_back(outage: Outage) -> None:
    everyone = asyncio.Barrier(5)

    async def together() -> list[str]:
        async with outage.database.person_transaction(outage.anna.id) as connection:
            await everyone.wait()
            return [kept.content for kept in await memories.list_valid(connection)]

    await asyncio.gather(*(together() for _ in range(5)))
    await outage.take_away()
    await outage.give_back()
    assert await asyncio.gather(*(together() for _ in range(5))) == [["said before"]] * 5


async def test_the_callers_own_error_is_not_hidden_by_the_loss(outage: Outage) -> None:
    async def work() -> None:
        async with outage.database.person_transaction(outage.anna.id):
            await outage.take_away()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    await outage.give_back()


async def test_closing_works_without_a_server(outage: Outage) -> None:
    await outage.take_away()
    await outage.database.close()
    with pytest.raises(DatabaseUnreachable):
        await outage.database.ping()
