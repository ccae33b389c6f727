"""Forgetting on a real database: what goes with a fact, what stays, and what is asked about."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from bot.memory import FinishedTurn, PersonalMemory, TurnRecorder
from bot.memory.forgetting import Forgotten
from bot.memory.records import Record
from db.infra.database import Database
from db.memory.memories import Memory
from db.people import sessions, users
from tests.fakes.scribe import Scribe
from tests.fixtures.forgetting_cases import GOES, STAYS
from tests.fixtures.turns import answer, ask

MAX_ASKED = 10
"""Of sixty cases."""


class Person:
    """Somebody who writes a message and has a fact noted."""

    def __init__(self, database: Database, memory: PersonalMemory, user_id: UUID, session_id: UUID) -> None:
        self._database, self._memory = database, memory
        self.user_id, self.session_id = user_id, session_id

    @classmethod
    async def new(cls, database: Database, memory: PersonalMemory, name: str) -> Person:
        async with database.anonymous_transaction() as connection:
            user = await users.identify(connection, platform="console", external_id=name)
        async with database.person_transaction(user.id) as connection:
            session = await sessions.get_or_create(connection, platform="console", place="home")
        return cls(database, memory, user.id, session.id)

    async def write(self, text: str, reply: str = "All right.", recalled: tuple[str, ...] = ()) -> UUID:
        """Write a message and have it answered and remembered."""
        async with self._database.person_transaction(self.user_id) as connection:
            turn = await answer(connection, await ask(connection, self.session_id, text), reply, recalled=recalled)
        await TurnRecorder(self._database, Scribe(), self._memory).save_episodes(
            FinishedTurn(
                id=turn.id,
                user_id=self.user_id,
                session_id=self.session_id,
                question=text,
                answer=reply,
                said_at=turn.created_at,
                window_size=20,
            )
        )
        return turn.id

    async def note(self, fact: str) -> Memory:
        """Have a fact noted with /remember."""
        async with self._database.person_transaction(self.user_id) as connection:
            turn = await answer(
                connection, await ask(connection, self.session_id, f"/remember {fact}", kind="command"), "Noted."
            )
            memory, _ = await self._memory.add_fact(connection, fact, self.session_id, turn.id)
        return memory

    async def forget(self, *records: Record) -> Forgotten:
        async with self._database.person_transaction(self.user_id) as connection:
            forgotten = await self._memory.forget(connection, records)
        assert forgotten is not None
        return forgotten

    async def kept(self) -> str:
        """Every text that is kept of the person."""
        async with self._database.person_transaction(self.user_id) as connection:
            turns = await connection.fetch("SELECT to_jsonb(turns)::text AS text FROM turns")
            memories = await connection.fetch("SELECT to_jsonb(memories)::text AS text FROM memories")
        return "\n".join(row["text"] for row in (*turns, *memories))


@pytest.fixture
def wordless(database: Database) -> PersonalMemory:
    """A memory without an embedder: forgetting decides by what is said."""
    return PersonalMemory(database, None)


async def test_each_case_is_right(database: Database, wordless: PersonalMemory, dsn: str) -> None:
    asked = 0
    for number, (fact, text) in enumerate((*GOES, *STAYS)):
        person = await Person.new(database, wordless, f"case-{number}")
        await person.write(text)
        forgotten = await person.forget(Record("memory", (await person.note(fact)).id))
        is_gone = text not in await person.kept()
        is_asked = any(line.text == text for line in forgotten.unsure)
        asked += is_asked
        assert is_asked or is_gone == ((fact, text) in GOES), (fact, text, forgotten)
    cases = len(GOES) + len(STAYS)
    assert asked <= MAX_ASKED * cases / 60


async def test_a_planted_value_is_in_no_table_afterwards(database: Database, memory: PersonalMemory, dsn: str) -> None:
    person = await Person.new(database, memory, "anna")
    await person.write("My garage pin is 4821.", "I will keep in mind that your garage pin is 4821.")
    note = "as of 1 May 2026: The PIN code for the garage door is 4821"
    await person.write("Which pin do I have for the garage?", "It is 4821.", recalled=(note,))
    await person.write("I moved to Omsk. The garage code is 4 8 2 1. I like it there.", "Good.")
    await person.write("My mother has diabetes since 2010.", "I see.")
    forgotten = await person.forget(
        Record("memory", (await person.note("The PIN code for the garage door is 4821")).id)
    )
    assert (forgotten.facts, forgotten.messages, forgotten.answers) == (1, 2, 2)
    owner = await asyncpg.connect(dsn)
    try:
        for row in await owner.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"):
            # The digits of a vector's numbers say nothing; that no vector of it is left is asserted below.
            said = "(to_jsonb(t) - 'embedding' - 'vector')::text"
            assert await owner.fetch(f"SELECT {said} FROM {row['name']} AS t WHERE {said} ~ '4821|4 8 2 1'") == []
    finally:
        await owner.close()
    kept = await person.kept()
    assert "I moved to Omsk. I like it there." in kept
    assert "My mother has diabetes since 2010." in kept
    recalled = await memory.recall(person.user_id, "Which pin do I have for the garage?", 9)
    assert not any("4821" in hit.memory.content for hit in recalled)


async def test_a_message_that_used_a_fact_stays_remembered_without_its_answer(
    database: Database, memory: PersonalMemory
) -> None:
    person = await Person.new(database, memory, "anna")
    fact = await person.note("I have diabetes")
    await person.write("What is good bread?", "Rye.", recalled=("as of 1 May 2026: I have diabetes",))
    await person.forget(Record("memory", fact.id))
    recalled = [hit.memory.content for hit in await memory.recall(person.user_id, "good bread, rye", 9)]
    assert recalled == ["What is good bread?"]


async def test_the_person_chooses_among_what_may_say_it(database: Database, wordless: PersonalMemory) -> None:
    person = await Person.new(database, wordless, "anna")
    lock = await person.write("My bike lock is 4821 too.")
    forgotten = await person.forget(Record("memory", (await person.note("My garage pin is 4821")).id))
    assert [line.record for line in forgotten.unsure] == [Record("message", lock)]
    assert "4821" in await person.kept()
    chosen = await person.forget(*(line.record for line in forgotten.unsure))
    assert (chosen.messages, chosen.unsure) == (1, ())
    assert "4821" not in await person.kept()
