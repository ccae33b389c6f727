"""A lease on a turn while its database comes and goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest

from bot.turns.command_result import CommandResult, result_to_json
from bot.turns.lease import TurnLease, claim
from db.errors import DatabaseUnreachable, RecordNotFound, TurnLeaseLost
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.people import personal_data, sessions, users
from db.turns import jobs, states, turns
from db.turns.states import GeneratedAnswer
from db.turns.turns import Turn
from tests.fixtures.turns import ask

Loss = Literal["before", "after"]


class FlakyDatabase:
    """A real database whose connection is lost before or after the commits of its next transactions."""

    def __init__(self, database: Database, losses: list[Loss]) -> None:
        self._database = database
        self._losses = losses

    @asynccontextmanager
    async def person_transaction(self, user_id: UUID, *, by_key: bool = False) -> AsyncIterator[PersonConnection]:
        loss = self._losses.pop(0) if self._losses else None
        async with self._database.person_transaction(user_id, by_key=by_key) as connection:
            yield connection
            if loss == "before":
                raise DatabaseUnreachable(server="test", reason="lost")
        if loss == "after":
            raise DatabaseUnreachable(server="test", reason="lost")


async def lease(
    database: Database, losses: list[Loss], *, database_timeout: float = 10, result: CommandResult | None = None
) -> TurnLease:
    """A new person's turn, claimed; with a `result`, the turn of a command."""
    async with database.anonymous_transaction() as connection:
        user = await users.identify(connection, platform="telegram", external_id="7")
        person = await connection.become_person(user.id)
        session = await sessions.get_or_create(person, platform="telegram", place="1")
        turn = await ask(person, session.id, "How far?", kind="question" if result is None else "command")
        if result is not None and result.erases_person:
            await personal_data.erase(person, turn.id, ())
        if result is not None:
            await states.save_command_result(person, turn, result.text, result_to_json(result), None, "core")
    return await claim_again(database, turn, losses, database_timeout)


async def claim_again(database: Database, turn: Turn, losses: list[Loss], database_timeout: float = 10) -> TurnLease:
    flaky: Any = FlakyDatabase(database, losses)
    async with database.person_transaction(turn.user_id) as connection:
        found = await claim(flaky, connection, turn.id, uuid4(), "agoge", job=None, database_timeout=database_timeout)
    assert found is not None
    return found


async def stored(database: Database, turn: Turn) -> Turn:
    async with database.person_transaction(turn.user_id) as connection:
        return await turns.get(connection, turn.id)


@pytest.mark.parametrize("losses", [["before"], ["after"], ["before", "after"]])
async def test_finish_survives_a_lost_connection(database: Database, losses: list[Loss]) -> None:
    held = await lease(database, losses)
    await held.finish("delivered")
    assert (await stored(database, held.turn)).state == "delivered"


@pytest.mark.parametrize("losses", [[], ["before"]])
async def test_finish_after_another_claim_raises(database: Database, losses: list[Loss]) -> None:
    held = await lease(database, losses)
    other = await claim_again(database, held.turn, [])
    with pytest.raises(TurnLeaseLost):
        await held.finish("delivered")
    await other.finish("stopped")
    assert (await stored(database, held.turn)).state == "stopped"


async def test_second_finish_raises(database: Database) -> None:
    held = await lease(database, [])
    await held.finish("delivered")
    with pytest.raises(TurnLeaseLost):
        await held.finish("failed")


async def test_finish_of_an_erased_person_survives_a_lost_connection(database: Database) -> None:
    held = await lease(database, ["after"], result=CommandResult("Goodbye.", erases_person=True))
    await held.finish("delivered")
    with pytest.raises(RecordNotFound):
        await stored(database, held.turn)


async def test_write_is_retried_until_its_timeout(database: Database) -> None:
    held = await lease(database, ["before", "before"])
    await held.save_answer(GeneratedAnswer("Ten.", "stop"))
    assert (await stored(database, held.turn)).answer == "Ten."
    impatient = await claim_again(database, held.turn, ["before"], database_timeout=0)
    with pytest.raises(DatabaseUnreachable):
        await impatient.save_answer(GeneratedAnswer("Eleven.", "stop"))
    assert (await stored(database, held.turn)).answer == "Ten."


@pytest.mark.parametrize("known_for", [0.0, 3600.0])
async def test_a_turn_is_known_to_be_held_before_anything_is_shown(
    database: Database, monkeypatch: pytest.MonkeyPatch, known_for: float
) -> None:
    monkeypatch.setattr("bot.turns.lease.HELD_FOR", known_for)
    held = await lease_with_a_silent_job(database)
    await held.ensure_held()
    await held.ensure_held(now=True)
    assert not await is_silent(database), "and nobody takes the job meanwhile"
    await claim_again(database, held.turn, [])
    with pytest.raises(TurnLeaseLost):
        await held.ensure_held(now=known_for > 0)


@pytest.mark.parametrize("known_for", [0.0, 3600.0])
async def test_a_saved_answer_shows_for_a_moment_that_the_turn_is_held(
    database: Database, monkeypatch: pytest.MonkeyPatch, known_for: float
) -> None:
    monkeypatch.setattr("bot.turns.lease.JUST_NOW", known_for)
    held = await lease_with_a_silent_job(database)
    await held.save_answer(GeneratedAnswer("Ten.", "stop"))
    assert not await is_silent(database), "nobody takes the job in this moment"
    await claim_again(database, held.turn, [])
    with nullcontext() if known_for else pytest.raises(TurnLeaseLost):
        await held.ensure_held(now=True)
    with pytest.raises(TurnLeaseLost):
        await held.record(0, "17")


async def lease_with_a_silent_job(database: Database) -> TurnLease:
    """A claimed turn with a job of which nothing was heard for an hour."""
    turn = (await lease(database, [])).turn
    async with database.person_transaction(turn.user_id) as connection:
        await jobs.enqueue(connection, "answer:agoge", turn.id, turn.user_id)
    async with database.person_transaction(turn.user_id) as connection:
        [job] = await jobs.dequeue(connection, uuid4(), ["answer:agoge"], 1, timedelta(days=1))
        await connection.execute("UPDATE consilium_pgqueuer SET heartbeat = heartbeat - interval '1 hour'")
        held = await claim(database, connection, turn.id, uuid4(), "agoge", job=job, database_timeout=10)
    assert held is not None
    return held


async def is_silent(database: Database) -> bool:
    """Whether nothing was heard of the one job that is worked on."""
    async with database.anonymous_transaction() as connection:
        [beat] = (await jobs.list_picked(connection, ["answer:agoge"], timedelta(seconds=10))).values()
    return beat.is_silent
