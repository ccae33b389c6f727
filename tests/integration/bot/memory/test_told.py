"""What a person has just said is recalled by the next question, whether it has been remembered yet or not."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from bot.core.conversation import WINDOW_TURNS
from bot.memory import FinishedTurn, PersonalMemory, TurnRecorder
from bot.memory.record_numbers import find_about
from bot.memory.records import Record
from db.infra.database import Database
from db.people import sessions, users
from db.people.sessions import Session
from db.turns import states, turns
from db.turns.states import GeneratedAnswer
from db.turns.turns import Turn
from tests.fakes.scribe import Scribe
from tests.fixtures.turns import answer, ask

THINGS = ("garage", "bicycle", "locker", "cellar", "mailbox", "tablet", "suitcase", "boathouse", "attic", "greenhouse")


@dataclass
class Told:
    """Something that the person has said."""

    thing: str
    code: str
    session: Session
    turn: Turn

    @property
    def text(self) -> str:
        return f"The code of my {self.thing} is {self.code}."


@dataclass
class World:
    """A person with two private sessions and two groups, and whoever remembers, who may be behind."""

    database: Database
    memory: PersonalMemory
    sessions: list[Session]
    told: list[Told] = field(default_factory=list)
    forgotten: list[Told] = field(default_factory=list)
    waiting: list[Told] = field(default_factory=list)
    """What is still to be remembered by this process."""

    @property
    def person(self) -> UUID:
        return self.sessions[0].user_id

    async def tell(self, session: Session, thing: str, code: str, state: str) -> None:
        said = f"The code of my {thing} is {code}."
        async with self.database.person_transaction(self.person) as connection:
            turn = await ask(connection, session.id, said)
            if state != "waiting":
                turn = await answer(connection, turn, "All right.", state=state)  # type: ignore[arg-type]
        told = Told(thing, code, session, turn)
        self.told.append(told)
        if state != "waiting":
            self.waiting.append(told)

    async def remember(self, count: int) -> None:
        for told in self.waiting[:count]:
            await TurnRecorder(self.database, Scribe(), self.memory).save_episodes(
                FinishedTurn(
                    id=told.turn.id,
                    user_id=self.person,
                    session_id=told.session.id,
                    question=told.text,
                    answer="All right.",
                    said_at=told.turn.created_at,
                    window_size=WINDOW_TURNS,
                    chat=told.session.group_chat,
                )
            )
        del self.waiting[:count]

    async def forget(self, told: Told) -> None:
        async with self.database.person_transaction(self.person) as connection:
            assert await self.memory.forget(connection, [Record("message", told.turn.id)])
        self.told.remove(told)
        self.forgotten.append(told)

    async def known(self, session: Session, thing: str) -> str:
        """What the model is shown with a question in a session."""
        chat = session.group_chat
        async with self.database.person_transaction(self.person, chat=chat) as connection:
            asked = await ask(connection, session.id, f"What is the code of my {thing}?")
            past = await turns.load_window(connection, session.id, WINDOW_TURNS, asked.seq)
        recalled = await self.memory.recall(
            self.person, asked.question, 8, chat=chat, turns_in_prompt={asked.id, *(turn.id for turn in past)}
        )
        async with self.database.person_transaction(self.person) as connection:
            await answer(connection, asked, "I see.")
        return "\n".join([*(turn.question for turn in past), *(hit.memory.content for hit in recalled)])


@pytest.fixture
async def world(database: Database) -> World:
    async with database.anonymous_transaction() as connection:
        anna = await users.identify(connection, platform="telegram", external_id="anna")
    async with database.person_transaction(anna.id) as connection:
        places = (("a", None), ("b", None), ("g", "-1"), ("h", "-2"))
        made = [
            await sessions.get_or_create(connection, platform="telegram", place=place, chat=chat)
            for place, chat in places
        ]
    return World(database, PersonalMemory(database, None), made)


def _may_know(told: Told, session: Session) -> bool:
    return session.group_chat is None or told.session.group_chat == session.group_chat


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_said_is_known_and_what_was_forgotten_is_not(world: World, seed: int) -> None:
    chance = random.Random(seed)
    things = list(THINGS)
    chance.shuffle(things)
    for _ in range(24):
        session = chance.choice(world.sessions)
        match chance.choice(("tell", "tell", "new", "remember", "restart", "forget", "ask", "ask")):
            case "tell" if things:
                state = chance.choice(("delivered", "delivered", "stopped", "failed", "waiting"))
                await world.tell(session, things.pop(), str(chance.randrange(10_000, 99_999)), state)
            case "new":
                async with world.database.person_transaction(world.person) as connection:
                    await sessions.start_window(connection, session.id)
            case "remember":
                await world.remember(chance.randrange(1, 4))
            case "restart":
                world.waiting.clear()
            case "forget" if world.told:
                await world.forget(chance.choice(world.told))
        for told in (*world.told, *world.forgotten):
            if chance.random() < 0.3:
                known = await world.known(session, told.thing)
                expected = told in world.told and _may_know(told, session)
                assert (told.code in known) == expected, (told, session)


async def test_it_is_found_by_meaning_too(world: World, memory: PersonalMemory) -> None:
    async with world.database.person_transaction(world.person) as connection:
        for said in ("I drink green tea in the morning.", "My knee hurts since Tuesday."):
            await answer(connection, await ask(connection, world.sessions[0].id, said))
    [found] = await memory.recall(world.person, "Which hot beverage do I like?", 1)
    assert found.memory.content == "I drink green tea in the morning."
    assert found.memory.embedder is None


async def test_it_is_listed_and_forgotten_before_it_is_remembered(world: World) -> None:
    home = world.sessions[0]
    await world.tell(home, "garage", "48211", "delivered")
    async with world.database.person_transaction(world.person) as connection:
        [line] = await find_about(connection, "the garage")
    assert (line.label, line.text) == ("message", world.told[0].text)
    await world.forget(world.told[0])
    await world.remember(1)
    async with world.database.person_transaction(world.person) as connection:
        assert await find_about(connection, "the garage") == []


async def test_nothing_of_an_answer_under_way_is_kept_when_it_is_forgotten(world: World) -> None:
    home = world.sessions[0]
    async with world.database.person_transaction(world.person) as connection:
        asked = await ask(connection, home.id, "My locker code is 48211.")
        held = await states.claim(connection, asked.id, asked.id)
        assert held is not None
        await states.start_answering(connection, held, mode="core", adapter=None)
        fact, _ = await world.memory.add_fact(connection, "The code of my locker is 48211", home.id, asked.id)
        assert await world.memory.forget(connection, [Record("memory", fact.id)])
        await states.save_answer(connection, held, GeneratedAnswer("So it is 48211.", "stop", voices={"a": "48211"}))
        await states.finish(connection, held, "delivered")
    recorder = TurnRecorder(world.database, Scribe(), world.memory)
    await recorder.save_episodes(
        FinishedTurn(
            id=asked.id,
            user_id=world.person,
            session_id=home.id,
            question=asked.question,
            answer="So it is 48211.",
            said_at=asked.created_at,
            window_size=WINDOW_TURNS,
        )
    )
    assert "48211" not in await world.known(home, "locker")
    async with world.database.person_transaction(world.person) as connection:
        for table in ("turns", "memories"):
            assert await connection.fetch(f"SELECT FROM {table} AS t WHERE to_jsonb(t)::text ~ '48211'") == []
