"""Search over real vectors and words in Postgres."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bot.library.chunk_options import NamedTokenCounter
from bot.library.embedding import embed_pending
from bot.library.ingest import Ingest
from bot.library.parse.parser import Parser
from bot.library.search import Library
from bot.minds import Mind
from bot.minds.schema import CollectionKind, Trust
from db.infra.database import Database
from db.library import catalog as rows
from db.library import chunk_search, embeddings
from inference.embedding import (
    MINILM_MODEL,
    LoadableEmbedder,
    Prefixes,
    SentenceTransformerEmbedder,
    resolve_embedding_model,
)
from inference.embedding.reranking import open_reranker
from tests.fixtures.library import WriteMind
from tests.fixtures.models import small_reranker

CONFIG = """
collections:
  essays: {kind: article, path: essays/*, language: [en, ru], chunking: {size: 40, overlap: 8}}
  loads: {kind: table, path: loads.csv, language: en}
  days: {kind: diary, path: days.md, language: en}
  voice: {kind: voice, path: voice.jsonl, language: en}
"""
FILES = {
    "essays/iron.md": """# Iron

## Squat

The squat is done twice a week, with a barbell on the back and a straight spine, to full depth.

It is the first lift of the hour, because it asks for the most and gives the most.

## Press

The press follows, standing, without any help of the knees.
""",
    "essays/чай.md": "# Чай\n\nЗелёный чай пьют после длинной дороги, без сахара.\n\nЧёрный чай — перед ней.",
    "essays/copy.md": "# Copy\n\nThe press follows, standing, without any help of the knees.",
    "loads.csv": "week,squat load percent\n1,80\n2,100\n3,60\n",
    "days.md": "# Days\n\n## 2026-03-02\n\nSquat in sleet.\n\n## 2026-04-05\n\nSquat in the sun.\n",
    "voice.jsonl": '{"messages": [{"role": "user", "content": "Shall I squat?"},'
    ' {"role": "assistant", "content": "You ask about the squat. The real question is the spine."}]}\n',
}


@pytest.fixture
async def library(ingest: Ingest, small_mind: WriteMind, library_of: Callable[[str], Library]) -> Library:
    await ingest.synchronise(small_mind(FILES, CONFIG))
    return library_of("small")


async def test_passage_fields(library: Library) -> None:
    [passage, *_] = await library.search("How deep is the squat done?")
    assert (passage.title, passage.where, passage.uri) == ("Iron", "§ Squat", "essays/iron.md")
    assert (passage.kind, passage.trust, passage.collection) == (CollectionKind.ARTICLE, Trust.AUTHOR, "essays")
    assert passage.quote.startswith("The squat is done twice a week")


async def test_word_forms_in_both_languages(library: Library) -> None:
    [passage, *_] = await library.search("зеленого чая")
    assert "Зелёный чай" in passage.quote
    [passage, *_] = await library.search("presses")
    assert "The press follows" in passage.quote


async def test_style_examples_are_never_evidence(library: Library) -> None:
    question = "Shall I squat? The real question is the spine."
    everything = await library.search(question, limit=50)
    assert everything
    assert all(passage.kind is not CollectionKind.VOICE for passage in everything)
    assert await library.search(question, collections=["voice"]) == []
    assert await library.search(question, kinds=[CollectionKind.VOICE]) == []
    [example] = await library.style_examples(question)
    assert example.quote.endswith("The real question is the spine.")
    assert await library.style_examples(question, collections=["essays"]) == []


async def test_voice_chunks_are_excluded_even_from_a_wrong_scope(library: Library, database: Database) -> None:
    async with database.anonymous_transaction() as connection:
        everything = await rows.list_collections(connection, "small")
        found = await chunk_search.search(connection, chunk_search.SearchQuery("squat spine", everything, limit=50))
    assert found
    assert all(hit.kind != "voice" for hit in found)


async def test_filters(library: Library) -> None:
    async def where(**filters: object) -> set[str]:
        return {passage.where for passage in await library.search("squat чай", limit=50, **filters)}

    assert await where(collections=["days"]) == {"2026-03-02", "2026-04-05"}
    assert await where(kinds=[CollectionKind.DIARY]) == {"2026-03-02", "2026-04-05"}
    assert await where(since=date(2026, 4, 1)) == {"2026-04-05"}
    assert await where(until=date(2026, 3, 2)) == {"2026-03-02"}
    assert await where(since=date(2026, 3, 3), until=date(2026, 4, 4)) == set()
    assert await where(collections=[]) == set()
    russian = await library.search("squat чай", language="ru", limit=50)
    assert {passage.title for passage in russian} == {"Чай"}


async def test_library_of_another_mind_is_not_searched(
    ingest: Ingest, library: Library, library_of: Callable[[str], Library]
) -> None:
    assert await library_of("another").search("squat") == []


async def test_duplicate_text_is_returned_once(library: Library) -> None:
    found = await library.search("The press follows, standing, without any help of the knees.", limit=50)
    assert len([passage for passage in found if passage.quote.startswith("The press follows")]) == 1


async def test_neighbours_are_included_once(library: Library) -> None:
    [first, second] = await library.search(
        "squat twice a week; first lift of the hour", collections=["essays"], limit=2
    )
    assert {first.title, second.title} == {"Iron"}
    together = first.content + second.content
    for sentence in ("The squat is done twice", "It is the first lift", "The press follows"):
        assert together.count(sentence) == 1
    [alone] = await library.search("Squat in sleet", collections=["days"], limit=1)
    assert alone.content == alone.quote == "Squat in sleet."


async def test_token_budget(library: Library, counter: NamedTokenCounter) -> None:
    for budget in (0, 5, 30, 60, 120):
        found = await library.search("squat press tea", limit=20, token_budget=budget)
        assert sum(counter.count(passage.content) for passage in found) <= budget
    assert await library.search("squat press tea", token_budget=0) == []


async def test_questions_for_numbers_prefer_tables(library: Library) -> None:
    [passage, *_] = await library.search("What percent is the squat load in week 2?")
    assert (passage.kind, passage.trust) == (CollectionKind.TABLE, Trust.TABLES)
    assert passage.quote == "week: 2; squat load percent: 100"


@pytest.mark.parametrize("question", ["", "   ", "the of", "' | \\ & ( ! :*", "\x00", "%%% $1 {asked}", "x" * 100_000])
async def test_any_question(library: Library, question: str) -> None:
    assert len(await library.search(question)) <= 6


async def test_change_of_embedder_loses_no_results(
    database: Database,
    embedder: LoadableEmbedder,
    library: Library,
    counter: NamedTokenCounter,
    tmp_path: Path,
) -> None:
    folder = resolve_embedding_model(MINILM_MODEL, tmp_path)
    newer = SentenceTransformerEmbedder(folder, name="newer", prefixes=Prefixes(query="question: "))
    both = Library(database, newer, "small", counter.count, former_embedders=[embedder])
    only_newer = Library(database, newer, "small", counter.count)
    asked = "How deep should one go under the bar?"

    async def counts() -> tuple[int, int]:
        async with database.anonymous_transaction() as connection:
            found = await rows.collection_statuses(connection, "small", newer.name)
        return sum(one.embedded for one in found), sum(one.former for one in found)

    whole = sum(await counts())
    before = await both.search(asked, limit=50)
    assert await counts() == (0, whole)
    assert before[0].where == "§ Squat"
    # By words alone, as far as there are any, where the former embedder is not there to ask.
    assert {passage.where for passage in await only_newer.search("squat", limit=50)} >= {"§ Squat", "2026-03-02"}

    async with database.anonymous_transaction() as connection:
        generation = await embeddings.get_or_create_embedder(connection, newer.name, newer.dimensions)
        ids = [one.id for one in await rows.list_collections(connection, "small")]
        some = await embeddings.pending_chunks(connection, generation.id, ids, 0, 4)
        vectors = await newer.embed([chunk.content for chunk in some])
        await embeddings.save_vectors(connection, generation.id, [chunk.id for chunk in some], vectors)
    assert await counts() == (4, whole - 4)
    halfway = await both.search(asked, limit=50)
    assert {passage.quote for passage in halfway} == {passage.quote for passage in before}

    assert await embed_pending(database, newer, ids) == whole - 4
    assert await counts() == (whole, 0)
    after = await both.search(asked, limit=50)
    assert after[0].where == "§ Squat"
    assert {passage.quote for passage in after} == {passage.quote for passage in before}
    async with database.anonymous_transaction() as connection:
        await embeddings.maintain_index(connection, generation.id)
        assert [one.name for one in await embeddings.find_embedders(connection, [newer.name, embedder.name])] == [
            newer.name
        ]
    await newer.close()


async def test_index_recall_against_exact_search(
    database: Database, library: Library, embedder: LoadableEmbedder
) -> None:
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((40, embedder.dimensions))
    vectors = centres[rng.integers(0, 40, 4000)] + 0.6 * rng.standard_normal((4000, embedder.dimensions))
    async with database.anonymous_transaction() as connection:
        generation = await embeddings.get_or_create_embedder(connection, embedder.name, embedder.dimensions)
        [collection] = await chunk_search.searchable_collections(connection, "small", ["essays"])
        document = await rows.upsert_document(
            connection, collection.id, "many", given=True, content_hash="", chunking_hash=""
        )
        chunks = [rows.NewChunk(n, "", f"text {n}", 0, "", "english", None, str(n)) for n in range(4000)]
        await rows.insert_chunks(connection, document, collection.id, chunks)
        ids = [key for key, _ in await rows.chunk_hashes(connection, document)]
        await embeddings.save_vectors(connection, generation.id, ids, vectors.astype(np.float32))
    async with database.anonymous_transaction() as connection:
        await embeddings.maintain_index(connection, generation.id, threshold=1000)
    shared = 0
    for question in centres[:10]:
        async with database.anonymous_transaction() as connection:
            [indexed] = await embeddings.find_embedders(connection, [embedder.name])
            assert indexed.indexed
            [collection] = await chunk_search.searchable_collections(connection, "small", ["essays"])
            asked = chunk_search.SearchQuery("zzz", [collection], [(indexed, question)], index_threshold=1000)
            exact = chunk_search.SearchQuery("zzz", [collection], [(indexed, question)])
            by_index = [hit.id for hit in await chunk_search.search(connection, asked)]
            by_all = [hit.id for hit in await chunk_search.search(connection, exact)]
            await connection.execute("SET LOCAL enable_seqscan = off")
            statement, arguments = chunk_search.build_statement(asked, [indexed.id])
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *arguments))
        assert f"vectors_of_{indexed.id}" in plan
        assert len(by_index) == 10
        shared += len(set(by_index) & set(by_all))
    assert shared >= 90


async def test_reranker_orders_the_best(
    library: Library,
    database: Database,
    embedder: LoadableEmbedder,
    counter: NamedTokenCounter,
    tmp_path: Path,
) -> None:
    reranker = open_reranker(small_reranker(tmp_path, ["squat", "press", "tea", "sun", "sleet"]), tmp_path)
    reranked = Library(database, embedder, "small", counter.count, reranker=reranker)
    found = await reranked.search("squat", limit=3)
    everything = await library.search("squat", limit=30)
    scores = dict(
        zip((p.id for p in everything), await reranker.scores("squat", [p.quote for p in everything]), strict=True)
    )
    best = sorted(scores.values(), reverse=True)[:3]
    assert [scores[passage.id] for passage in found] == pytest.approx(best, abs=1e-5)
    await reranker.close()


async def test_two_minds_have_separate_libraries(
    database: Database,
    embedder: LoadableEmbedder,
    counter: NamedTokenCounter,
    small_mind: WriteMind,
    tmp_path: Path,
) -> None:
    async with Parser() as parser:
        ingest = Ingest(database, embedder, parser, counter)

        def mind(name: str) -> Mind:
            return small_mind({**FILES, "essays/iron.md": f"# Iron\n\n{name} says this."}, CONFIG, name=name)

        for name in ("one", "other"):
            await ingest.synchronise(mind(name))
    for name in ("one", "other"):
        [passage] = await Library(database, embedder, name, counter.count).search("who says this", limit=1)
        assert passage.quote == f"{name} says this."
