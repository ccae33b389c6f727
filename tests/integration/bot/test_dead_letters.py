"""What an operator sees of dead turns, jobs and updates, and how they revive them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from bot.app.settings import Settings
from bot.cli import turns
from bot.cli.turns import UpdateNotStored
from db.infra.database import Database
from db.people import sessions, users
from db.turns import dead_letters, jobs, states
from db.turns.turns import Turn
from tests.fixtures.turns import ask


async def run(dsn: str, *arguments: str) -> Result:
    settings = Settings(database_url=SecretStr(dsn))
    return await asyncio.to_thread(CliRunner().invoke, turns.app, list(arguments), obj=settings)


async def make_turn(database: Database) -> Turn:
    async with database.anonymous_transaction() as connection:
        anna = await users.identify(connection, platform="telegram", external_id="1")
        person = await connection.become_person(anna.id)
        session = await sessions.get_or_create(person, platform="telegram", place="agoge/1", mode="auto")
        return await ask(person, session.id, "words of Anna")


async def test_a_dead_turn_is_listed_and_revived(database: Database, dsn: str) -> None:
    turn = await make_turn(database)
    async with database.person_transaction(turn.user_id) as connection:
        held = await states.claim(connection, turn.id, uuid4())
        assert held is not None
        await states.finish(connection, held, "dead", error="the process died of it")
    listed = await run(dsn, "list", "--state", "dead")
    assert str(turn.id)[:8] in listed.stdout
    assert "Anna" not in listed.stdout
    assert (await run(dsn, "retry", str(turn.id))).exit_code == 0
    async with database.anonymous_transaction() as connection:
        [job] = await jobs.dequeue(connection, uuid4(), ["answer:agoge"], 5, timedelta(days=1))
    assert job.turn_id == turn.id
    assert str(turn.id)[:8] not in (await run(dsn, "list", "--state", "dead")).stdout


@pytest.mark.parametrize("names_a_turn", [True, False])
async def test_a_dead_job_is_listed_and_revived(database: Database, dsn: str, names_a_turn: bool) -> None:
    turn = await make_turn(database)
    reference = str(turn.id) if names_a_turn else "something else"
    async with database.anonymous_transaction() as connection:
        await dead_letters.bury(
            connection, "job", source="answer:agoge", reference=reference, reason="unreadable", payload=b"???"
        )
        [letter] = await dead_letters.list_latest(connection, 5)
    listed = await run(dsn, "list", "--state", "dead")
    assert str(letter.id)[:8] in listed.stdout
    assert (await run(dsn, "retry", str(letter.id)[:8])).exit_code == 0
    async with database.anonymous_transaction() as connection:
        assert await dead_letters.list_latest(connection, 5) == []
        fetched = await jobs.dequeue(connection, uuid4(), ["answer:agoge"], 5, timedelta(days=1))
        again = await dead_letters.list_latest(connection, 5)
    if names_a_turn:
        assert [job.turn_id for job in fetched] == [turn.id]
    else:
        assert (fetched, [one.reference for one in again]) == ([], ["something else"])


async def test_an_update_that_was_not_stored_cannot_be_retried(database: Database, dsn: str) -> None:
    async with database.anonymous_transaction() as connection:
        await dead_letters.bury(connection, "update", source="telegram", reference="77", reason="KeyError (1f2e)")
        [letter] = await dead_letters.list_latest(connection, 5)
    assert "77" in (await run(dsn, "list", "--state", "dead")).stdout
    refused = await run(dsn, "retry", str(letter.id))
    assert isinstance(refused.exception, UpdateNotStored)
