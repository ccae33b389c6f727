"""Who holds a turn, what he may write, and what comes next in its session."""

import asyncio
from typing import get_args
from uuid import uuid4

import pytest

from db.errors import DuplicateUpdate, TurnLeaseLost
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.people import sessions
from db.people.sessions import Session
from db.people.users import User
from db.turns import deliveries, states, turns
from db.turns.states import FinalState, GeneratedAnswer
from db.turns.turns import Turn
from tests.fixtures.turns import answer, ask


async def opened(connection: PersonConnection, place: str = "1") -> Session:
    return await sessions.get_or_create(connection, platform="telegram", place=place)


async def taken_up(connection: PersonConnection, turn: Turn) -> Turn:
    held = await states.claim(connection, turn.id, uuid4())
    assert held is not None
    return held


async def test_a_turn_goes_its_way_and_keeps_all_it_was_told(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        turn = await ask(connection, session.id, "How far?", roles={"b", "a"}, language="en", update_id="7")
        assert (turn.state, turn.attempts, turn.roles, turn.address) == ("accepted", 0, ["a", "b"], {"chat": 1})
        held = await taken_up(connection, turn)
        assert (held.state, held.attempts, held.setbacks) == ("thinking", 1, 1)
        await states.start_answering(connection, held, mode="core+sport", adapter="c0ffee")
        await deliveries.record_message(connection, held, 0, "m1")
        made = GeneratedAnswer("Ten.", "stop", 10, 2, [{"n": 1, "title": "T"}], ["runs"], timings={"generate": 1.5})
        await states.save_answer(connection, held, made)
        assert (await turns.get(connection, turn.id)).is_answered
        assert await states.finish(connection, held, "delivered", timings={"deliver": 0.5}) is None
        kept = await turns.get(connection, turn.id)
        assert await deliveries.message_ids(connection, turn.id) == ["m1"]
        assert await deliveries.turn_of_message(connection, session.id, "m1") == turn.id
        assert await deliveries.turn_of_message(connection, session.id, "m2") is None
    assert kept.ended
    assert kept.ended_at is not None
    assert (kept.answer, kept.mode, kept.adapter, kept.finish_reason) == ("Ten.", "core+sport", "c0ffee", "stop")
    assert (kept.prompt_tokens, kept.completion_tokens, kept.sources) == (10, 2, [{"n": 1, "title": "T"}])
    assert (kept.recalled, kept.timings, kept.error) == (["runs"], {"generate": 1.5, "deliver": 0.5}, None)


async def test_whoever_begins_an_answer_learns_that_it_was_stopped(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        held = await taken_up(connection, await ask(connection, session.id))
        assert not await states.start_answering(connection, held, mode="core", adapter=None)
        await states.request_stop(connection, session.id)
        assert await states.start_answering(connection, held, mode="core", adapter=None)


@pytest.mark.parametrize("state", get_args(FinalState))
async def test_what_has_ended_is_not_written_to(database: Database, anna: User, state: FinalState) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        held = await taken_up(connection, await ask(connection, session.id))
        await states.finish(connection, held, state)
        assert await states.claim(connection, held.id, uuid4()) is None
        for write in (
            states.start_answering(connection, held, mode="base", adapter=None),
            states.save_answer(connection, held, GeneratedAnswer("late", "stop")),
            states.reschedule(connection, held, count_as_failure=True),
            states.finish(connection, held, "failed"),
        ):
            with pytest.raises(TurnLeaseLost):
                await write
        assert (await turns.get(connection, held.id)).state == state


async def test_an_earlier_attempt_writes_nothing_any_more(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        first = await taken_up(connection, await ask(connection, session.id))
        await deliveries.record_message(connection, first, 0, "m1")
        second = await taken_up(connection, first)
        assert (second.attempts, second.setbacks) == (2, 2)
        for write in (
            states.start_answering(connection, first, mode="base", adapter=None),
            states.save_answer(connection, first, GeneratedAnswer("late", "stop")),
            deliveries.record_message(connection, first, 1, "m2"),
            states.finish(connection, first, "delivered"),
        ):
            with pytest.raises(TurnLeaseLost):
                await write
        assert await deliveries.message_ids(connection, first.id) == ["m1"]
        await states.finish(connection, second, "delivered", answer="in time")
        assert (await turns.get(connection, first.id)).answer == "in time"


async def test_whoever_takes_a_turn_up_finds_the_part_written_at_that_moment(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        turn = await ask(connection, session.id)
    async with database.person_transaction(anna.id) as writing:
        await deliveries.record_message(writing, turn, 0, "m1")

        async def take_up_and_look() -> list[str]:
            async with database.person_transaction(anna.id) as other:
                await taken_up(other, turn)
                return await deliveries.message_ids(other, turn.id)

        looking = asyncio.create_task(take_up_and_look())
        await asyncio.sleep(0.2)
        assert not looking.done()
    assert await looking == ["m1"]


async def test_put_back_without_a_setback_holds_nothing_against_it(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        turn = await ask(connection, session.id)
        for setback, counted in ((False, 0), (True, 1), (False, 1), (True, 2)):
            held = await taken_up(connection, turn)
            await states.reschedule(connection, held, count_as_failure=setback)
            assert (await turns.get(connection, turn.id)).setbacks == counted
        assert (await turns.get(connection, turn.id)).attempts == 4


async def test_the_end_of_a_question_names_the_next_of_its_session(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session, elsewhere = await opened(connection), await opened(connection, "2")
        first, second, third = [await ask(connection, session.id, str(n)) for n in range(3)]
        await ask(connection, session.id, "/help", kind="command")
        await ask(connection, elsewhere.id)
        assert [await turns.count_ahead(connection, turn) for turn in (first, second, third)] == [0, 1, 2]
        held = await taken_up(connection, first)
        assert await states.finish(connection, held, "failed") == second.id
        held = await taken_up(connection, second)
        assert await states.finish(connection, held, "delivered") == third.id
        assert await turns.count_ahead(connection, third) == 0
        held = await taken_up(connection, third)
        assert await states.finish(connection, held, "stopped") is None


async def test_of_a_question_that_comes_while_another_ends_one_of_both_sees_the_other(
    database: Database, anna: User
) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)

    async def come() -> int:
        async with database.person_transaction(anna.id) as connection:
            return await turns.count_ahead(connection, await ask(connection, session.id))

    async def end(turn: Turn) -> bool:
        async with database.person_transaction(anna.id) as connection:
            held = await taken_up(connection, turn)
            return await states.finish(connection, held, "delivered") is not None

    for _ in range(20):
        async with database.person_transaction(anna.id) as connection:
            turn = await ask(connection, session.id)
        ahead, named = await asyncio.gather(come(), end(turn))
        assert (ahead == 0) != named
        async with database.person_transaction(anna.id) as connection:
            for left in await turns.list_unfinished(connection):
                await answer(connection, left)


async def test_an_update_is_taken_in_once_however_many_hand_it_over(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session, elsewhere = await opened(connection), await opened(connection, "2")

    async def hand_over() -> bool:
        try:
            async with database.person_transaction(anna.id) as connection:
                await ask(connection, session.id, update_id="42")
        except DuplicateUpdate:
            return False
        return True

    assert sum(await asyncio.gather(*(hand_over() for _ in range(10)))) == 1
    async with database.person_transaction(anna.id) as connection:
        found = await turns.find_by_update(connection, session.id, "42")
        assert found is not None
        assert found.seq == 1
        assert await turns.find_by_update(connection, elsewhere.id, "42") is None
        assert (await ask(connection, elsewhere.id, update_id="42")).seq == 1


async def test_stopping_is_asked_of_the_first_that_waits(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        assert await states.request_stop(connection, session.id) is None
        first = await ask(connection, session.id)
        await ask(connection, session.id)
        assert await states.request_stop(connection, session.id) == first.id
        held = await taken_up(connection, first)
        assert held.stop_asked


async def test_only_what_has_failed_is_begun_again(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await opened(connection)
        turn = await ask(connection, session.id)
        assert not await states.reopen_failed(connection, turn.id)
        await answer(connection, turn, state="failed")
        assert await states.reopen_failed(connection, turn.id)
        again = await taken_up(connection, turn)
    assert (again.state, again.setbacks, again.ended_at) == ("thinking", 1, None)
