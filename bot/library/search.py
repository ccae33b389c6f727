"""Search in a mind's library, by words and by vectors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Collection as AnyOf
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog

from bot.library.chunk import CountTokens
from bot.library.near_answers import (
    HeadingVectors,
    heading_of_answer,
    nearer,
    nearness,
    without_asked_again,
)
from bot.library.other_answers import find_other_answers, share_places
from bot.library.passage import Nearness, Passage, fit_passages
from bot.minds.schema import CollectionKind
from bot.text.numerals import asks_for_number
from bot.text.questions import word_likeness
from bot.text.whole_questions import as_whole_questions
from db.infra.connection import Connection
from db.infra.database import Database
from db.infra.text import Language
from db.library import chunk_search as rows
from db.library import embeddings
from db.library.catalog import CollectionRow
from db.library.chunk_search import ScoreWeights, SearchHit, SearchQuery
from db.library.embeddings import EmbedderRow
from inference.embedding import Embedder, knows_language
from inference.embedding.reranking import Reranker
from inference.errors import InferenceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = structlog.get_logger(__name__)

_STEMMING_LANGUAGES: Final[Mapping[str, Language]] = {"ru": "russian", "en": "english"}


@dataclass(frozen=True, slots=True)
class Tuning:
    """Weights and sizes of a search."""

    words: float = 0.5
    """Weight of the words: of the question's rarity, how much a candidate has."""
    dense: float = 1.0
    """Weight of the cosine similarity, above the lowest candidate's."""
    tables: float = 0.1
    """Added for tables where the question names a number or asks for one."""
    candidates: int = 100
    """How many candidates each way of searching returns at most."""
    reranked: int = 30
    """How many of the best a reranker reads, where there is one."""


DEFAULT_TUNING: Final = Tuning()


_SPARE: Final = 3
"""So many times as many hits are found as passages are wanted, to choose from."""
_HEADINGS_TIMEOUT: Final = 3.0
"""Seconds after which headings are compared by their words alone."""
_MIN_FOUND: Final = 50
"""Hits at least, among which documents are found below many short answers."""


