"""A transaction of a backup ends in any case, also where asyncpg never comes back from its rollback."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from db.backup import session
from db.backup.session import copying_transaction


class Transaction:
    """Notes what is done with it; its rollback never ends."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    async def start(self) -> None:
        self.steps.append("start")

    async def commit(self) -> None:
        self.steps.append("commit")

    async def rollback(self) -> None:
        self.steps.append("rollback")
        await asyncio.Event().wait()


class Connection:
    """Begins that transaction."""

    def __init__(self) -> None:
        self.begun = Transaction()

    def transaction(self, **options: Any) -> Transaction:
        assert options == {"readonly": True}
        return self.begun


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(session, "_ROLLBACK", 0.01)
    return Connection()


async def test_a_rollback_that_never_ends_is_given_up_and_the_error_stays(connection: Connection) -> None:
    with pytest.raises(ZeroDivisionError):
        async with copying_transaction(connection, readonly=True):  # type: ignore[arg-type]
            raise ZeroDivisionError
    assert connection.begun.steps == ["start", "rollback"]


async def test_who_is_cancelled_ends_cancelled(connection: Connection) -> None:
    inside = asyncio.Event()

    async def copy() -> None:
        async with copying_transaction(connection, readonly=True):  # type: ignore[arg-type]
            inside.set()
            await asyncio.Event().wait()

    copying = asyncio.create_task(copy())
    await inside.wait()
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(copying, 5)
    assert connection.begun.steps == ["start", "rollback"]


async def test_what_succeeds_is_committed(connection: Connection) -> None:
    async with copying_transaction(connection, readonly=True):  # type: ignore[arg-type]
        pass
    assert connection.begun.steps == ["start", "commit"]
