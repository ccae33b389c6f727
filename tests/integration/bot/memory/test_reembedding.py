import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.memory import PersonalMemory
from bot.memory.reembedding import BATCH_SIZE, Reembedder
from db.infra.database import Database
from db.memory import memories as rows
from db.memory.memories import Embedding
from db.people import users
from db.people.sessions import Session
from inference.embedding import Embedder, Purpose
from inference.errors import InferenceError


class LengthEmbedder:
    """A model whose vectors hold the length of a text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dimensions = 2
        self.texts: list[str] = []
        self.is_down = False

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        if self.is_down:
            raise InferenceError
        self.texts += texts
        return np.array([[1.0, len(text)] for text in texts], np.float32).reshape(-1, 2)

    async def close(self) -> None: ...


async def create_people(database: Database, count: int, each: int) -> None:
    """People with memories embedded by two previous models, or not at all."""
    for number in range(count):
        async with database.anonymous_transaction() as connection:
            person = await users.identify(connection, platform="console", external_id=f"p{number}")
        async with database.person_transaction(person.id) as connection:
            for n in range(each):
                embedding = (None, Embedding("a@1", [1.0]), Embedding("z@9", [1.0, 2.0, 3.0]))[n % 3]
                await rows.remember(connection, "fact", f"person {number}, memory {n}", embedding=embedding)


async def test_all_memories_are_embedded_once(database: Database) -> None:
    await create_people(database, 5, 30)
    model = LengthEmbedder("m@1")
    reembedder = Reembedder(database, model)
    counts = []
    while count := await reembedder.embed_batch():
        counts.append(count)
    assert sum(counts) == 150
    assert max(counts) <= BATCH_SIZE
    assert len(model.texts) == len(set(model.texts)) == 150
    async with database.anonymous_transaction() as connection:
        person = await users.identify(connection, platform="console", external_id="p3")
    async with database.person_transaction(person.id) as connection:
        memories = await rows.list_valid(connection)
        assert {memory.embedder for memory in memories} == {"m@1"}
        vectors = await connection.fetch("SELECT content, embedding::text AS vector FROM memories")
    assert all(row["vector"] == f"[1,{len(row['content'])}]" for row in vectors)


async def test_concurrent_correction_gets_its_own_vector(database: Database, session: Session) -> None:
    async with database.person_transaction(session.user_id) as connection:
        fact = await rows.remember(connection, "fact", "before")
    assert fact is not None

    class Correcting(LengthEmbedder):
        async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
            if texts == ["before"]:
                async with database.person_transaction(session.user_id) as connection:
                    await rows.correct(connection, fact.id, "afterwards")
            return await super().embed(texts, purpose)

    reembedder = Reembedder(database, Correcting("m@1"))
    assert await reembedder.embed_batch() == 0
    assert await reembedder.embed_batch() == 1
    async with database.person_transaction(session.user_id) as connection:
        assert await connection.fetchval("SELECT embedding::text FROM memories") == "[1,10]"


async def test_reembedding_continues_after_an_outage_of_the_model(database: Database, session: Session) -> None:
    async with database.person_transaction(session.user_id) as connection:
        await rows.remember(connection, "fact", "x")
    model = LengthEmbedder("m@1")
    model.is_down = True
    with pytest.raises(InferenceError):
        await Reembedder(database, model).embed_batch()
    running = asyncio.create_task(Reembedder(database, model, idle_delay=0.01).run())
    try:
        await asyncio.sleep(0.05)
        model.is_down = False
        async with asyncio.timeout(10):
            while not model.texts:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_memory_saved_without_a_vector_is_recalled_by_meaning_afterwards(
    database: Database, session: Session, embedder: Embedder
) -> None:
    without_model = PersonalMemory(database, None)
    async with database.person_transaction(session.user_id) as connection:
        for fact in ("My knee hurts.", "I like tea."):
            await rows.remember(connection, "fact", fact)
    memory = PersonalMemory(database, embedder)
    assert await without_model.recall(session.user_id, "an aching joint", 1) == []
    assert await memory.recall(session.user_id, "an aching joint", 1) == []
    assert await Reembedder(database, embedder).embed_batch() == 2
    (found,) = await memory.recall(session.user_id, "an aching joint", 1)
    assert found.memory.content == "My knee hurts."
