import asyncio

import pytest

from db.infra.database import Database
from db.people import token_buckets
from db.people.token_buckets import Refusal, TokenBucket


async def take(database: Database, allowance: TokenBucket, key: str = "person:1") -> Refusal | None:
    async with database.anonymous_transaction() as connection:
        return await token_buckets.consume(connection, key, allowance)


async def test_of_many_at_once_exactly_as_many_as_a_day_allows(database: Database, dsn: str) -> None:
    """Fifty connections, each its own as fifty processes' would be, and 400 requests of one person."""
    allowance = TokenBucket(burst=1000, per_minute=1, per_day=100)
    async with await Database.open(dsn, pool_size=50) as many:
        taken = await asyncio.gather(*(take(many, allowance) for _ in range(400)))
    assert taken.count(None) == 100
    refused = [refusal for refusal in taken if refusal is not None]
    assert {refusal.reason for refusal in refused} == {"quota"}
    assert all(0 < refusal.retry_after <= 86_400 for refusal in refused)


async def test_of_many_at_once_exactly_as_many_as_may_come_at_once(database: Database, dsn: str) -> None:
    allowance = TokenBucket(burst=20, per_minute=0.001)
    async with await Database.open(dsn, pool_size=50) as many:
        taken = await asyncio.gather(*(take(many, allowance) for _ in range(200)))
    assert taken.count(None) == 20
    assert {refusal.reason for refusal in taken if refusal} == {"rate"}


async def test_it_fills_up_with_time_and_not_beyond_its_brim(database: Database) -> None:
    allowance = TokenBucket(burst=2, per_minute=0.1)
    assert [await take(database, allowance) for _ in range(2)] == [None, None]
    refusal = await take(database, allowance)
    assert refusal is not None
    assert 500 < refusal.retry_after <= 600
    async with database.anonymous_transaction() as connection:
        await connection.execute("UPDATE allowances SET refilled_at = refilled_at - interval '1 day'")
    assert [await take(database, allowance) is None for _ in range(3)] == [True, True, False]


async def test_a_new_day_begins_anew(database: Database) -> None:
    allowance = TokenBucket(burst=100, per_minute=1, per_day=2)
    assert [await take(database, allowance) is None for _ in range(3)] == [True, True, False]
    async with database.anonymous_transaction() as connection:
        await connection.execute("UPDATE allowances SET day = day - 1")
    assert [await take(database, allowance) is None for _ in range(3)] == [True, True, False]


async def test_others_are_not_touched_and_what_is_dropped_is_forgotten(database: Database) -> None:
    allowance = TokenBucket(burst=1, per_minute=0.001)
    assert await take(database, allowance) is None
    assert await take(database, allowance) is not None
    assert await take(database, allowance, "person:2") is None
    async with database.anonymous_transaction() as connection:
        await token_buckets.delete(connection, "person:1")
    assert await take(database, allowance) is None


async def test_what_is_undone_is_not_counted(database: Database) -> None:
    allowance = TokenBucket(burst=1, per_minute=0.001)

    async def fail() -> None:
        async with database.anonymous_transaction() as connection:
            await token_buckets.consume(connection, "person:1", allowance)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await take(database, allowance) is None


@pytest.mark.parametrize("step", ["1 hour", "1 day", "30 days"])
async def test_nobody_is_shut_out_when_the_clock_is_set_back(database: Database, step: str) -> None:
    """What was written before then lies in the future."""
    allowance = TokenBucket(burst=2, per_minute=0.1, per_day=5)
    assert [await take(database, allowance) is None for _ in range(3)] == [True, True, False]
    async with database.anonymous_transaction() as connection:
        moved = f"refilled_at = refilled_at + interval '{step}', day = (day + interval '{step}')::date"
        await connection.execute(f"UPDATE allowances SET {moved}")
    assert [await take(database, allowance) is None for _ in range(3)] == [True, True, False]
