from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from bot.memory import PersonalMemory, RecalledMemory
from db.infra.database import Database
from db.memory.memories import Origin
from db.people.sessions import Session
from inference.embedding import Embedder, Purpose
from inference.errors import InferenceError
from tests.fixtures.turns import ask

NOW = datetime(2026, 10, 21, 15, tzinfo=UTC)


class Directions:
    """An embedding model of another kind: a direction for each word it knows, and nothing else."""

    name = "directions@1"
    dimensions = 3
    words = ("knee", "tea", "sea")

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        return np.array([[float(word in text) for word in self.words] for text in texts], np.float32)

    async def close(self) -> None: ...


class Away(Directions):
    """A model that cannot be reached."""

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        raise InferenceError


def contents(found: Sequence[RecalledMemory]) -> list[str]:
    return [one.memory.content for one in found]


async def tell(memory: PersonalMemory, session: Session, *facts: str) -> None:
    for fact in facts:
        assert await memory.save(session.user_id, "fact", fact, Origin(session.id))


async def say(memory: PersonalMemory, session: Session, text: str, at: datetime, **origin: object) -> None:
    kept = await memory.save(session.user_id, "episode", text, Origin(session.id, **origin), valid_from=at)  # type: ignore[arg-type]
    assert kept is not None


async def test_what_fits_by_meaning_and_by_words_is_recalled(memory: PersonalMemory, session: Session) -> None:
    await tell(memory, session, "My knee hurts since Tuesday.", "I drink green tea.", "У меня болит спина.")
    assert contents(await memory.recall(session.user_id, "Is my knee well enough to run?", 1)) == [
        "My knee hurts since Tuesday."
    ]
    assert contents(await memory.recall(session.user_id, "Which hot beverage do I like?", 1)) == ["I drink green tea."]
    assert contents(await memory.recall(session.user_id, "болью в спине", 1)) == ["У меня болит спина."]
    assert await memory.recall(session.user_id, "quantum chromodynamics lagrangian", 5) == []
    assert await memory.recall(session.user_id, "knee", 0) == []


async def test_what_was_said_when_is_recalled(memory: PersonalMemory, session: Session) -> None:
    last_week, yesterday = NOW - timedelta(7), NOW - timedelta(1)
    await say(memory, session, "Ran twelve kilometres along the river.", last_week)
    await say(memory, session, "Слишком устал, чтобы бегать.", yesterday)
    await say(memory, session, "Thinking of a marathon in Riga.", NOW - timedelta(200))
    person = session.user_id
    assert contents(await memory.recall(person, "What did I say last week?", 5, now=NOW)) == [
        "Ran twelve kilometres along the river."
    ]
    assert contents(await memory.recall(person, "Что я говорил вчера?", 5, now=NOW)) == ["Слишком устал, чтобы бегать."]
    assert contents(await memory.recall(person, "What did I say about running last week?", 1, now=NOW)) == [
        "Ran twelve kilometres along the river."
    ]


async def test_an_answer_is_recalled_by_what_it_answers(memory: PersonalMemory, session: Session) -> None:
    await say(memory, session, "Which instrument does your daughter play?", NOW, voice="mind")
    await say(memory, session, "The cello, for three years.", NOW + timedelta(minutes=1))
    for minute in range(5):
        await say(memory, session, f"The weather is grey today, number {minute}.", NOW + timedelta(hours=9 + minute))
    found = contents(await memory.recall(session.user_id, "Which instrument does my daughter play?", 2))
    assert set(found) == {"Which instrument does your daughter play?", "The cello, for three years."}


async def test_a_named_speakers_words_come_first(memory: PersonalMemory, session: Session) -> None:
    for day, speaker in enumerate(("Катя", "Олег")):
        await say(memory, session, "Люблю бегать у моря.", NOW - timedelta(day), voice="other", speaker=speaker)
    for name, form in (("Катя", "Кате"), ("Олег", "Олегу")):
        (found,) = await memory.recall(session.user_id, f"Где нравится бегать {form}?", 1)
        assert found.memory.speaker == name


async def test_turns_before_the_models_eyes_are_left_out(
    memory: PersonalMemory, database: Database, session: Session
) -> None:
    async with database.person_transaction(session.user_id) as connection:
        turn = await ask(connection, session.id)
    await say(memory, session, "My knee hurts.", NOW, turn_id=turn.id)
    await tell(memory, session, "My knee is old.")
    assert len(await memory.recall(session.user_id, "knee", 5)) == 2
    assert contents(await memory.recall(session.user_id, "knee", 1, turns_in_prompt={turn.id})) == ["My knee is old."]


async def test_in_a_chat_only_what_was_said_there_is_recalled(
    memory: PersonalMemory, database: Database, session: Session
) -> None:
    async with database.person_transaction(session.user_id) as connection:
        turn = await ask(connection, session.id)
        await memory.add_fact(connection, "My knee hurts in private.", session.id, turn.id)
        await memory.add_fact(connection, "My knee hurts here.", session.id, turn.id, chat="telegram:1")
        await memory.add_fact(connection, "My knee hurts there.", session.id, turn.id, chat="telegram:2")
    assert len(await memory.recall(session.user_id, "knee", 9)) == 3
    assert contents(await memory.recall(session.user_id, "knee", 9, chat="telegram:1")) == ["My knee hurts here."]
    async with database.person_transaction(session.user_id) as connection:
        assert [kept.content for kept in await memory.list_visible(connection, chat="telegram:2")] == [
            "My knee hurts there."
        ]
    async with database.person_transaction(session.user_id) as connection:
        assert len(await memory.list_visible(connection)) == 3
        assert await memory.forget_all(connection) == 3


async def test_a_correction_is_found_by_its_own_words(
    memory: PersonalMemory, database: Database, session: Session
) -> None:
    await tell(memory, session, "I live in Berlin.", "I own a boat.")
    async with database.person_transaction(session.user_id) as connection:
        berlin, _ = await memory.list_visible(connection)
        corrected = await memory.correct(connection, berlin.id, "I live in Paris.")
        assert corrected is not None
        assert corrected.embedder == berlin.embedder
        assert await memory.correct(connection, uuid4(), "x") is None
    assert contents(await memory.recall(session.user_id, "Which city is my home?", 1)) == ["I live in Paris."]
    assert contents(await memory.recall(session.user_id, "Berlin", 1)) != ["I live in Berlin."]


async def test_without_a_model_words_are_enough_to_remember_and_recall(database: Database, session: Session) -> None:
    for embedder in (None, Away()):
        memory = PersonalMemory(database, embedder)
        await tell(memory, session, "My knee hurts.", "I like tea.")
        found = await memory.recall(session.user_id, "knees", 5)
        assert set(contents(found)) == {"My knee hurts."}
        assert {one.memory.embedder for one in found} == {None}


async def test_after_a_change_of_model_both_are_read(
    database: Database, session: Session, memory: PersonalMemory, embedder: Embedder
) -> None:
    former = Directions()
    await tell(PersonalMemory(database, former), session, "the knee of old", "old tea")
    await tell(memory, session, "An aching leg joint.", "The capital of France.")
    both = PersonalMemory(database, embedder, previous_embedders=[former])
    assert set(contents(await both.recall(session.user_id, "knee pain", 2))) == {
        "the knee of old",
        "An aching leg joint.",
    }
    # The former model is gone: its memories are recalled by their words.
    assert "the knee of old" in contents(await memory.recall(session.user_id, "knee pain", 2))
    assert "old tea" in contents(await memory.recall(session.user_id, "tea", 4))
