"""Search in a mind's library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Collection as AnyOf
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

import structlog

from bot.library.chunk import CountTokens
from bot.library.passage import Passage, fit_passages
from bot.minds.schema import CollectionKind
from bot.text.numerals import asks_for_number
from db.infra.connection import Connection
from db.infra.database import Database
from db.infra.text import Language
from db.library import chunk_search as rows
from db.library import embeddings
from db.library.chunk_search import ScoreWeights, SearchHit, SearchQuery
from inference.embedding import Embedder
from inference.embedding.reranking import Reranker
from inference.errors import InferenceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = structlog.get_logger(__name__)

_STEMMING_LANGUAGES: Final[Mapping[str, Language]] = {"ru": "russian", "en": "english"}


@dataclass(frozen=True, slots=True)
class Tuning:
    """How candidates are weighed."""

    words: float = 1.0
    """Of the words' rank, divided by the best candidate's."""
    dense: float = 1.0
    """Of the cosine above the lowest candidate's."""
    tables: float = 0.15
    """Added for tables where the question names a number or asks for one."""
    candidates: int = 50
    """How many each way of searching may propose."""
    reranked: int = 30
    """How many of the best the reranker reads, where there is one."""


DEFAULT_TUNING: Final = Tuning()


class Library:
    """Finds what a mind's author has written that bears on a question. Style examples are never among it."""

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
            embedder: of the questions, and of the chunks by now; without one, words alone are compared.
            mind: its name.
            count: counts the tokens of a text as the model does.
            former: embedders whose vectors are compared as well, for chunks that have no newer one yet.
            reranker: reads question and passage together, to put the best in order.
        """
        self._database = database
        self._current_embedders = 1 if embedder else 0
        self._embedders = (*((embedder,) if embedder else ()), *former_embedders)
        self._mind = mind
        self._count_tokens = count_tokens
        self._reranker = reranker
        self._tuning = tuning

    async def search(
        self,
        question: str,
        *,
        collections: AnyOf[str] | None = None,
        kinds: AnyOf[CollectionKind] | None = None,
        language: str | None = None,
        since: date | None = None,
        until: date | None = None,
        limit: int = 6,
        token_budget: int | None = None,
        connection: Connection | None = None,
    ) -> list[Passage]:
        """What bears on the question, best first, each text once.

        Args:
            collections: where to search; everywhere by default.
            kinds: of collections.
            language: of the text: ``ru`` or ``en``.
            since, until: of text with a date, both days included; text without one is left out then.
            limit: passages at most.
            token_budget: of all passages' contents together.
            connection: to search over; one of its own by default.
        """
        search = SearchQuery(
            question,
            (),
            language=_STEMMING_LANGUAGES.get(language) if language else None,
            since=since,
            until=until,
            limit=limit,
        )
        hits = await self._find_hits(search, collections, kinds, connection, voice=False)
        return fit_passages(hits, self._count_tokens, token_budget)

    async def style_examples(
        self,
        question: str,
        *,
        collections: AnyOf[str] | None = None,
        limit: int = 3,
        token_budget: int | None = None,
    ) -> list[Passage]:
        """How the author has spoken of the like: from ``voice`` collections, to sound like and never to cite."""
        hits = await self._find_hits(SearchQuery(question, (), limit=limit), collections, None, None, voice=True)
        return fit_passages(hits, self._count_tokens, token_budget)

    async def _find_hits(
        self,
        search: SearchQuery,
        names: AnyOf[str] | None,
        kinds: AnyOf[CollectionKind] | None,
        connection: Connection | None,
        *,
        voice: bool,
    ) -> list[SearchHit]:
        wanted = search.limit
        if wanted < 1 or not search.question.strip() or (names is not None and not names):
            return []
        tuning = self._tuning
        async with self._borrow_connection(connection) as over:
            scope = await rows.searchable_collections(over, self._mind, names, kinds, voice=voice)
            known = {one.name for one in await embeddings.find_embedders(over, [one.name for one in self._embedders])}
        if not scope:
            return []
        vectors = await self._embed_question(search.question, known) if tuning.dense else {}
        async with self._borrow_connection(connection) as over:
            generations = await embeddings.find_embedders(over, list(vectors))
            search = replace(
                search,
                collections=scope,
                vectors=[(generation, vectors[generation.name]) for generation in generations],
                weights=ScoreWeights(
                    tuning.words, tuning.dense, tuning.tables if asks_for_number(search.question) else 0.0
                ),
                candidates=max(tuning.candidates, wanted),
                limit=max(wanted, tuning.reranked) if self._reranker else wanted,
                voice=voice,
            )
            hits = await rows.search(over, search)
        return (await self._rerank(search.question, hits))[:wanted]

    @asynccontextmanager
    async def _borrow_connection(self, connection: Connection | None) -> AsyncIterator[Connection]:
        if connection is not None:
            yield connection
            return
        async with self._database.anonymous_transaction() as own:
            yield own

    async def _embed_question(self, question: str, known: AnyOf[str]) -> dict[str, NDArray[np.float32]]:
        """The question's vector by each embedder that has made any; a former one may be away."""
        vectors = {}
        for n, embedder in enumerate(self._embedders):
            if embedder.name not in known:
                continue
            try:
                [vectors[embedder.name]] = await embedder.embed([question], "query")
            except InferenceError as error:
                if n < self._current_embedders:
                    raise
                log.warning("library.former_embedder_failed", model=embedder.name, reason=str(error))
        return vectors

    async def _rerank(self, question: str, hits: list[SearchHit]) -> list[SearchHit]:
        if self._reranker is None or not hits:
            return hits
        scores = await self._reranker.scores(question, [hit.content for hit in hits])
        scored = [replace(hit, score=float(score)) for hit, score in zip(hits, scores, strict=True)]
        return sorted(scored, key=lambda hit: hit.score, reverse=True)
