import asyncio
from typing import get_args
from uuid import uuid4

import pytest

from db import sessions, turns
from db.connection import PersonConnection
from db.database import Database
from db.errors import RecordGone
from db.sessions import Session
from db.turns import FinalState, Turn
from db.users import User


async def session_of(connection: PersonConnection, place: str = "home") -> Session:
    return await sessions.open(connection, platform="console", place=place)


async def say(connection: PersonConnection, session: Session, question: str, state: FinalState = "delivered") -> Turn:
    turn = await turns.accept(connection, session.id, question)
    return await turns.finish(connection, turn.id, state, answer=question.upper())


async def test_a_place_has_one_session_that_keeps_its_mode(database: Database, anna: User, boris: User) -> None:
    async def come() -> Session:
        async with database.person(anna.id) as connection:
            return await session_of(connection)

    opened = await asyncio.gather(*(come() for _ in range(20)))
    assert len({session.id for session in opened}) == 1
    async with database.person(anna.id) as connection:
        changed = await sessions.set_mode(connection, opened[0].id, "core+sport")
        again = await sessions.open(connection, platform="console", place="home", mode="base")
        other = await session_of(connection, "work")
    async with database.person(boris.id) as connection:
        his = await session_of(connection)
    assert opened[0].mode == "auto"
    assert again.mode == changed.mode == "core+sport"
    assert len({again.id, other.id, his.id}) == 3


async def test_turns_accepted_at_once_are_numbered_one_after_another(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        other = await session_of(connection, "work")

    async def ask(number: int) -> Turn:
        async with database.person(anna.id) as connection:
            return await turns.accept(connection, session.id, f"question {number}")

    accepted = await asyncio.gather(*(ask(number) for number in range(30)))
    assert sorted(turn.seq for turn in accepted) == list(range(1, 31))
    async with database.person(anna.id) as connection:
        assert (await turns.accept(connection, other.id, "elsewhere")).seq == 1


async def test_a_turn_goes_its_way_and_keeps_all_it_was_told(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        turn = await turns.accept(connection, session.id, "How far?")
        assert turn.state == "accepted"
        assert (await turns.start_thinking(connection, turn.id)).state == "thinking"
        answering = await turns.start_answering(connection, turn.id, mode="core+sport", adapter="c0ffee")
        assert (answering.state, answering.mode, answering.adapter) == ("answering", "core+sport", "c0ffee")
        done = await turns.finish(
            connection,
            turn.id,
            "delivered",
            answer="Ten.",
            finish_reason="stop",
            prompt_tokens=10,
            completion_tokens=2,
        )
    async with database.person(anna.id) as connection:
        (kept,) = await turns.window(connection, session.id, 5)
    assert kept == done
    assert (kept.question, kept.answer, kept.mode, kept.adapter) == ("How far?", "Ten.", "core+sport", "c0ffee")
    assert (kept.finish_reason, kept.prompt_tokens, kept.completion_tokens, kept.error) == ("stop", 10, 2, None)


@pytest.mark.parametrize("state", get_args(FinalState))
async def test_the_first_end_of_a_turn_counts(database: Database, anna: User, state: FinalState) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        turn = await turns.accept(connection, session.id, "?")
        ended = await turns.finish(connection, turn.id, state, answer="first")
        for later in get_args(FinalState):
            assert await turns.finish(connection, turn.id, later, answer="second") == ended
        assert await turns.start_thinking(connection, turn.id) == ended
        assert await turns.start_answering(connection, turn.id, mode="base", adapter=None) == ended


async def test_of_two_ends_at_once_both_learn_which_counted(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        turn = await turns.accept(connection, session.id, "?")

    async def end(state: FinalState) -> Turn:
        async with database.person(anna.id) as connection:
            return await turns.finish(connection, turn.id, state, answer=state)

    one, other = await asyncio.gather(end("delivered"), end("stopped"))
    assert one == other
    assert one.answer == one.state


async def test_the_window_holds_the_last_answered_turns_oldest_first(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        for number in range(4):
            await say(connection, session, f"q{number}")
        await say(connection, session, "broken", "failed")
        await say(connection, session, "cut", "stopped")
        await turns.accept(connection, session.id, "under way")
        assert [turn.question for turn in await turns.window(connection, session.id, 3)] == ["q2", "q3", "cut"]
        assert len(await turns.window(connection, session.id, 100)) == 5


async def test_a_fresh_window_forgets_nothing(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        await say(connection, session, "before")
        late = await turns.accept(connection, session.id, "asked before, answered after")
        await sessions.start_window(connection, session.id)
        assert await turns.window(connection, session.id, 10) == []
        await turns.finish(connection, late.id, "delivered", answer="late")
        await say(connection, session, "after")
        assert [turn.question for turn in await turns.window(connection, session.id, 10)] == ["after"]
        assert await connection.fetchval("SELECT count(*) FROM turns") == 3
        reopened = await session_of(connection)
    assert reopened.window_start == 3


async def test_unfinished_turns_are_found_again(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        await say(connection, session, "done")
        waiting = await turns.accept(connection, session.id, "waiting")
        begun = await turns.accept(connection, session.id, "begun")
        begun = await turns.start_answering(connection, begun.id, mode="base", adapter=None)
    async with database.person(anna.id) as connection:
        assert await turns.unfinished(connection) == [waiting, begun]


@pytest.mark.parametrize("question", ["", " ", "\x00", "a\x00b\ud800", "é😀 عربى 東京 \u202e", "ё" * 100_000])
async def test_any_text_can_be_asked(database: Database, anna: User, question: str) -> None:
    async with database.person(anna.id) as connection:
        session = await session_of(connection)
        turn = await turns.accept(connection, session.id, question)
    assert turn.question == question.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")


async def test_what_is_not_there(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        with pytest.raises(RecordGone, match="session"):
            await turns.accept(connection, uuid4(), "?")
        with pytest.raises(RecordGone, match="session"):
            await sessions.set_mode(connection, uuid4(), "base")
        with pytest.raises(RecordGone, match="turn"):
            await turns.finish(connection, uuid4(), "failed")
        assert await turns.window(connection, uuid4(), 5) == []