class Library:
    """Finds passages of a mind's library that are relevant to a question. Style examples are never among them."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None,
        mind: str,
        count_tokens: CountTokens,
        *,
        former_embedders: Sequence[Embedder] = (),
        reranker: Reranker | None = None,
        tuning: Tuning = DEFAULT_TUNING,
    ) -> None:
        """Set up.

        Args:
            embedder: embeds questions and chunks; without one, only words are compared.
            mind: its name.
            former_embedders: whose vectors are compared for chunks that have no vector of `embedder` yet.
            reranker: scores question and passage together, to order the best candidates.
        """
        self._database = database
        self._current_embedders = 1 if embedder else 0
        self._embedders = (*((embedder,) if embedder else ()), *former_embedders)
        self._headings = HeadingVectors(embedder) if embedder else None
        self._mind = mind
        self._count_tokens = count_tokens
        self._reranker = reranker
        self._tuning = tuning

    async def embed_questions(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of unit length to compare questions by: float32 (questions, dimensions); zeros without an embedder.

        Raises:
            EmbeddingError: the embedder fails.
        """
        if not self._current_embedders:
            return np.zeros((len(questions), 1), np.float32)
        vectors: NDArray[np.float32] = await self._embedders[0].embed(questions, "query")
        return vectors

    async def search(
        self,
        question: str,
        *,
        before: str = "",
        collections: AnyOf[str] | None = None,
        kinds: AnyOf[CollectionKind] | None = None,
        language: str | None = None,
        since: date | None = None,
        until: date | None = None,
        limit: int = 6,
        token_budget: int | None = None,
        connection: Connection | None = None,
    ) -> list[Passage]:
        """The passages relevant to a question, best first, no text twice.

        Args:
            before: what was asked before, if the question goes on from it.
            collections: names of those to search; all by default.
            kinds: of the collections to search; all by default.
            language: of the text: ``ru`` or ``en``.
            since, until: first and last day of dated text; text without a date is left out then.
            limit: passages at most.
            token_budget: tokens of all contents together.
            connection: to use; by default a new one.
        """
        asked = f"{before} {question}".strip()
        query = SearchQuery(
            asked,
            (),
            language=_STEMMING_LANGUAGES.get(language) if language else None,
            since=since,
            until=until,
            limit=max(limit * _SPARE, _MIN_FOUND),
        )
        hits = await self._find_hits(query, collections, kinds, connection, voice=False)
        others = find_other_answers(asked, hits)
        near = await self._compare_headings(question, hits, before)
        return fit_passages(
            share_places(asked, hits, others, limit, near, goes_on=bool(before)),
            self._count_tokens,
            token_budget,
            others,
            near,
        )

    async def style_examples(
        self,
        question: str,
        *,
        collections: AnyOf[str] | None = None,
        limit: int = 3,
        token_budget: int | None = None,
    ) -> list[Passage]:
        """How the author spoke in similar cases: from ``voice`` collections, to imitate and never to cite."""
        hits = await self._find_hits(SearchQuery(question, (), limit=limit), collections, None, None, voice=True)
        return fit_passages(hits, self._count_tokens, token_budget)

    async def _compare_headings(self, question: str, hits: Sequence[SearchHit], before: str) -> dict[int, Nearness]:
        """How near the heading above each short answer is to a question, by the ids of the hits."""
        headings = {hit.id: heading for hit in hits if (heading := heading_of_answer(hit))}
        if not headings:
            return {}
        asked = f"{before} {question}".strip()
        wholes = as_whole_questions(question, before) if before else ()
        alike, *others = await self._compare_questions([asked, *wholes], set(headings.values()))

        def compare() -> dict[int, Nearness]:
            near = nearness(question, hits, headings, alike, before=before)
            for whole, alike_to_it in zip(wholes, others, strict=True):
                near = nearer(near, nearness(whole, hits, headings, alike_to_it))
            return without_asked_again(near, question, before, headings) if before else near

        # Reading fifty passages for the first time takes some twenty milliseconds.
        return await asyncio.to_thread(compare)

    async def _compare_questions(self, questions: Sequence[str], headings: AnyOf[str]) -> list[dict[str, float]]:
        """Cosine of each question and each heading; how alike their words are, where no embedder has time for that."""
        if self._headings is not None:
            try:
                # An embedder that is busy with a whole library must not hold up answers.
                async with asyncio.timeout(_HEADINGS_TIMEOUT):
                    return await self._headings.similarities(questions, headings)
            except TimeoutError:
                log.warning("library.headings_not_compared", seconds=_HEADINGS_TIMEOUT)
        return [{heading: word_likeness(question, heading) for heading in headings} for question in questions]

    async def _find_hits(
        self,
        query: SearchQuery,
        names: AnyOf[str] | None,
        kinds: AnyOf[CollectionKind] | None,
        connection: Connection | None,
        *,
        voice: bool,
    ) -> list[SearchHit]:
        limit = query.limit
        if limit < 1 or not query.question.strip() or (names is not None and not names):
            return []
        # No connection is held while the question is embedded. Where no former embedder has vectors, one transaction is
        # enough for all the rest.
        vectors, failures = await self._embed_question(query.question, self._embedders[: self._current_embedders])
        async with self._use_connection(connection) as current:
            scope = await rows.searchable_collections(current, self._mind, names, kinds, voice=voice)
            if not scope:
                return []
            generations = await embeddings.find_embedders(current, [embedder.name for embedder in self._embedders])
            known = {generation.name for generation in generations}
            for name, error in failures.items():
                if name in known:
                    raise error
            former = [each for each in self._embedders[self._current_embedders :] if each.name in known]
            if not former:
                hits = await self._search(current, query, scope, generations, vectors, voice=voice)
        if former:
            found, failures = await self._embed_question(query.question, former)
            for name, error in failures.items():
                log.warning("library.former_embedder_failed", model=name, reason=error)
            async with self._use_connection(connection) as current:
                generations = await embeddings.find_embedders(current, [*vectors, *found])
                hits = await self._search(current, query, scope, generations, {**vectors, **found}, voice=voice)
        return (await self._rerank(query.question, hits))[:limit]

    @asynccontextmanager
    async def _use_connection(self, connection: Connection | None) -> AsyncIterator[Connection]:
        """The given connection, or a new one."""
        if connection is not None:
            yield connection
            return
        async with self._database.anonymous_transaction() as new:
            yield new

    async def _search(
        self,
        connection: Connection,
        query: SearchQuery,
        scope: Sequence[CollectionRow],
        generations: Sequence[EmbedderRow],
        vectors: Mapping[str, NDArray[np.float32]],
        *,
        voice: bool,
    ) -> list[SearchHit]:
        """Search in these collections, by the question's words and by its vectors of embedders that have made some."""
        tuning = self._tuning
        tables = tuning.tables if asks_for_number(query.question) else 0.0
        query = replace(
            query,
            collections=scope,
            vectors=[(each, vectors[each.name]) for each in generations if each.name in vectors],
            weights=ScoreWeights(tuning.words, tuning.dense, tables),
            candidates=max(tuning.candidates, query.limit),
            limit=max(query.limit, tuning.reranked) if self._reranker else query.limit,
            voice=voice,
        )
        return await rows.search(connection, query)

    async def _embed_question(
        self, question: str, embedders: Sequence[Embedder]
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, InferenceError]]:
        """The question's vector by each of these embedders that knows its language, and why some have none."""
        vectors: dict[str, NDArray[np.float32]] = {}
        failures: dict[str, InferenceError] = {}
        for embedder in embedders:
            if not self._tuning.dense or not knows_language(embedder.name, question):
                continue
            try:
                [vectors[embedder.name]] = await embedder.embed([question], "query")
            except InferenceError as error:
                failures[embedder.name] = error
        return vectors, failures

    async def _rerank(self, question: str, hits: list[SearchHit]) -> list[SearchHit]:
        if self._reranker is None or not hits:
            return hits
        scores = await self._reranker.scores(question, [hit.content for hit in hits])
        scored = [replace(hit, score=float(score)) for hit, score in zip(hits, scores, strict=True)]
        return sorted(scored, key=lambda hit: hit.score, reverse=True)
