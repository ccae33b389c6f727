"""API keys, as the operator makes, lists and revokes them: as the database's owner, with entries in the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.app.audit import record_entry
from bot.app.components import database_dsn, open_database, service_dsn
from bot.app.settings import Settings
from bot.core.api_keys import SHOWN_LENGTH, generate_key, key_digest
from db.infra.connection import Connection
from db.infra.database import Access, Database
from db.infra.driver_errors import describe_dsn, open_connection
from db.people import api_keys
from db.people.api_keys import ApiKey, KeyScope

_STATEMENTS_DEADLINE = 60.0
"""Seconds for the few statements."""


async def create_key(
    settings: Settings, mind: str, name: str, scope: KeyScope, lifetime: timedelta | None
) -> tuple[str, ApiKey]:
    """Make a key; its text, which nobody can find out again, and what is stored of it.

    Raises:
        ConsiliumError: the database cannot be reached, or its address is not the owner's.
    """
    text = generate_key()
    async with _owner_connection(settings) as (dsn, connection):
        key = await api_keys.create(
            connection,
            mind=mind,
            name=name,
            prefix=text[:SHOWN_LENGTH],
            digest=key_digest(text),
            scope=scope,
            lifetime=lifetime,
        )
        await record_entry(dsn, "key.created", f"{mind} {key.name} {key.prefix}")
    return text, key


async def find_keys(settings: Settings, mind: str, name: str) -> list[tuple[ApiKey, int, int]]:
    """The keys whose id begins so, or whose prefix this is, two at most; with today's requests and tokens."""
    async with open_database(settings, Access.READ) as database, database.anonymous_transaction() as connection:
        found = await api_keys.find_named(connection, mind, name)
        return [(key, *await api_keys.used_today(connection, key.id)) for key in found]


async def list_keys(settings: Settings, mind: str) -> list[ApiKey]:
    """All keys of a mind, oldest first."""
    async with open_database(settings, Access.READ) as database, database.anonymous_transaction() as connection:
        return await api_keys.list_all(connection, mind)


async def revoke_key(settings: Settings, key: ApiKey) -> None:
    """Revoke a key: a running service refuses it within seconds.

    Raises:
        ConsiliumError: the database cannot be reached, or its address is not the owner's.
    """
    async with _owner_connection(settings) as (dsn, connection):
        if await api_keys.revoke(connection, key.id):
            await record_entry(dsn, "key.revoked", f"{key.mind} {key.name} {key.prefix}")


@asynccontextmanager
async def _owner_connection(settings: Settings) -> AsyncIterator[tuple[str, Connection]]:
    """A connection as the owner, with the owner's DSN. An embedded database is made, or migrated, if necessary."""
    is_embedded = settings.database_url is None and settings.database_owner_url is None
    access = Access.MIGRATE if is_embedded else Access.CHECK
    async with database_dsn(settings) as dsn:
        async with await Database.open(dsn, service_dsn=service_dsn(settings), access=access, pool_size=1):
            pass  # its schema is known to be there
        async with open_connection(dsn, _STATEMENTS_DEADLINE) as raw, raw.transaction():
            yield dsn, Connection(raw, describe_dsn(dsn))
