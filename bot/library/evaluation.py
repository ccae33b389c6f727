"""Measures the search: questions, each with the paragraph that answers it, among paragraphs that do not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from blake3 import blake3

from bot.core.errors import BotError
from bot.library.chunk_options import CHUNKING_VERSION, NamedTokenCounter
from bot.library.ingest import Ingest
from bot.library.search import DEFAULT_TUNING, Library, Tuning
from bot.minds import Mind, load_mind
from bot.minds.schema import Chunking
from consilium.errors import N_
from db.infra.database import Database
from db.library import catalog as rows
from inference.embedding import Embedder

MIND_NAME: Final = "eval-library"
"""The measured library has this name in the database until the measurement is over."""
DISTRACTORS: Final = "distractors"
CUTOFFS: Final = (1, 5, 10)
METHODS: Final[dict[str, tuple[float, float]]] = {"words": (1, 0), "dense": (0, 1), "fused": (1, 1)}
"""Ways of searching: factors for the weights of word search and of dense search."""
_MAX_FILE_SIZE: Final = 64 << 20
_MIND_YAML: Final = """
name: eval-library
title: Measurement
base_model: none
languages: [en, ru]
adapters:
  core: {kind: core, path: adapters/core}
"""


class NoQuestions(BotError):
    """The data folder has no file with questions."""

    exit_code = 2
    sentence = N_("There are no questions in {folder}.")
    remedy = N_("Give a folder with JSON files in the form of SQuAD, such as XQuAD's, and any texts as distractors.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Paragraphs, and questions to them."""

    name: str
    paragraphs: tuple[str, ...]
    questions: tuple[tuple[str, str, int], ...]
    """Id, question, and the index of the paragraph that answers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchMetrics:
    """Results of one way of searching on one set of questions."""

    question_set: str
    """The set that the questions are from."""
    searched_set: str
    """The set whose paragraphs are searched."""
    method: str
    questions: int
    recall: dict[int, float]
    """For each cutoff k, the share of questions whose paragraph is among the first k passages."""
    mrr: float
    """Mean reciprocal rank of the paragraph, 0 beyond the last cutoff."""
    p50_ms: float
    p95_ms: float


def load_question_sets(folder: Path) -> list[QuestionSet]:
    """The question sets in a folder and its subfolders, by name; other JSON files are skipped; blocking.

    Raises:
        NoQuestions: there is none.
    """
    files = [path for path in sorted(folder.rglob("*.json")) if path.stat().st_size <= _MAX_FILE_SIZE]
    sets = [question_set for path in files if (question_set := _load_question_set(path))]
    if not sets:
        raise NoQuestions(folder)
    return sets


def write_evaluation_mind(sets: Sequence[QuestionSet], texts: Sequence[Path], folder: Path, chunking: Chunking) -> Mind:
    """A mind whose library is the sets' paragraphs, each a document, and the texts as distractors; blocking."""
    folder = folder.resolve()
    for question_set in sets:
        for number, paragraph in enumerate(question_set.paragraphs):
            _write(folder / paragraph_uri(question_set, number), paragraph)
    for number, text in enumerate(texts):
        _write(folder / DISTRACTORS / f"{number}-{text.name}", text.read_bytes())
    options = f"{{size: {chunking.size}, overlap: {chunking.overlap}}}"
    names = [*(question_set.name for question_set in sets), *([DISTRACTORS] if texts else [])]
    config = [
        f"  {name}: {{kind: article, path: '{name}/*', language: [en, ru], chunking: {options}}}" for name in names
    ]
    _write(folder / "mind.yaml", _MIND_YAML)
    _write(folder / "rag_config.yaml", "\n".join(["collections:", *config]))
    _write(folder / "prompts" / "system.j2", MIND_NAME)
    return load_mind(folder, require_adapters=False)


def paragraph_uri(question_set: QuestionSet, number: int) -> str:
    """The URI of a paragraph's document."""
    return f"{question_set.name}/{number:06}.txt"


def comparable_pairs(sets: Sequence[QuestionSet]) -> Iterator[tuple[QuestionSet, QuestionSet]]:
    """Each set with itself and with its translations: the sets whose questions have the same ids."""
    for asked in sets:
        for searched in sets:
            if {key for key, *_ in asked.questions} & {key for key, *_ in searched.questions}:
                yield asked, searched


