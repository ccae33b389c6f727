"""The demo mind's library: it is read whole, found by meaning and by words, and cited where it supports an answer.

A hundred questions measure the citations by a rule: each has the words and numbers that its support must contain,
written down by hand beside it. The ordinary run asks every fifth question of the search and of the quotation; with
CONSILIUM_LONG=1 all of them go through the whole service with the real base model.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from platformdirs import user_cache_path
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import DEMO_MIND, Settings
from bot.core.messages import Incoming
from bot.core.silent_reply import SilentReply
from bot.library.chunk_options import NamedTokenCounter
from bot.library.cite import best_quotation, collect_evidence
from bot.library.ingest import Ingest
from bot.library.parse.parser import Parser
from bot.library.retriever import RetrievalBudget, Retriever, collections_for_mode
from bot.library.search import Library
from bot.minds import Mind, load_mind, parse_expression, resolve_mode
from db.infra.database import Database
from db.infra.embedded_server import EmbeddedServer
from inference.embedding import E5_MODEL, Embedder, LoadableEmbedder, Purpose, open_embedder
from tests.fixtures.minds import keep_a_tenth_of_answers
from tests.fixtures.postgres import TEMPLATE, fresh_database

FILE = Path(__file__).parents[3] / "fixtures" / "library_questions.jsonl"
LONG = os.environ.get("CONSILIUM_LONG") == "1"
STYLE_EXAMPLES = 8
"""Dialogues of each of the mind's files."""
BUDGET = RetrievalBudget(passages=4, passage_tokens=600, examples=0, example_tokens=0)


@dataclass(frozen=True)
class Question:
    question: str
    support: Sequence[Sequence[str]]
    """One of each group must be in the passage."""

    def is_supported_by(self, passage: str) -> bool:
        text = " ".join(passage.casefold().split())
        return all(any(term.casefold() in text for term in group) for group in self.support)


