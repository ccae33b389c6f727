from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from db import memory, sessions
from db.database import Database
from db.memory import Embedding
from db.users import User
from tests.fixtures.turns import ask


async def test_what_is_remembered_comes_back_in_order(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await sessions.open(connection, platform="console", place="home")
        turn = await ask(connection, session.id, "I run in the mornings")
        fact = await memory.remember(
            connection,
            "fact",
            "runs in the mornings",
            embedding=Embedding("minilm@1", [0.25, -1.0, 3.0]),
            session_id=session.id,
            source_turn_id=turn.id,
        )
        episode = await memory.remember(connection, "episode", "Вчера пробежал 10 км")
        summary = await memory.remember(connection, "summary", "42")
    async with database.person(anna.id) as connection:
        assert await memory.all_valid(connection) == [fact, episode, summary]
        assert await connection.fetchval("SELECT embedding::text FROM memories WHERE id = $1", fact.id) == "[0.25,-1,3]"
    assert (fact.session_id, fact.source_turn_id, fact.embedder) == (session.id, turn.id, "minilm@1")
    assert (fact.language, episode.language, summary.language) == ("english", "russian", "simple")
    assert (episode.session_id, episode.source_turn_id, episode.embedder, episode.valid_until) == (None,) * 4


async def test_only_what_holds_now_is_recalled(database: Database, anna: User) -> None:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    vector = Embedding("e", [1.0, 0.0])
    async with database.person(anna.id) as connection:
        for content, start, end in (
            ("knee hurts past", now - 2 * day, now - day),
            ("knee hurts now", now - day, now + day),
            ("knee hurts future", now + day, None),
        ):
            await memory.remember(connection, "fact", content, embedding=vector, valid_from=start, valid_until=end)
        assert [kept.content for kept in await memory.all_valid(connection)] == ["knee hurts now"]
        assert [kept.content for kept, _ in await memory.recall_by_words(connection, "knee", 9)] == ["knee hurts now"]
        assert [kept.content for kept, _ in await memory.recall_by_vector(connection, vector, 9)] == ["knee hurts now"]


async def test_forgetting_deletes(database: Database, dsn: str, anna: User, boris: User) -> None:
    async with database.person(boris.id) as connection:
        his = await memory.remember(connection, "fact", "his")
    async with database.person(anna.id) as connection:
        first = await memory.remember(connection, "fact", "first")
        await memory.remember(connection, "fact", "second")
        await memory.remember(connection, "fact", "third")
        assert await memory.forget(connection, first.id)
        assert not await memory.forget(connection, first.id)
        assert await memory.forget_all(connection) == 2
    owner = await asyncpg.connect(dsn)
    try:
        assert [row["id"] for row in await owner.fetch("SELECT id FROM memories")] == [his.id]
    finally:
        await owner.close()


async def test_a_memory_outlives_its_session(database: Database, dsn: str, anna: User) -> None:
    async with database.person(anna.id) as connection:
        session = await sessions.open(connection, platform="console", place="home")
        turn = await ask(connection, session.id, "?")
        await memory.remember(connection, "fact", "x", session_id=session.id, source_turn_id=turn.id)
        await connection.execute("DELETE FROM sessions WHERE id = $1", session.id)
        (kept,) = await memory.all_valid(connection)
    assert (kept.user_id, kept.session_id, kept.source_turn_id) == (anna.id, None, None)


@pytest.mark.parametrize("content", ["", "\x00", "слово " * 20_000, "".join(map(chr, range(0x4E00, 0x9000))) * 3])
async def test_any_text_can_be_remembered(database: Database, anna: User, content: str) -> None:
    async with database.person(anna.id) as connection:
        kept = await memory.remember(connection, "episode", content)
    assert kept.content == content.replace("\x00", "\ufffd")


async def test_a_million_different_words_can_be_remembered(database: Database, anna: User) -> None:
    content = " ".join(f"слово{number}" for number in range(1_000_000))
    async with database.person(anna.id) as connection:
        await memory.remember(connection, "episode", content)
        assert len(await memory.recall_by_words(connection, "слово7", 1)) == 1
