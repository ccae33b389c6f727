import asyncio
from uuid import uuid4

import pytest

from db.errors import RecordNotFound
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.people import sessions
from db.people.sessions import Session
from db.people.users import User
from db.turns import states, turns
from db.turns.states import FinalState
from db.turns.turns import Turn
from tests.fixtures.turns import answer, ask


async def session_of(connection: PersonConnection, place: str = "home") -> Session:
    return await sessions.get_or_create(connection, platform="console", place=place)


async def say(connection: PersonConnection, session: Session, question: str, state: FinalState = "delivered") -> Turn:
    turn = await ask(connection, session.id, question)
    return await answer(connection, turn, question.upper(), state=state)


async def test_a_place_has_one_session_that_keeps_its_mode(database: Database, anna: User, boris: User) -> None:
    async def come() -> Session:
        async with database.person_transaction(anna.id) as connection:
            return await session_of(connection)

    opened = await asyncio.gather(*(come() for _ in range(20)))
    assert len({session.id for session in opened}) == 1
    async with database.person_transaction(anna.id) as connection:
        changed = await sessions.set_mode(connection, opened[0].id, "core+sport")
        again = await sessions.get_or_create(connection, platform="console", place="home", mode="base")
        other = await session_of(connection, "work")
    async with database.person_transaction(boris.id) as connection:
        his = await session_of(connection)
    assert opened[0].mode == "auto"
    assert again.mode == changed.mode == "core+sport"
    assert len({again.id, other.id, his.id}) == 3


async def test_turns_accepted_at_once_are_numbered_one_after_another(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await session_of(connection)
        other = await session_of(connection, "work")

    async def come(number: int) -> Turn:
        async with database.person_transaction(anna.id) as connection:
            return await ask(connection, session.id, f"question {number}")

    accepted = await asyncio.gather(*(come(number) for number in range(30)))
    assert sorted(turn.seq for turn in accepted) == list(range(1, 31))
    async with database.person_transaction(anna.id) as connection:
        assert (await ask(connection, other.id, "elsewhere")).seq == 1


async def test_the_window_holds_the_last_answered_turns_oldest_first(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await session_of(connection)
        for number in range(4):
            await say(connection, session, f"q{number}")
        await say(connection, session, "broken", "failed")
        await say(connection, session, "cut", "stopped")
        await ask(connection, session.id, "under way")
        assert [turn.question for turn in await turns.load_window(connection, session.id, 3)] == ["q2", "q3", "cut"]
        assert len(await turns.load_window(connection, session.id, 100)) == 5
        assert [turn.question for turn in await turns.load_window(connection, session.id, 3, before=3)] == ["q0", "q1"]


async def test_a_fresh_window_forgets_nothing(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await session_of(connection)
        await say(connection, session, "before")
        late = await ask(connection, session.id, "asked before, answered after")
        await sessions.start_window(connection, session.id)
        assert await turns.load_window(connection, session.id, 10) == []
        await answer(connection, late, "late")
        await say(connection, session, "after")
        assert [turn.question for turn in await turns.load_window(connection, session.id, 10)] == ["after"]
        assert await connection.fetchval("SELECT count(*) FROM turns") == 3
        reopened = await session_of(connection)
    assert reopened.window_start == 3


async def test_unfinished_turns_are_found_again(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await session_of(connection)
        await say(connection, session, "done")
        waiting = await ask(connection, session.id, "waiting")
        begun = await ask(connection, session.id, "begun")
        begun = await states.claim(connection, begun.id, uuid4())
    async with database.person_transaction(anna.id) as connection:
        assert await turns.list_unfinished(connection) == [waiting, begun]


@pytest.mark.parametrize("question", ["", " ", "\x00", "a\x00b\ud800", "é😀 عربى 東京 \u202e", "ё" * 100_000])
async def test_any_text_can_be_asked(database: Database, anna: User, question: str) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await session_of(connection)
        turn = await ask(connection, session.id, question)
    assert turn.question == question.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")


async def test_what_is_not_there(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        with pytest.raises(RecordNotFound, match="session"):
            await ask(connection, uuid4(), "?")
        with pytest.raises(RecordNotFound, match="session"):
            await sessions.set_mode(connection, uuid4(), "base")
        with pytest.raises(RecordNotFound, match="turn"):
            await turns.get(connection, uuid4())
        assert await turns.load_window(connection, uuid4(), 5) == []
