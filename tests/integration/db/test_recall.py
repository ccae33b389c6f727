from datetime import UTC, datetime

import numpy as np
import pytest

from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.infra.embedded_server import EmbeddedServer
from db.memory import memories, recall
from db.memory.memories import Embedding, Origin
from db.memory.recall import MemoryOverview, RecallQuery
from db.people import sessions, users
from db.people.users import User
from tests.fixtures.postgres import dsn_of, run_sql


async def tell(connection: PersonConnection, *contents: str) -> None:
    for content in contents:
        await memories.remember(connection, "fact", content)


async def recalled(connection: PersonConnection, query: str) -> list[str]:
    """What shares words with the query, the most of them first."""
    features = await recall.compute_features(connection, RecallQuery(query))
    shared = [int(hits).bit_count() for hits in features.hits]
    best = sorted((row for row in range(len(features)) if shared[row]), key=lambda row: -shared[row])
    return [kept.content for kept in await recall.load_by_ids(connection, [features.memory_id(row) for row in best])]


async def similarities(connection: PersonConnection, *embeddings: Embedding) -> dict[str, float]:
    """Every memory with its similarity."""
    features = await recall.compute_features(connection, RecallQuery("", embeddings))
    rows = range(len(features))
    kept = await recall.load_by_ids(connection, [features.memory_id(row) for row in rows])
    return {memory.content: features.similarity[row] for row, memory in zip(rows, kept, strict=True)}


async def test_vectors_are_ranked_exactly(database: Database, anna: User, boris: User) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((400, 48)).astype(np.float16)
    queries = rng.standard_normal((5, 48)).astype(np.float16)
    async with database.person_transaction(boris.id) as connection:
        for vector in queries:
            await memories.remember(connection, "fact", "boris", embedding=Embedding("model@1", vector))
    async with database.person_transaction(anna.id) as connection:
        for number, vector in enumerate(vectors):
            await memories.remember(connection, "fact", str(number), embedding=Embedding("model@1", vector.tolist()))
        for vector in queries:
            await memories.remember(connection, "fact", "other model", embedding=Embedding("model@2", vector))
        await memories.remember(connection, "fact", "no vector")
        for query in queries:
            found = await similarities(connection, Embedding("model@1", query))
            a, b = vectors.astype(np.float64), query.astype(np.float64)
            cosines = a @ b / (np.linalg.norm(a, axis=1) * np.linalg.norm(b))
            assert [found[str(number)] for number in range(len(vectors))] == pytest.approx(cosines.tolist(), abs=1e-5)
            assert np.isnan([found["other model"], found["no vector"]]).all()
            assert "boris" not in found


async def test_models_of_different_size_live_side_by_side(database: Database, anna: User) -> None:
    sizes = (2, 384, 1024)
    async with database.person_transaction(anna.id) as connection:
        for size in sizes:
            await memories.remember(connection, "fact", str(size), embedding=Embedding(f"m{size}", np.ones(size)))
        for size in sizes:
            found = await similarities(connection, Embedding(f"m{size}", np.ones(size)))
            assert {content for content, near in found.items() if not np.isnan(near)} == {str(size)}
        # Vectors of two models are each compared with the question's vector by the same.
        two = await similarities(connection, Embedding("m2", [1, -1]), Embedding("m384", -np.ones(384)))
        assert two == pytest.approx({"2": 0, "384": -1, "1024": np.nan}, abs=1e-5, nan_ok=True)


async def test_any_word_of_the_query_will_do(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, "My left knee hurts after running", "I sleep seven hours", "I like tea")
        found = await recalled(connection, "Why does the knee ache when I run downhill, and how much should one sleep?")
    assert set(found) == {"My left knee hurts after running", "I sleep seven hours"}


async def test_russian_words_are_found_in_any_form(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, "Он бегает по утрам", "У меня болит колено", "Люблю зелёный чай", "МОСКВА, ЁЛКИ")
        assert await recalled(connection, "болью в колене") == ["У меня болит колено"]
        assert await recalled(connection, "зеленые") == ["Люблю зелёный чай"]
        assert await recalled(connection, "ЗЕЛЁНАЯ") == ["Люблю зелёный чай"]
        assert await recalled(connection, "зеле\u0308ного") == ["Люблю зелёный чай"]
        assert await recalled(connection, "в москве") == ["МОСКВА, ЁЛКИ"]
        assert await recalled(connection, "елка") == ["МОСКВА, ЁЛКИ"]


