import numpy as np
import pytest

from db import memory, users
from db.connection import PersonConnection
from db.database import Database
from db.embedded import EmbeddedServer
from db.memory import Embedding
from db.users import User
from tests.fixtures.postgres import dsn_of, run_sql


async def tell(connection: PersonConnection, *contents: str) -> None:
    for content in contents:
        await memory.remember(connection, "fact", content)


async def recalled(connection: PersonConnection, query: str, limit: int = 10) -> list[str]:
    return [kept.content for kept, _ in await memory.recall_by_words(connection, query, limit)]


async def test_vectors_are_ranked_exactly(database: Database, anna: User, boris: User) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((400, 48)).astype(np.float16)
    queries = rng.standard_normal((5, 48)).astype(np.float16)
    async with database.person(boris.id) as connection:
        for vector in queries:
            await memory.remember(connection, "fact", "boris", embedding=Embedding("model@1", vector))
    async with database.person(anna.id) as connection:
        for number, vector in enumerate(vectors):
            await memory.remember(connection, "fact", str(number), embedding=Embedding("model@1", vector.tolist()))
        for vector in queries:
            await memory.remember(connection, "fact", "other model", embedding=Embedding("model@2", vector))
        await memory.remember(connection, "fact", "no vector")
        for query in queries:
            found = await memory.recall_by_vector(connection, Embedding("model@1", query), 10)
            a, b = vectors.astype(np.float64), query.astype(np.float64)
            cosines = a @ b / (np.linalg.norm(a, axis=1) * np.linalg.norm(b))
            nearest = np.argsort(-cosines)[:10]
            assert [kept.content for kept, _ in found] == [str(number) for number in nearest]
            assert [score for _, score in found] == pytest.approx(cosines[nearest].tolist(), abs=1e-5)


async def test_models_of_different_size_live_side_by_side(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        for size in (2, 384, 1024):
            await memory.remember(connection, "fact", str(size), embedding=Embedding(f"m{size}", np.ones(size)))
        for size in (2, 384, 1024):
            ((kept, score),) = await memory.recall_by_vector(connection, Embedding(f"m{size}", np.ones(size)), 9)
            assert kept.content == str(size)
            assert score == pytest.approx(1)


async def test_any_word_of_the_query_will_do(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        await tell(connection, "My left knee hurts after running", "I sleep seven hours", "I like tea")
        found = await recalled(connection, "Why does the knee ache when I run downhill, and how much should one sleep?")
    assert found == ["My left knee hurts after running", "I sleep seven hours"]


async def test_russian_words_are_found_in_any_form(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        await tell(connection, "Он бегает по утрам", "У меня болит колено", "Люблю зелёный чай", "МОСКВА, ЁЛКИ")
        assert await recalled(connection, "болью в колене") == ["У меня болит колено"]
        assert await recalled(connection, "зеленые") == ["Люблю зелёный чай"]
        assert await recalled(connection, "ЗЕЛЁНАЯ") == ["Люблю зелёный чай"]
        assert await recalled(connection, "зеле\u0308ного") == ["Люблю зелёный чай"]
        assert await recalled(connection, "в москве") == ["МОСКВА, ЁЛКИ"]
        assert await recalled(connection, "елка") == ["МОСКВА, ЁЛКИ"]


async def test_english_words_are_found_across_languages(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        await tell(connection, "Купил Garmin watches", "Owns a Garmin", "Бег")
        assert set(await recalled(connection, "GARMIN?")) == {"Купил Garmin watches", "Owns a Garmin"}
        assert await recalled(connection, "какие watch у меня") == ["Купил Garmin watches"]


async def test_text_of_neither_script_is_found(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        await tell(connection, "東京 2024", "пульс 180", "weight 82")
        assert await recalled(connection, "東京") == ["東京 2024"]
        assert await recalled(connection, "180") == ["пульс 180"]


async def test_more_and_denser_matches_come_first(database: Database, anna: User) -> None:
    long = "coffee " + " ".join(f"word{number}" for number in range(200))
    async with database.person(anna.id) as connection:
        await tell(connection, "coffee in the morning", "coffee and sugar in the morning", long)
        assert await recalled(connection, "coffee sugar") == [
            "coffee and sugar in the morning",
            "coffee in the morning",
            long,
        ]
        assert await recalled(connection, "coffee sugar", 1) == ["coffee and sugar in the morning"]


@pytest.mark.parametrize("query", ["", "  ", "и в на", "the and of", "?!", "\x00", "' | \\ & ( ! :* <-> \\'"])
async def test_a_query_without_words_finds_nothing(database: Database, anna: User, query: str) -> None:
    async with database.person(anna.id) as connection:
        await tell(connection, "the tea", "и чай")
        assert await recalled(connection, query) == []


@pytest.mark.parametrize("query", ["tea' | 'x", "tea & !tea", "a\\'tea:*", "http://a/b?c='tea", "<b>tea</b>", "O'tea"])
async def test_operators_in_a_query_are_text(database: Database, anna: User, query: str) -> None:
    async with database.person(anna.id) as connection:
        await tell(connection, query, "nothing of it")
        assert await recalled(connection, query) == [query]


async def test_a_very_long_query_is_answered(database: Database, anna: User) -> None:
    async with database.person(anna.id) as connection:
        await tell(connection, "knee")
        assert await recalled(connection, "knee " + " ".join(f"w{number}" for number in range(20_000))) == ["knee"]


async def test_a_database_in_the_c_locale_knows_russian_capitals(postgres_server: EmbeddedServer) -> None:
    name = "c_locale"
    await run_sql(
        postgres_server.dsn, f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C' ENCODING UTF8"
    )
    try:
        async with await Database.open(dsn_of(postgres_server.dsn, name)) as database:
            async with database.nobody() as connection:
                person = await users.identify(connection, platform="console", external_id="anna")
            async with database.person(person.id) as connection:
                await tell(connection, "МОСКВА, ЁЛКИ")
                assert await recalled(connection, "в Москве") == ["МОСКВА, ЁЛКИ"]
                assert await recalled(connection, "ёлкой") == ["МОСКВА, ЁЛКИ"]
    finally:
        await run_sql(postgres_server.dsn, f"DROP DATABASE {name} WITH (FORCE)")
