"""A person, Anna, and her session, on a real database with the real embedding model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from bot.memory import PersonalMemory
from db.people import sessions, users

if TYPE_CHECKING:
    from db.infra.database import Database
    from db.people.sessions import Session
    from inference.embedding import Embedder


@pytest_asyncio.fixture(loop_scope="session")
async def session(database: Database) -> Session:
    """A session of Anna's."""
    async with database.anonymous_transaction() as connection:
        anna = await users.identify(connection, platform="console", external_id="anna")
    async with database.person_transaction(anna.id) as connection:
        return await sessions.get_or_create(connection, platform="console", place="home")


@pytest_asyncio.fixture(loop_scope="session")
async def memory(database: Database, embedder: Embedder) -> PersonalMemory:
    return PersonalMemory(database, embedder)
