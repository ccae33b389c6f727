import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from db.infra.connection import Connection
from db.infra.database import Database
from db.turns import jobs
from db.turns.jobs import Job

SOON, STALE = timedelta(0), timedelta(seconds=30)


async def take(
    database: Database, most: int = 10, stale: timedelta = STALE, names: tuple[str, ...] = ("a",)
) -> list[Job]:
    async with database.anonymous_transaction() as connection:
        return await jobs.dequeue(connection, uuid4(), names, most, stale)


async def enqueue(connection: Connection, name: str = "a", priority: int = 0) -> UUID:
    turn = uuid4()
    await jobs.enqueue(connection, name, turn, uuid4(), priority=priority)
    return turn


async def pass_time(database: Database) -> None:
    """As if an hour had gone by: everything in the queue happened that much earlier."""
    hour = "interval '1 hour'"
    async with database.anonymous_transaction() as connection:
        await connection.execute(
            f"UPDATE consilium_pgqueuer SET heartbeat = heartbeat - {hour}, execute_after = execute_after - {hour}"
        )


async def test_the_most_urgent_and_oldest_come_first_and_only_what_is_asked_for(database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        old, new = await enqueue(connection), await enqueue(connection)
        urgent, other = await enqueue(connection, priority=1), await enqueue(connection, "b")
    assert [job.turn_id for job in await take(database, 2)] == [urgent, old]
    assert [job.turn_id for job in await take(database)] == [new]
    [left] = await take(database, names=("a", "b"))
    assert (left.turn_id, left.entrypoint) == (other, "b")


async def test_a_job_is_taken_once_however_many_take(database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        made = {await enqueue(connection) for _ in range(50)}
    taken = [job.turn_id for some in await asyncio.gather(*(take(database, 5) for _ in range(12))) for job in some]
    assert len(taken) == len(set(taken))
    taken += [job.turn_id for job in await take(database, 50)]
    assert set(taken) == made


async def test_a_turn_has_one_job_at_a_time(database: Database) -> None:
    turn, user = uuid4(), uuid4()
    async with database.anonymous_transaction() as connection:
        for _ in range(2):
            await jobs.enqueue(connection, "a", turn, user)
        assert await jobs.has_job(connection, turn)
    [job] = await take(database)
    assert (job.turn_id, job.user_id) == (turn, user)
    async with database.anonymous_transaction() as connection:
        await jobs.enqueue(connection, "a", turn, user)
        assert await jobs.dequeue(connection, uuid4(), ["a"], 10, STALE) == []
        await jobs.complete(connection, job)
        assert not await jobs.has_job(connection, turn)
        await jobs.enqueue(connection, "a", turn, user)
    assert len(await take(database)) == 1


async def test_a_job_without_a_sign_of_life_is_somebody_elses(database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        await enqueue(connection)
    [job] = await take(database)
    assert await take(database) == []
    await pass_time(database)
    async with database.anonymous_transaction() as connection:
        await jobs.heartbeat(connection, [job.id])
    assert await take(database) == []
    await pass_time(database)
    assert [again.id for again in await take(database)] == [job.id]


async def test_what_is_put_back_comes_again_when_it_is_due(database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        await enqueue(connection)
    [job] = await take(database)
    async with database.anonymous_transaction() as connection:
        await jobs.reschedule(connection, job, timedelta(minutes=5))
    assert await take(database) == []
    await pass_time(database)
    assert [again.id for again in await take(database)] == [job.id]


async def test_what_is_undone_leaves_no_job(database: Database) -> None:
    async def fail() -> None:
        async with database.anonymous_transaction() as connection:
            await enqueue(connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await take(database) == []


async def test_the_log_is_forgotten(database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        await enqueue(connection)
    [job] = await take(database)
    async with database.anonymous_transaction() as connection:
        await jobs.complete(connection, job)
    async with database.anonymous_transaction() as connection:
        assert await jobs.prune_log(connection, timedelta(days=1)) == 0
        assert await jobs.prune_log(connection, timedelta(0)) == 3
