from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from bot.memory import PersonalMemory, RecalledMemory
from db.infra.database import Database
from db.memory import memories
from db.memory.memories import Origin
from db.people.sessions import Session
from inference.embedding import Embedder, Purpose
from inference.errors import InferenceError
from tests.fixtures.turns import ask

NOW = datetime(2026, 10, 21, 15, tzinfo=UTC)


class WordEmbedder:
    """A simple embedding model: one dimension for each word it knows."""

    name = "directions@1"
    dimensions = 3
    words = ("knee", "tea", "sea")

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        return np.array([[float(word in text) for word in self.words] for text in texts], np.float32)

    async def close(self) -> None: ...


class UnavailableEmbedder(WordEmbedder):
    """A model that is down."""

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        raise InferenceError


def contents(recalled: Sequence[RecalledMemory]) -> list[str]:
    return [hit.memory.content for hit in recalled]


async def save_facts(memory: PersonalMemory, session: Session, *facts: str) -> None:
    for fact in facts:
        assert await memory.save(session.user_id, "fact", fact, Origin(session.id))


async def save_episode(memory: PersonalMemory, session: Session, text: str, at: datetime, **origin: object) -> None:
    episode = await memory.save(session.user_id, "episode", text, Origin(session.id, **origin), valid_from=at)  # type: ignore[arg-type]
    assert episode is not None


async def test_recall_by_meaning_and_by_words(memory: PersonalMemory, session: Session) -> None:
    await save_facts(memory, session, "My knee hurts since Tuesday.", "I drink green tea.", "У меня болит спина.")
    assert contents(await memory.recall(session.user_id, "Is my knee well enough to run?", 1)) == [
        "My knee hurts since Tuesday."
    ]
    assert contents(await memory.recall(session.user_id, "Which hot beverage do I like?", 1)) == ["I drink green tea."]
    assert contents(await memory.recall(session.user_id, "болью в спине", 1)) == ["У меня болит спина."]
    assert await memory.recall(session.user_id, "quantum chromodynamics lagrangian", 5) == []
    assert await memory.recall(session.user_id, "knee", 0) == []


async def test_recall_by_time(memory: PersonalMemory, session: Session) -> None:
    last_week, yesterday = NOW - timedelta(7), NOW - timedelta(1)
    await save_episode(memory, session, "Ran twelve kilometres along the river.", last_week)
    await save_episode(memory, session, "Слишком устал, чтобы бегать.", yesterday)
    await save_episode(memory, session, "Thinking of a marathon in Riga.", NOW - timedelta(200))
    person = session.user_id
    assert contents(await memory.recall(person, "What did I say last week?", 5, now=NOW)) == [
        "Ran twelve kilometres along the river."
    ]
    assert contents(await memory.recall(person, "Что я говорил вчера?", 5, now=NOW)) == ["Слишком устал, чтобы бегать."]
    assert contents(await memory.recall(person, "What did I say about running last week?", 1, now=NOW)) == [
        "Ran twelve kilometres along the river."
    ]


async def test_answer_is_recalled_by_the_message_before_it(memory: PersonalMemory, session: Session) -> None:
    await save_episode(memory, session, "Which instrument does your daughter play?", NOW, voice="mind")
    await save_episode(memory, session, "The cello, for three years.", NOW + timedelta(minutes=1))
    for minute in range(5):
        await save_episode(
            memory, session, f"The weather is grey today, number {minute}.", NOW + timedelta(hours=9 + minute)
        )
    found = contents(await memory.recall(session.user_id, "Which instrument does my daughter play?", 2))
    assert set(found) == {"Which instrument does your daughter play?", "The cello, for three years."}


async def test_words_of_a_named_speaker_come_first(memory: PersonalMemory, session: Session) -> None:
    for day, speaker in enumerate(("Катя", "Олег")):
        await save_episode(
            memory, session, "Люблю бегать у моря.", NOW - timedelta(day), voice="other", speaker=speaker
        )
    for name, form in (("Катя", "Кате"), ("Олег", "Олегу")):
        (found,) = await memory.recall(session.user_id, f"Где нравится бегать {form}?", 1)
        assert found.memory.speaker == name


async def test_turns_in_the_prompt_are_left_out(memory: PersonalMemory, database: Database, session: Session) -> None:
    async with database.person_transaction(session.user_id) as connection:
        turn = await ask(connection, session.id)
    await save_episode(memory, session, "My knee hurts.", NOW, turn_id=turn.id)
    await save_facts(memory, session, "My knee is old.")
    assert len(await memory.recall(session.user_id, "knee", 5)) == 2
    assert contents(await memory.recall(session.user_id, "knee", 1, turns_in_prompt={turn.id})) == ["My knee is old."]


async def test_recall_in_a_group_chat_is_limited_to_it(
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
        await memories.restrict_to_chat(connection, "telegram:2")
        assert [fact.content for fact in await memories.list_valid(connection, ("fact",))] == ["My knee hurts there."]
    async with database.person_transaction(session.user_id) as connection:
        assert len(await memories.list_valid(connection, ("fact",))) == 3
        assert await memory.forget_all(connection) == 3


async def test_corrected_memory_is_found_by_its_new_text(
    memory: PersonalMemory, database: Database, session: Session
) -> None:
    await save_facts(memory, session, "I live in Berlin.", "I own a boat.")
    async with database.person_transaction(session.user_id) as connection:
        berlin, _ = await memories.list_valid(connection, ("fact",))
        corrected = await memory.correct(connection, berlin.id, "I live in Paris.")
        assert corrected is not None
        assert corrected.embedder == berlin.embedder
        assert await memory.correct(connection, uuid4(), "x") is None
    assert contents(await memory.recall(session.user_id, "Which city is my home?", 1)) == ["I live in Paris."]
    assert contents(await memory.recall(session.user_id, "Berlin", 1)) != ["I live in Berlin."]


async def test_recall_by_words_without_a_model(database: Database, session: Session) -> None:
    for embedder in (None, UnavailableEmbedder()):
        memory = PersonalMemory(database, embedder)
        await save_facts(memory, session, "My knee hurts.", "I like tea.")
        found = await memory.recall(session.user_id, "knees", 5)
        assert set(contents(found)) == {"My knee hurts."}
        assert {hit.memory.embedder for hit in found} == {None}


async def test_recall_compares_vectors_of_both_models_after_a_change(
    database: Database, session: Session, memory: PersonalMemory, embedder: Embedder
) -> None:
    previous = WordEmbedder()
    await save_facts(PersonalMemory(database, previous), session, "the knee of old", "old tea")
    await save_facts(memory, session, "An aching leg joint.", "The capital of France.")
    both = PersonalMemory(database, embedder, previous_embedders=[previous])
    assert set(contents(await both.recall(session.user_id, "knee pain", 2))) == {
        "the knee of old",
        "An aching leg joint.",
    }
    # Without the previous model its memories are recalled by their words.
    assert "the knee of old" in contents(await memory.recall(session.user_id, "knee pain", 2))
    assert "old tea" in contents(await memory.recall(session.user_id, "tea", 4))
