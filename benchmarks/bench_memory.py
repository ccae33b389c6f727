"""Recall of one person among 1,000,000 memories of 10,000 people, one of whom has 10,000.

    python -m benchmarks.bench_memory [--short] [--json PATH]

A Postgres of its own in a temporary folder (1.5 GB; `--short`: 50,000 memories, 70 MB), gone afterwards. Each recall is
the service's, without the embedding of the question, beside the bare SQL for the ten nearest by vector alone. That
nothing is missed is checked against brute force in numpy: every memory compared, the same similarities and words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import numpy as np
import psutil
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.asyncpg import register_vector
from rich.console import Console
from rich.table import Table

from bot.memory import PersonalMemory
from db.infra.database import Database, Deadlines
from db.infra.embedded_server import EmbeddedServer
from db.memory import recall
from db.memory.memories import Embedding, to_half_precision
from inference.embedding import Purpose

MODEL = "directions@1"
DIMENSIONS = 384
BEGUN = datetime(2024, 1, 1, tzinfo=UTC)
VOCABULARY = 8000
WORDS = 20
BARE = """
    SELECT id, 1 - (embedding <=> $2::halfvec) AS score FROM memories WHERE user_id = $1 AND embedder = $3
    ORDER BY embedding <=> $2::halfvec LIMIT 10
"""
_COLUMNS = ("id", "user_id", "kind", "content", "language", "embedder", "embedding", "valid_from")


@dataclass(frozen=True)
class Size:
    people: int
    memories: int
    most: int
    """Memories of the one who has most."""
    questions: int


FULL = Size(10_000, 1_000_000, 10_000, 60)
SHORT = Size(500, 50_000, 10_000, 15)


@dataclass(frozen=True)
class Timed:
    """Milliseconds, over so many questions."""

    who: str
    memories: int
    p50: float
    p95: float
    bare_p50: float
    bare_p95: float
    processor: float
    """Median processor time of Postgres and of this process together: a machine's other work does not count."""
    bare_processor: float

    @property
    def ratio(self) -> float:
        return self.p95 / self.bare_p95

    @property
    def processor_ratio(self) -> float:
        return self.processor / self.bare_processor


class ProcessorTime:
    """What this process and the server have computed, as Linux counts it.

    Args:
        server: the folder of the server's data.
    """

    def __init__(self, server: Path) -> None:
        self._postmaster = psutil.Process(int((server / "postmaster.pid").read_text().split("\n", 1)[0]))

    def read(self) -> float:
        """Milliseconds by now."""
        spent = 1000 * time.process_time()
        for backend in self._postmaster.children():
            with suppress(FileNotFoundError):
                spent += int(Path(f"/proc/{backend.pid}/schedstat").read_text().split()[0]) / 1e6
        return spent


class Directions:
    """A model that gives each question its vector at once."""

    name = MODEL
    dimensions = DIMENSIONS

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        return np.stack([direction(text) for text in texts])

    async def close(self) -> None: ...


def direction(text: str) -> NDArray[np.float32]:
    rng = np.random.default_rng(sum(text.encode()) * 7919 + len(text))
    return rng.standard_normal(DIMENSIONS).astype(np.float32)


@dataclass(frozen=True)
class Told:
    """All of one person's memories, the same each time they are asked for."""

    user_id: UUID
    ids: list[UUID]
    words: NDArray[np.int64]
    """(memories, words), numbers in the vocabulary."""
    vectors: NDArray[np.float16]

    @classmethod
    def of(cls, number: int, size: Size) -> Told:
        rest, others = size.memories - size.most, size.people - 1
        count = size.most if number == 0 else rest // others + (number <= rest % others)
        rng = np.random.default_rng(number)
        weights = 1 / np.arange(1, VOCABULARY + 1) ** 0.7
        words = rng.choice(VOCABULARY, (count, WORDS), p=weights / weights.sum())
        vectors = rng.standard_normal((count, DIMENSIONS), np.float32).astype(np.float16)
        ids = [UUID(int=(number + 1) << 64 | n) for n in range(count)]
        return cls(UUID(int=number + 1), ids, words, vectors)

    def records(self) -> Iterator[tuple[object, ...]]:
        for n, (key, words, vector) in enumerate(zip(self.ids, self.words, self.vectors, strict=True)):
            content = " ".join(f"w{word}" for word in words)
            said = BEGUN + timedelta(hours=n)
            yield key, self.user_id, "fact", content, "english", MODEL, HalfVector(vector), said


async def fill(dsn: str, size: Size, console: Console) -> None:
    """Put everything in by binary COPY."""
    connection = await asyncpg.connect(dsn)
    try:
        await register_vector(connection)
        await connection.copy_records_to_table(
            "users", records=[(UUID(int=n + 1),) for n in range(size.people)], columns=["id"]
        )
        begun = time.perf_counter()
        batch: list[tuple[object, ...]] = []
        for number in range(size.people):
            batch.extend(Told.of(number, size).records())
            if len(batch) >= 20_000 or number == size.people - 1:
                await connection.copy_records_to_table("memories", records=batch, columns=_COLUMNS)
                batch.clear()
        console.print(f"filled in {time.perf_counter() - begun:.0f} s")
        await connection.execute("VACUUM ANALYZE memories", timeout=600)
        held = await connection.fetchval("SELECT pg_total_relation_size('memories')")
        console.print(
            f"{await connection.fetchval('SELECT count(*) FROM memories'):,} memories, {held / 2**20:,.0f} MB"
        )
    finally:
        await connection.close()