QUESTIONS = [Question(**json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def mind(tmp_path_factory: pytest.TempPathFactory) -> Mind:
    """The demo mind, with a few of the dialogues that are its style examples: all of them take long to embed."""
    folder = tmp_path_factory.mktemp("minds") / "agoge"
    shutil.copytree(DEMO_MIND, folder)
    for dialogues in folder.glob("dialogues/*.train.jsonl"):
        dialogues.write_text("".join(dialogues.read_text("utf-8").splitlines(keepends=True)[:STYLE_EXAMPLES]), "utf-8")
    if not LONG:
        keep_a_tenth_of_answers(folder)
    return load_mind(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(postgres_server: EmbeddedServer) -> AsyncIterator[Database]:
    """One database for all tests here: filling it takes long."""
    async with fresh_database(postgres_server.dsn, TEMPLATE) as dsn, await Database.open(dsn) as database:
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(mind: Mind, database: Database, embedder: LoadableEmbedder, counter: NamedTokenCounter) -> Mind:
    """The mind, with its library in the database."""
    async with Parser() as parser:
        report = await Ingest(database, embedder, parser, counter).synchronise(mind)
    assert report.skipped == []
    return mind


class Unasked:
    """An embedder that is asked for nothing: all vectors are there."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dimensions = embedder.name, embedder.dimensions

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        asked = [text for text in texts if text]
        assert not asked, f"`make vectors` has to be run: {len(asked)} texts have none, such as {asked[0]!r}"
        return np.zeros((len(texts), self.dimensions), np.float32)

    async def close(self) -> None: ...


async def test_the_demo_brings_the_vectors_of_its_library(
    postgres_server: EmbeddedServer, counter: NamedTokenCounter
) -> None:
    unasked = Unasked(open_embedder(E5_MODEL, user_cache_path("consilium") / "models"))
    async with (
        fresh_database(postgres_server.dsn, TEMPLATE) as dsn,
        await Database.open(dsn) as database,
        Parser() as parser,
    ):
        report = await Ingest(database, unasked, parser, counter).synchronise(load_mind(DEMO_MIND))
    assert report.embedded == report.chunks_added > 5000


async def test_a_second_run_embeds_nothing(filled: Mind, ingest: Ingest) -> None:
    assert (await ingest.synchronise(filled)).embedded == 0


async def test_each_kind_of_document_is_found(filled: Mind, library_of: Callable[[str], Library]) -> None:
    library = library_of(filled.name)
    # The coach's own answers speak of the same things; they are looked at below, with the quotations.
    written = ["articles", "lectures", "tables", "diaries"]
    [row, *_] = await library.search("How many minutes is the long road of a veteran in week 7?", collections=written)
    assert (row.kind, row.trust, row.where) == ("table", "tables", "row 23")
    [entry, *_] = await library.search("A neighbour asked whether I was ill, walking so slowly", kinds=["diary"])
    assert (entry.where, entry.dated) == ("2026-03-04", date(2026, 3, 4))
    [article, *_] = await library.search(
        "Что писал в книгу расходов наладчик станков?", collections=["articles"], language="ru"
    )
    assert article.where == "§ Человек с тетрадью"
    assert article.title == "О серых днях и силе"
    [lecture, *_] = await library.search("Отдых по слабости умеет и лошадь", collections=["lectures"])
    assert lecture.where.startswith("00:0")


def test_question_file_has_both_languages() -> None:
    russian = [one for one in QUESTIONS if any("а" <= letter <= "я" for letter in one.question.casefold())]
    assert len(QUESTIONS) == len({one.question for one in QUESTIONS}) == 100
    assert 40 <= len(russian) <= 60


async def test_quotations_contain_the_support(
    filled: Mind, database: Database, embedder: LoadableEmbedder, counter: NamedTokenCounter
) -> None:
    retriever = Retriever(filled, Library(database, embedder, filled.name, counter.count), BUDGET)
    mode = resolve_mode(parse_expression("sport"), filled)
    questions = QUESTIONS[:: 1 if LONG else 5]
    cited = right = 0
    for one in questions:
        retrieved = await retriever.retrieve(one.question, mode)
        assert {passage.collection for passage in retrieved.passages} <= set(collections_for_mode(filled, mode))
        quotation = best_quotation(one.question, collect_evidence(retrieved.passages))
        if quotation is not None:
            assert quotation.passage in retrieved.passages
            cited += 1
            right += one.is_supported_by(quotation.passage.quote)
    print(f"quoted: {cited} of {len(questions)}; the support is in the passage: {right}")
    assert cited >= 0.9 * len(questions)
    assert right >= (0.95 if LONG else 0.9) * len(questions)


@pytest.fixture
def settings(settings_for: Callable[..., Settings], dsn: str) -> Settings:
    return settings_for(mind=DEMO_MIND, database_url=SecretStr(dsn), prewarm_modes=0, library_at_start=True)


@pytest.mark.long
@pytest.mark.skipif(not LONG, reason="the real model takes a quarter of an hour; CONSILIUM_LONG=1 asks for it")
@pytest.mark.timeout(7200)
async def test_citations_of_the_service_contain_the_support(settings: Settings) -> None:
    cited = right = 0
    async with open_services(settings) as services:
        for number, one in enumerate(QUESTIONS):
            incoming = Incoming(
                "console", "anna", f"place-{number}", f"<|use_lora_sport|> {one.question}", counts_toward_limits=False
            )
            outcome = await services.direct.answer(incoming, SilentReply())
            assert outcome.error is None
            assert [source.n for source in outcome.sources] == list(range(1, len(outcome.sources) + 1))
            assert all(f"[{source.n}]" in outcome.answer for source in outcome.sources)
            cited += bool(outcome.sources)
            is_supported = any(one.is_supported_by(source.quote) for source in outcome.sources)
            right += is_supported
            if not is_supported:
                print(one.question, "->", [(source.title, source.where) for source in outcome.sources])
    print(f"cited: {cited} of {len(QUESTIONS)}; the support is in the passage: {right}")
    assert cited >= 90
    assert right >= 0.85 * cited
