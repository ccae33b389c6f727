from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from db.errors import RecordNotFound
from db.infra.database import Database
from db.memory import forgetting, memories, recall
from db.memory.memories import Embedding, Origin
from db.people import sessions
from db.people.users import User
from tests.fixtures.turns import ask


async def test_what_is_remembered_comes_back_in_order(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="home")
        turn = await ask(connection, session.id, "I run in the mornings")
        fact = await memories.remember(
            connection,
            "fact",
            "runs in the mornings",
            embedding=Embedding("minilm@1", [0.25, -1.0, 3.0]),
            origin=Origin(session.id, turn.id),
        )
        episode = await memories.remember(connection, "episode", "Вчера пробежал 10 км")
        summary = await memories.remember(connection, "summary", "42")
    async with database.person_transaction(anna.id) as connection:
        assert await memories.list_valid(connection) == [fact, episode, summary]
        assert await connection.fetchval("SELECT embedding::text FROM memories WHERE id = $1", fact.id) == "[0.25,-1,3]"
    assert (fact.session_id, fact.source_turn_id, fact.embedder) == (session.id, turn.id, "minilm@1")
    assert (fact.language, episode.language, summary.language) == ("english", "russian", "simple")
    assert (episode.session_id, episode.source_turn_id, episode.embedder, episode.valid_until) == (None,) * 4


async def test_only_what_holds_now_is_recalled(database: Database, anna: User) -> None:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    vector = Embedding("e", [1.0, 0.0])
    async with database.person_transaction(anna.id) as connection:
        for content, start, end in (
            ("knee hurts past", now - 2 * day, now - day),
            ("knee hurts now", now - day, now + day),
            ("knee hurts future", now + day, None),
        ):
            await memories.remember(connection, "fact", content, embedding=vector, valid_from=start, valid_until=end)
        (now_held,) = await memories.list_valid(connection)
        assert now_held.content == "knee hurts now"
        features = await recall.compute_features(connection, recall.RecallQuery("knee", [vector]))
        assert [features.memory_id(row) for row in range(len(features))] == [now_held.id]


async def test_forgetting_deletes(database: Database, dsn: str, anna: User, boris: User) -> None:
    async with database.person_transaction(boris.id) as connection:
        his = await memories.remember(connection, "fact", "his")
    async with database.person_transaction(anna.id) as connection:
        first = await memories.remember(connection, "fact", "first")
        await memories.remember(connection, "fact", "second")
        await memories.remember(connection, "fact", "third")
        assert await forgetting.delete_memories(connection, [first.id]) == 1
        assert await forgetting.delete_memories(connection, [first.id]) == 0
        assert await memories.forget_all(connection) == 2
    owner = await asyncpg.connect(dsn)
    try:
        assert [row["id"] for row in await owner.fetch("SELECT id FROM memories")] == [his.id]
    finally:
        await owner.close()


async def test_a_memory_outlives_its_session(database: Database, dsn: str, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="home")
        turn = await ask(connection, session.id, "?")
        await memories.remember(connection, "fact", "x", origin=Origin(session.id, turn.id))
        await connection.execute("DELETE FROM sessions WHERE id = $1", session.id)
        (kept,) = await memories.list_valid(connection)
    assert (kept.user_id, kept.session_id, kept.source_turn_id) == (anna.id, None, None)


@pytest.mark.parametrize("content", ["", "\x00", "слово " * 20_000, "".join(map(chr, range(0x4E00, 0x9000))) * 3])
async def test_any_text_can_be_remembered(database: Database, anna: User, content: str) -> None:
    async with database.person_transaction(anna.id) as connection:
        kept = await memories.remember(connection, "episode", content)
    assert kept.content == content.replace("\x00", "\ufffd")


async def test_a_million_different_words_can_be_remembered(database: Database, anna: User) -> None:
    content = " ".join(f"слово{number}" for number in range(1_000_000))
    async with database.person_transaction(anna.id) as connection:
        await memories.remember(connection, "episode", content)
        assert (await recall.compute_features(connection, recall.RecallQuery("слово7"))).hits.tolist() == [1]


async def test_a_turn_is_remembered_once(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="home")
        turn = await ask(connection, session.id, "I run")
        for voice in ("person", "mind"):
            origin = Origin(session.id, turn.id, voice=voice)
            assert await memories.remember(connection, "episode", "I run", origin=origin)
            assert await memories.remember(connection, "episode", "I run", origin=origin) is None
        assert await memories.count(connection, "episode") == 2


async def test_what_comes_from_nothing_that_is_there_is_refused(database: Database, anna: User, boris: User) -> None:
    async with database.person_transaction(boris.id) as connection:
        his = await sessions.get_or_create(connection, platform="console", place="home")
    for session_id in (his.id, uuid4()):
        with pytest.raises(RecordNotFound):
            async with database.person_transaction(anna.id) as connection:
                await memories.remember(connection, "fact", "x", origin=Origin(session_id))


async def test_a_memory_is_corrected_and_ended(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        kept = await memories.remember(connection, "fact", "runs", embedding=Embedding("e", [1.0, 0.0]))
        assert kept is not None
        corrected = await memories.correct(connection, kept.id, "плавает")
        assert corrected is not None
        assert (corrected.content, corrected.language, corrected.embedder) == ("плавает", "russian", None)
        assert (await recall.compute_features(connection, recall.RecallQuery("плавать"))).hits.tolist() == [1]
        assert await memories.expire(connection, kept.id, datetime.now(UTC))
        assert not await memories.expire(connection, kept.id, datetime.now(UTC))
    async with database.person_transaction(anna.id) as connection:
        assert await memories.list_valid(connection) == []
        assert await memories.correct(connection, uuid4(), "x") is None