def questions(count: int) -> list[str]:
    """Six words each, common and rare."""
    rng = np.random.default_rng(99)
    return [
        " ".join(f"w{word}" for word in (*rng.integers(0, 100, 2), *rng.integers(100, VOCABULARY, 4)))
        for _ in range(count)
    ]


async def check(database: Database, told: Told, question: str) -> None:
    """Compare with brute force: all memories, all similarities, all words."""
    vector = direction(question)
    async with database.person_transaction(told.user_id) as connection:
        features = await recall.compute_features(connection, recall.RecallQuery(question, [Embedding(MODEL, vector)]))
    place = {key: n for n, key in enumerate(told.ids)}
    rows = [place[features.memory_id(row)] for row in range(len(features))]
    assert sorted(rows) == list(range(len(told.ids))), "not every memory was compared"
    stored, asked = told.vectors.astype(np.float64), to_half_precision(vector).astype(np.float64)
    cosines = stored @ asked / (np.linalg.norm(stored, axis=1) * np.linalg.norm(asked))
    assert np.allclose(features.similarity, cosines[rows], atol=1e-5), "similarities differ"
    nearest = cosines[rows][np.argsort(-features.similarity)[:10]]
    assert nearest.min() >= np.sort(cosines)[-10:].min() - 1e-6, "nearer ones were passed over"
    numbers = [int(word[1:]) for word in question.split()]
    shared = np.isin(told.words, numbers)
    for row, n in enumerate(rows):
        expected = len(set(told.words[n][shared[n]].tolist()))
        assert int(features.hits[row]).bit_count() == expected, "words differ"


async def timed(
    database: Database, processor: ProcessorTime, who: str, people: Sequence[Told], asked: Sequence[str]
) -> Timed:
    memory = PersonalMemory(database, Directions())
    whole: list[float] = []
    bare: list[float] = []
    spent: list[float] = []
    bare_spent: list[float] = []
    for n, question in enumerate(asked):
        told = people[n % len(people)]
        begun, before = time.perf_counter(), processor.read()
        await memory.recall(told.user_id, question, 10)
        whole.append(1000 * (time.perf_counter() - begun))
        spent.append(processor.read() - before)
        async with database.person_transaction(told.user_id) as connection:
            vector = to_half_precision(direction(question))
            begun, before = time.perf_counter(), processor.read()
            await connection.fetch(BARE, told.user_id, vector, MODEL)
            bare.append(1000 * (time.perf_counter() - begun))
            bare_spent.append(processor.read() - before)
    medians = statistics.median(spent), statistics.median(bare_spent)
    return Timed(who, len(people[0].ids), *_quantiles(whole), *_quantiles(bare), *medians)


def _quantiles(values: Sequence[float]) -> tuple[float, float]:
    return statistics.median(values), float(np.percentile(values, 95))


async def run(size: Size, folder: Path, console: Console) -> list[Timed]:
    async with await EmbeddedServer.open(folder) as server:
        deadlines = Deadlines(statement=120)
        async with await Database.open(server.dsn, deadlines=deadlines) as database:
            await fill(server.dsn, size, console)
            many = Told.of(0, size)
            few = [Told.of(number, size) for number in range(1, size.people, max(1, size.people // size.questions))]
            asked = questions(size.questions)
            for told in (many, *few[:20]):
                await check(database, told, asked[0])
            console.print(f"exact and complete for {1 + len(few[:20])} people")
            processor = ProcessorTime(server.cluster.data)
            await timed(database, processor, "warming", [many], asked[:5])
            return [
                await timed(database, processor, "the one with most", [many], asked),
                await timed(database, processor, "others, each asked once", few, asked[: len(few)]),
            ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="50,000 memories of 500 people")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        figures = asyncio.run(run(SHORT if options.short else FULL, Path(folder).resolve(), console))
    table = Table(
        "recall of one person",
        "memories",
        "p50 ms",
        "p95 ms",
        "bare SQL p50",
        "p95",
        "ratio of p95",
        "core ms",
        "bare",
        "ratio",
    )
    for one in figures:
        table.add_row(
            one.who,
            f"{one.memories:,}",
            *(f"{value:.1f}" for value in (one.p50, one.p95, one.bare_p50, one.bare_p95)),
            f"{one.ratio:.1f}",
            *(f"{value:.1f}" for value in (one.processor, one.bare_processor, one.processor_ratio)),
        )
    console.print(table)
    load = os.getloadavg()[0]
    console.print(f"load average {load:.1f} on {os.cpu_count()} cores")
    if options.json:
        report = {"load": load, "timed": [{**asdict(one), "ratio": one.ratio} for one in figures]}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
