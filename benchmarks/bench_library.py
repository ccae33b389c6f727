"""Search in a large library, measured.

    python -m benchmarks.bench_library [--chunks N] [--questions N] [--json PATH]

A Postgres of its own, in a temporary folder, gets a library of that many chunks: texts of words as common as words are
(Zipf), Russian and English, and vectors in clusters, as real ones are. The questions are some words of a chunk and its
vector with noise. What is shown:

* `first`: `Library.search` of what has not been asked before, all of it but the embedding of the question.
* `search`: the same once more, its pages in memory.
* `statement`: the same query sent to the driver alone, already prepared: what the database itself takes.
* `exact`: `Library.search` when every vector is compared, as below the threshold.
* `by date`: `Library.search` within a month, which compares all that is left.
* recall@10 of the vectors found through the index, against comparing all of them here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from rich.console import Console
from rich.table import Table

from bot.library.search import Library, Tuning
from db.infra.connection import Connection
from db.infra.database import Database, Deadlines
from db.infra.embedded_server import EmbeddedServer
from db.library import catalog as rows
from db.library import chunk_search, embeddings
from db.library.catalog import CollectionRow
from db.library.chunk_search import SearchQuery
from db.library.embeddings import EmbedderRow
from inference.embedding import Purpose

DIMENSIONS, CLUSTERS, VOCABULARY, WORDS = 384, 2000, 30_000, 60
BATCH = 5000
MIND = "bench"
PATIENT = Deadlines(statement=300, idle=600)


class Known:
    """An embedder that is told beforehand what it will say: only the database is measured."""

    name, dimensions = "bench@1", DIMENSIONS

    def __init__(self) -> None:
        self.next: NDArray[np.float32] = np.zeros(DIMENSIONS, np.float32)

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        return np.tile(self.next, (len(texts), 1))

    async def close(self) -> None:
        """Nothing to release."""


class World:
    """Texts and vectors, the same for the same seed."""

    def __init__(self, chunks: int) -> None:
        self.rng = np.random.default_rng(11)
        letters = [list("бвгдклмнпрст"), list("аеиоуыя"), list("bcdfglmnprst"), list("aeiou")]
        self.words = np.array([self._word(letters[:2] if n % 2 else letters[2:]) for n in range(VOCABULARY)])
        common = 1 / np.arange(1, VOCABULARY + 1)
        self.share = common / common.sum()
        centres = self.rng.standard_normal((CLUSTERS, DIMENSIONS)).astype(np.float32)
        self.vectors = np.empty((chunks, DIMENSIONS), np.float16)
        for start in range(0, chunks, BATCH):
            size = min(BATCH, chunks - start)
            noise = self.rng.standard_normal((size, DIMENSIONS)).astype(np.float32)
            some = centres[self.rng.integers(0, CLUSTERS, size)] + 0.8 * noise
            self.vectors[start : start + size] = some / np.linalg.norm(some, axis=1, keepdims=True)
        self.texts: list[str] = []

    def _word(self, letters: list[list[str]]) -> str:
        return "".join(self.rng.choice(letters[n % 2]) for n in range(self.rng.integers(4, 10)))

    def texts_of(self, size: int) -> list[str]:
        """New texts, kept as well."""
        drawn = self.words[self.rng.choice(VOCABULARY, (size, WORDS), p=self.share)]
        some = [" ".join(line) for line in drawn]
        self.texts += some
        return some


async def fill(connection: Connection, world: World, chunks: int) -> None:
    """Write the library by COPY."""
    collection = await rows.upsert_collection(connection, MIND, "all", "article", "author")
    generation = await embeddings.get_or_create_embedder(connection, Known.name, DIMENSIONS)
    columns = ["document_id", "collection_id", "n", "lead", "content", "repeats", "place", "language", "dated"]
    columns.append("content_hash")
    for start in range(0, chunks, BATCH):
        size = min(BATCH, chunks - start)
        document = await rows.upsert_document(
            connection, collection.id, f"{start}", given=False, title="Bench", content_hash="", chunking_hash=""
        )
        texts = world.texts_of(size)
        day = [date(2020, 1, 1) + timedelta(days=(start + n) % 2000) for n in range(size)]
        records = [
            (document, collection.id, n, "Bench", text, 0, f"¶ {n}", "russian", day[n], f"{start + n}")
            for n, text in enumerate(texts)
        ]
        await connection.raw.copy_records_to_table("chunks", records=records, columns=columns, timeout=300)
        ids = [key for key, _ in await rows.chunk_hashes(connection, document)]
        vectors = [
            (key, generation.id, collection.id, "russian", day[n], HalfVector(world.vectors[start + n]))
            for n, key in enumerate(ids)
        ]
        names = ["chunk_id", "embedder", "collection_id", "language", "dated", "embedding"]
        await connection.raw.copy_records_to_table("vectors", records=vectors, columns=names, timeout=300)


def questions(world: World, count: int) -> list[tuple[int, str, NDArray[np.float32]]]:
    """A chunk, six of its words, and a vector near its own."""
    asked = []
    for number in world.rng.integers(0, len(world.texts), count):
        words = world.rng.choice(world.texts[number].split(), 6, replace=False)
        noise = world.rng.standard_normal(DIMENSIONS).astype(np.float32)
        vector = world.vectors[number].astype(np.float32) + 0.5 * noise / np.linalg.norm(noise)
        asked.append((int(number), " ".join(words), vector / np.linalg.norm(vector)))
    return asked


async def timed(call: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Milliseconds, and what came."""
    begun = time.perf_counter()
    result = await call()
    return 1000 * (time.perf_counter() - begun), result


