"""What admins and people do to access, accounts and data is written down, without a word of what anybody said."""

from __future__ import annotations

import re
from uuid import UUID

import asyncpg
import pytest

from bot.cli.audit import audit_table
from db.infra.database import Database
from db.people import audit
from tests.fakes.talk import Talk


async def actions(database: Database) -> list[tuple[str, str]]:
    async with database.anonymous_transaction() as connection:
        return [(entry.action, entry.subject) for entry in reversed(await audit.list_latest(connection, 100))]


async def test_each_action_is_written_down(talk: Talk, database: Database) -> None:
    await talk.say("7", "/remember a planted text")
    await talk.say("7", "/export")
    code = re.search(r"/link (\S+)", (await talk.say("7", "/link")).answer)
    assert code is not None
    await talk.say("d7", f"/link {code[1]}", platform="discord")
    await talk.say("7", "/link no")
    await talk.say("7", "/forget all")
    await talk.say("7", "/forget me yes")
    found = await actions(database)
    assert [action for action, _ in found] == [
        "data.exported", "link.requested", "link.declined", "memory.erased", "person.erased",
    ]  # fmt: skip
    assert "planted" not in str(found)


async def test_an_entry_is_its_persons_and_stays_as_it_is(talk: Talk, database: Database) -> None:
    await talk.say("7", "/export")
    async with database.anonymous_transaction() as connection:
        [entry] = await audit.list_latest(connection, 9)
        assert await connection.fetch("SELECT * FROM audit_log") == []
    assert audit_table([entry]).row_count == 1
    for statement in ("DELETE FROM audit_log", "UPDATE audit_log SET action = 'x'", "TRUNCATE audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.person_transaction(entry.actor) as connection:
                await connection.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.person_transaction(UUID(int=1)) as connection:
            await connection.execute("INSERT INTO audit_log (actor, action) VALUES ($1, 'x')", entry.actor)