async def test_english_words_are_found_across_languages(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, "Купил Garmin watches", "Owns a Garmin", "Бег")
        assert set(await recalled(connection, "GARMIN?")) == {"Купил Garmin watches", "Owns a Garmin"}
        assert await recalled(connection, "какие watch у меня") == ["Купил Garmin watches"]


async def test_text_of_neither_script_is_found(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, "東京 2024", "пульс 180", "weight 82")
        assert await recalled(connection, "東京") == ["東京 2024"]
        assert await recalled(connection, "180") == ["пульс 180"]


async def test_more_of_the_words_come_first_and_lengths_are_known(database: Database, anna: User) -> None:
    long = "coffee " + " ".join(f"word{number}" for number in range(200))
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, "coffee in the morning", "coffee and sugar in the morning", long)
        assert (await recalled(connection, "coffee sugar"))[0] == "coffee and sugar in the morning"
        features = await recall.compute_features(connection, RecallQuery("coffee"))
        assert sorted(features.words.tolist()) == [2, 3, 201]


async def test_an_overview_tells_whether_there_is_anything_and_whose_vectors(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        assert await recall.load_overview(connection, with_embedders=True) == MemoryOverview(False, [], frozenset())
        for embedder in ("old", "new", "old"):
            await memories.remember(connection, "fact", "пульс 180", embedding=Embedding(embedder, [1.0, 0.0]))
        overview = await recall.load_overview(connection, with_embedders=True)
        assert overview == MemoryOverview(True, [], frozenset({"old", "new"}))


async def test_who_spoke_where_and_when_is_known(database: Database, anna: User) -> None:
    said = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    async with database.person_transaction(anna.id) as connection:
        session = await sessions.get_or_create(connection, platform="console", place="home")
        for voice, speaker in (("person", None), ("mind", None), ("other", "Катя")):
            origin = Origin(session.id, voice=voice, speaker=speaker)
            await memories.remember(connection, "episode", "говорит", origin=origin, valid_from=said)
        await tell(connection, "факт")
        assert await recall.load_overview(connection, with_embedders=False) == MemoryOverview(
            True, ["Катя"], frozenset()
        )
        for asked, count in (
            (RecallQuery("", (), ["Катя"]), 1),
            (RecallQuery("", (), [], "mind"), 1),
            (RecallQuery(""), 0),
        ):
            features = await recall.compute_features(connection, asked)
            assert features.spoken.sum() == count
        assert features.episode.sum() == 3
        assert len(set(features.session[features.episode].tolist())) == 1
        assert features.session[~features.episode].tolist() == [0]
        assert set(features.said_at[features.episode].tolist()) == {said.timestamp()}


@pytest.mark.parametrize("query", ["", "  ", "и в на", "the and of", "?!", "\x00", "' | \\ & ( ! :* <-> \\'"])
async def test_a_query_without_words_finds_nothing(database: Database, anna: User, query: str) -> None:
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, "the tea", "и чай")
        assert await recalled(connection, query) == []


@pytest.mark.parametrize("query", ["tea' | 'x", "tea & !tea", "a\\'tea:*", "http://a/b?c='tea", "<b>tea</b>", "O'tea"])
async def test_operators_in_a_query_are_text(database: Database, anna: User, query: str) -> None:
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, query, "nothing of it")
        assert await recalled(connection, query) == [query]


async def test_a_very_long_query_is_answered(database: Database, anna: User) -> None:
    async with database.person_transaction(anna.id) as connection:
        await tell(connection, "knee")
        assert await recalled(connection, "knee " + " ".join(f"w{number}" for number in range(20_000))) == ["knee"]


async def test_a_database_in_the_c_locale_knows_russian_capitals(postgres_server: EmbeddedServer) -> None:
    name = "c_locale"
    await run_sql(
        postgres_server.dsn, f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C' ENCODING UTF8"
    )
    try:
        async with await Database.open(dsn_of(postgres_server.dsn, name)) as database:
            async with database.anonymous_transaction() as connection:
                person = await users.identify(connection, platform="console", external_id="anna")
            async with database.person_transaction(person.id) as connection:
                await tell(connection, "МОСКВА, ЁЛКИ")
                assert await recalled(connection, "в Москве") == ["МОСКВА, ЁЛКИ"]
                assert await recalled(connection, "ёлкой") == ["МОСКВА, ЁЛКИ"]
    finally:
        await run_sql(postgres_server.dsn, f"DROP DATABASE {name} WITH (FORCE)")