async def measure(database: Database, world: World, count: int) -> dict[str, Any]:
    """All the figures."""
    embedder = Known()
    library = Library(database, embedder, MIND, len)
    async with database.anonymous_transaction() as connection:
        scope = await chunk_search.searchable_collections(connection, MIND)
        [generation] = await embeddings.find_embedders(connection, [Known.name])
    narrow = {"since": date(2022, 5, 1), "until": date(2022, 5, 31)}
    spent: dict[str, list[float]] = {"first": [], "search": [], "statement": [], "exact": [], "by date": []}
    shared, first = [], 0
    for nth, (number, text, vector) in enumerate(questions(world, count + 5)):
        embedder.next = vector
        # Asked once before, so that neither of the two has the pages brought in for the other.
        new, _ = await timed(lambda text=text: library.search(text, limit=10))
        search, found = await timed(lambda text=text: library.search(text, limit=10))
        statement, _ = await timed_statement(database, scope, generation, text, vector)
        exact, _ = await timed(lambda text=text, vector=vector: by_all(database, scope, generation, text, vector))
        by_date, _ = await timed(lambda text=text: library.search(text, limit=10, **narrow))
        if nth < 5:
            continue  # the first ones warm the cache
        for name, value in zip(spent, (new, search, statement, exact, by_date), strict=True):
            spent[name].append(value)
        first += found[0].quote == world.texts[number]
        shared.append(await dense_recall(database, scope, generation, vector, world))
    table = {name: {"p50": np.percentile(v, 50), "p95": np.percentile(v, 95)} for name, v in spent.items()}
    ratio = table["search"]["p50"] / table["statement"]["p50"]
    return {"ms": table, "search / statement": ratio, "recall@10": float(np.mean(shared)), "found first": first / count}


async def timed_statement(
    database: Database, scope: list[CollectionRow], generation: EmbedderRow, text: str, vector: NDArray[np.float32]
) -> tuple[float, Any]:
    """The statement alone, within a transaction that is open already."""
    asked = SearchQuery(text, scope, [(generation, vector)])
    async with database.anonymous_transaction() as connection:
        await connection.fetch("SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true)")
        await connection.fetch("SELECT set_config('hnsw.ef_search', '100', true)")
        statement, arguments = chunk_search.build_statement(asked, [generation.id] if generation.indexed else [])
        prepared = await connection.raw.prepare(statement)
        return await timed(lambda: prepared.fetch(*arguments))


async def by_all(
    database: Database, scope: list[CollectionRow], generation: EmbedderRow, text: str, vector: NDArray[np.float32]
) -> Any:
    """The search without the index."""
    async with database.anonymous_transaction() as connection:
        return await chunk_search.search(
            connection, SearchQuery(text, scope, [(replace(generation, indexed=False), vector)])
        )


async def dense_recall(
    database: Database, scope: list[CollectionRow], generation: EmbedderRow, vector: NDArray[np.float32], world: World
) -> float:
    """Share of the ten nearest that the index finds; ids are numbered as the chunks are."""
    tuning = Tuning(words=0)
    asked = SearchQuery("", scope, [(generation, vector)], chunk_search.ScoreWeights(tuning.words, 1.0))
    async with database.anonymous_transaction() as connection:
        found = {hit.content for hit in await chunk_search.search(connection, asked)}
    similar = world.vectors @ vector.astype(np.float16)
    nearest = np.argpartition(-similar.astype(np.float32), 10)[:10]
    return len(found & {world.texts[n] for n in nearest}) / 10


async def run(chunks: int, count: int) -> dict[str, Any]:
    world = World(chunks)
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        async with (
            await EmbeddedServer.open(Path(folder)) as server,
            await Database.open(server.dsn, deadlines=PATIENT) as database,
        ):
            async with database.anonymous_transaction() as connection:
                filled, _ = await timed(lambda: fill(connection, world, chunks))
            async with database.anonymous_transaction() as connection:
                generation = await embeddings.get_or_create_embedder(connection, Known.name, DIMENSIONS)
                settled, _ = await timed(lambda: embeddings.maintain_index(connection, generation.id))
            figures = await measure(database, world, count)
    machine = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    return {"chunks": chunks, "fill s": filled / 1000, "index s": settled / 1000, **figures, **machine}


def show(figures: dict[str, Any]) -> None:
    table = Table("ms", "p50", "p95", title=f"{figures['chunks']:,} chunks")
    for name, value in figures["ms"].items():
        table.add_row(name, f"{value['p50']:.1f}", f"{value['p95']:.1f}")
    Console().print(table)
    for name in ("search / statement", "recall@10", "found first", "fill s", "index s", "cores"):
        print(f"{name}: {figures[name]:.3f}" if isinstance(figures[name], float) else f"{name}: {figures[name]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=200_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    asked = parser.parse_args()
    figures = asyncio.run(run(asked.chunks, asked.questions))
    show(figures)
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2, default=float) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