class LibraryEvaluation:
    """Fills a library with the data as usual, and measures the search in it."""

    def __init__(
        self, database: Database, embedder: Embedder, counter: NamedTokenCounter, tuning: Tuning = DEFAULT_TUNING
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._counter = counter
        self._tuning = tuning

    async def fill(self, ingest: Ingest, mind: Mind) -> int:
        """Ingest the library; returns the number of its chunks."""
        await ingest.synchronise(mind)
        async with self._database.anonymous_transaction() as connection:
            statuses = await rows.collection_statuses(connection, mind.name, self._embedder.name)
        return sum(status.chunks for status in statuses)

    async def remove(self) -> None:
        """Delete the library from the database."""
        async with self._database.anonymous_transaction() as connection:
            await rows.delete_other_collections(connection, MIND_NAME, ())

    async def measure(
        self,
        question_set: QuestionSet,
        searched_set: QuestionSet,
        method: str,
        other_collections: Sequence[str],
        max_questions: int | None = None,
    ) -> SearchMetrics:
        """Search the paragraphs of one set with the questions of another.

        Args:
            method: one of `METHODS`.
            other_collections: collections that are searched as well.
            max_questions: only so many questions are asked, the first ones.
        """
        words, dense = METHODS[method]
        tuning = replace(self._tuning, words=self._tuning.words * words, dense=self._tuning.dense * dense)
        library = Library(self._database, self._embedder, MIND_NAME, self._counter.count, tuning=tuning)
        answers = {key: number for key, _, number in searched_set.questions}
        questions = [(text, answers[key]) for key, text, _ in question_set.questions if key in answers][:max_questions]
        collections = [searched_set.name, *other_collections]
        ranks, durations = [], []
        for text, number in questions:
            start = time.perf_counter()
            passages = await library.search(text, collections=collections, limit=max(CUTOFFS))
            durations.append(time.perf_counter() - start)
            wanted = paragraph_uri(searched_set, number)
            ranks.append(next((rank for rank, passage in enumerate(passages, 1) if passage.uri == wanted), 0))
        rank = np.array(ranks)
        p50, p95 = np.percentile(durations, [50, 95])
        return SearchMetrics(
            question_set=question_set.name,
            searched_set=searched_set.name,
            method=method,
            questions=len(questions),
            recall={k: float(np.mean((rank > 0) & (rank <= k))) for k in CUTOFFS},
            mrr=float(np.mean(np.where(rank > 0, 1 / np.maximum(rank, 1), 0))),
            p50_ms=float(1000 * p50),
            p95_ms=float(1000 * p95),
        )

    def configuration(self, sets: Sequence[QuestionSet], texts: int, chunks: int, chunking: Chunking) -> dict[str, Any]:
        """Everything the figures depend on except the machine, with a hash of it."""
        config: dict[str, Any] = {
            "embedder": self._embedder.name,
            "tokens": self._counter.name,
            "chunking": chunking.model_dump() | {"version": CHUNKING_VERSION},
            "tuning": asdict(self._tuning),
            "sets": {
                question_set.name: [
                    len(question_set.paragraphs),
                    len(question_set.questions),
                    _digest(repr(question_set)),
                ]
                for question_set in sets
            },
            "distractors": texts,
            "chunks": chunks,
        }
        return config | {"hash": _digest(json.dumps(config, sort_keys=True))}


def _load_question_set(path: Path) -> QuestionSet | None:
    try:
        articles = json.loads(path.read_text("utf-8"))["data"]
        paragraphs: list[str] = []
        questions: list[tuple[str, str, int]] = []
        for article in articles:
            for paragraph in article["paragraphs"]:
                questions += [(str(q["id"]), str(q["question"]), len(paragraphs)) for q in paragraph["qas"]]
                paragraphs.append(str(paragraph["context"]).lstrip("\ufeff"))
    except (KeyError, TypeError, ValueError):
        return None
    name = "".join(letter if letter.isalnum() else "-" for letter in path.stem.lower())
    return QuestionSet(f"set-{name}", tuple(paragraphs), tuple(questions))


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _digest(text: str) -> str:
    return str(blake3(text.encode()).hexdigest(6))
