"""API keys as rows: what the service may do with them, and what is counted of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from db.errors import OwnerNeeded
from db.infra.connection import Connection
from db.infra.database import Database
from db.infra.driver_errors import open_connection
from db.people import api_keys, users
from db.people.api_keys import ApiKey, KeyScope

SCOPE = KeyScope(
    rights=["read"],
    models=["base"],
    people=[],
    people_from=["user"],
    requests_per_minute=2,
    requests_per_day=None,
    tokens_per_minute=60,
    tokens_per_day=100,
    at_once=None,
)


async def make(dsn: str, *, scope: KeyScope = SCOPE, lifetime: timedelta | None = None, byte: int = 1) -> ApiKey:
    async with open_connection(dsn, 10) as raw:
        return await api_keys.create(
            Connection(raw, "test"), mind="agoge", name="site", prefix="csk_x", digest=bytes([byte] * 32), scope=scope,
            lifetime=lifetime,
        )  # fmt: skip


async def test_the_service_reads_keys_and_makes_none(database: Database, dsn: str) -> None:
    key = await make(dsn)
    async with database.anonymous_transaction() as connection:
        assert await api_keys.find(connection, "agoge", bytes([1] * 32)) == key
        assert await api_keys.find(connection, "other", bytes([1] * 32)) is None
        await api_keys.mark_used(connection, key.id)
        [listed] = await api_keys.list_all(connection, "agoge")
        assert listed.last_used_at is not None
    with pytest.raises(OwnerNeeded):
        async with database.anonymous_transaction() as connection:
            await api_keys.create(connection, mind="agoge", name="x", prefix="csk_y", digest=bytes(32), scope=SCOPE)
    with pytest.raises(OwnerNeeded):
        async with database.anonymous_transaction() as connection:
            await api_keys.revoke(connection, key.id)


async def test_ends(database: Database, dsn: str) -> None:
    for byte, lifetime in enumerate((None, timedelta(hours=1), timedelta(hours=-1))):
        key = await make(dsn, lifetime=lifetime, byte=byte)
        assert key.is_valid == (lifetime is None or lifetime > timedelta(0))
    async with database.anonymous_transaction() as connection:
        assert await api_keys.has_valid_key(connection, "agoge")
        assert not await api_keys.has_valid_key(connection, "other")


async def test_tokens_are_charged_when_they_are_known(database: Database, dsn: str) -> None:
    key = await make(dsn)

    async def left(key: ApiKey = key) -> str | None:
        async with database.anonymous_transaction() as connection:
            spent = await api_keys.check_tokens(connection, key.id, key.tokens_per_minute, key.tokens_per_day)
        return None if spent is None else spent.reason

    async def charge(tokens: int, key: ApiKey = key) -> None:
        async with database.anonymous_transaction() as connection:
            await api_keys.charge_tokens(connection, key.id, tokens)

    assert await left() is None
    await charge(40)
    assert await left() is None
    await charge(50)
    assert await left() == "rate"
    async with open_connection(dsn, 10) as raw:
        # A minute later the debt is paid.
        await raw.execute("UPDATE allowances SET refilled_at = refilled_at - interval '1 minute'")
    assert await left() is None
    await charge(20)
    assert await left() == "quota"
    async with database.anonymous_transaction() as connection:
        assert await api_keys.used_today(connection, key.id) == (0, 110)
    unlimited = await make(dsn, scope=replace(SCOPE, tokens_per_minute=None, tokens_per_day=None), byte=2)
    for _ in range(3):
        await charge(2**30, unlimited)
    assert await left(unlimited) is None or unlimited.tokens_per_day is None


async def test_finding_a_person_makes_nobody(database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        assert await users.find(connection, platform="http", external_id="site:anna") is None
        made = await users.identify(connection, platform="http", external_id="site:anna")
        assert await users.find(connection, platform="http", external_id="site:anna") == made.id
        assert await users.find(connection, platform="http", external_id="site:ann") is None
