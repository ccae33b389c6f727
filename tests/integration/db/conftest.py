"""Fixtures of the database's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from db.people import users
from tests.fixtures.postgres import server_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db.infra.database import Database
    from db.people.users import User


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """A folder that no server has been in."""
    with server_directory() as directory:
        yield directory


async def make_person(database: Database, name: str) -> User:
    async with database.anonymous_transaction() as connection:
        return await users.identify(connection, platform="console", external_id=name)


@pytest_asyncio.fixture(loop_scope="session")
async def anna(database: Database) -> User:
    return await make_person(database, "anna")


@pytest_asyncio.fixture(loop_scope="session")
async def boris(database: Database) -> User:
    return await make_person(database, "boris")
