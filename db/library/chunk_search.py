"""Search in the library: by meaning and by words in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from db.infra.rows import from_row, with_columns
from db.library.catalog import CollectionRow
from db.library.embeddings import INDEX_THRESHOLD, EmbedderRow

if TYPE_CHECKING:
    from collections.abc import Collection as AnyOf
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import ArrayLike

    from db.infra.connection import Connection
    from db.infra.text import Language


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A chunk that was found."""

    id: int
    document_id: int
    n: int
    uri: str
    title: str
    collection: str
    kind: str
    trust: str
    place: str
    content: str
    repeats: int
    """Characters of `content` that repeat the end of `before`."""
    dated: date | None
    before: str | None
    """The chunk before it in the document."""
    after: str | None
    after_repeats: int | None
    similarity: float | None
    """Cosine with the question; None when the chunk has no vector that could be compared."""
    rank: float
    """Of its words; comparable within one search."""
    coverage: float
    """Share of the question's words that it has, each by its rarity; 0 to 1."""
    score: float


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """What counts for how much."""

    words: float = 0.5
    """Of the words found, from 0 to 1: half when their rank is `HALF_WORD_RANK` of the question's."""
    dense: float = 1.0
    """Of the cosine above the lowest among the candidates: where an embedder tells nothing apart, it adds nothing."""
    tables: float = 0.0
    """Added for tables."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is asked."""

    question: str
    collections: Sequence[CollectionRow]
    """The collections to search in."""
    vectors: Sequence[tuple[EmbedderRow, ArrayLike]] = ()
    """The question's vector by each embedder whose vectors are to be compared."""
    weights: ScoreWeights = ScoreWeights()
    language: Language | None = None
    since: date | None = None
    until: date | None = None
    """Of chunks with a date."""
    candidates: int = 50
    """How many each way of searching may propose."""
    limit: int = 10
    voice: bool = False
    """Whether style examples are searched, which are in no other search."""
    index_threshold: int = INDEX_THRESHOLD
    """Chunks in the scope over which the index is used where there is one."""


# The guard that keeps style examples out of what is cited stands here and in the search itself.
SEARCHABLE_COLLECTIONS: Final = with_columns(
    CollectionRow,
    """
    SELECT @columns FROM collections
    WHERE mind = $1 AND (kind = 'voice') = $2
        AND ($3::text[] IS NULL OR name = ANY ($3::text[])) AND ($4::text[] IS NULL OR kind = ANY ($4::text[]))
        AND EXISTS (SELECT FROM chunks WHERE chunks.collection_id = collections.id)
    ORDER BY id
    """,
)
# Words of the question by how rare they are: `shares` of the commonest are in the table's statistics, and a word that
# is not among them is rare. Any of the words will do. Of those in thousands of chunks only the rarest proposes any.
# A word is looked for in each form that a chunk may have it in, by the chunk's language, and counts once: the English
# dictionary leaves Russian words as they are, and the Russian one says which of them are stop words. The rank of
# several forms is divided by their number, hence `size`.
_QUERY_WORDS: Final = r"""
    shares AS MATERIALIZED (
        SELECT word, share
        FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS m (word, share)
        WHERE schemaname = 'public' AND tablename = 'chunks' AND attname = 'words' AND word IS NOT NULL
    ),
    asked AS MATERIALIZED (
        SELECT query, size, ln(1 + (total - found + 0.5) / (found + 0.5)) AS rarity, found,
            row_number() OVER (ORDER BY found, query::text) AS nth
        FROM (
            SELECT string_agg(
                    '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ' ORDER BY lexeme
                )::tsquery AS query,
                count(*) AS size, max(coalesce(share * total, 1)) AS found, total
            FROM (
                SELECT DISTINCT array_agg(DISTINCT lexeme ORDER BY lexeme) AS lexemes
                FROM (
                    SELECT lexeme, unnest(positions) AS position, true AS is_content
                    FROM unnest(to_tsvector('pg_catalog.russian', folded(left($2, 4000))))
                    UNION ALL SELECT lexeme, unnest(positions), false
                    FROM unnest(to_tsvector('pg_catalog.english', folded(left($2, 4000))))
                ) AS found_lexemes
                GROUP BY position
                HAVING bool_or(is_content)
            ) AS words
            CROSS JOIN LATERAL unnest(lexemes) AS lexeme
            LEFT JOIN shares ON word = lexeme
            CROSS JOIN (SELECT greatest(reltuples, 1) AS total FROM pg_class WHERE oid = 'public.chunks'::regclass) AS t
            GROUP BY lexemes, total
        ) AS weighed
    ),
    by_words AS MATERIALIZED (
        SELECT c.id FROM asked JOIN chunks AS c ON c.words @@ query
        WHERE (nth = 1 OR found <= {common}) AND {filters}
        GROUP BY c.id
        ORDER BY sum(rarity * size * ts_rank(c.words, query, 1)) DESC, c.id
        LIMIT $3
    )
"""
_DENSE: Final = """
    dense_{id} AS MATERIALIZED (
        SELECT chunk_id FROM vectors AS c
        WHERE embedder = {id} AND {filters}
        ORDER BY {distance}, chunk_id
        LIMIT $3
    )
"""
_PROPOSED: Final = " UNION SELECT chunk_id FROM dense_{id}"
_EXACT: Final = "embedding <=> {vector}::halfvec"
# What the index is made on, so that the planner can use it.
_BY_INDEX: Final = "embedding::halfvec({dimensions}) <=> {vector}::halfvec({dimensions})"
_SEARCH: Final = with_columns(
    SearchHit,
    """
    WITH {asked},
    {dense}
    candidates AS (SELECT id FROM by_words{candidates}),
    compared AS MATERIALIZED (
        SELECT c.id, c.document_id, c.collection_id, c.n, c.content, c.repeats, c.place, c.dated, v.embedder,
            coalesce((
                SELECT sum(rarity * size * ts_rank(c.words, query, 1)) FROM asked WHERE c.words @@ query
            ), 0)::float8 AS rank,
            coalesce(
                (SELECT sum(rarity) FROM asked WHERE c.words @@ query) / (SELECT nullif(sum(rarity), 0) FROM asked), 0
            )::float8 AS coverage,
            1 - (v.embedding <=> (CASE v.embedder {vectors} END)) AS similarity
        FROM candidates JOIN chunks AS c USING (id)
        LEFT JOIN vectors AS v ON v.chunk_id = c.id AND v.embedder = ANY ($9::int[])
    ),
    scored AS (
        SELECT c.*, o.name AS collection, o.kind, o.trust,
            $5 * coalesce(rank / nullif(rank + {half} * (SELECT sum(rarity) FROM asked), 0), 0)
            + $6 * coalesce(similarity - min(similarity) OVER (PARTITION BY embedder), 0)
            + CASE o.kind WHEN 'table' THEN $7 ELSE 0 END AS score
        FROM compared AS c JOIN collections AS o ON o.id = c.collection_id AND (o.kind = 'voice') = $8
    ),
    best AS (
        SELECT * FROM (SELECT DISTINCT ON (md5(content)) * FROM scored ORDER BY md5(content), score DESC, id) AS once
        ORDER BY score DESC, id
        LIMIT $4
    ),
    found AS (
        SELECT best.*, d.uri, d.title, b.content AS before, a.content AS after, a.repeats AS after_repeats
        FROM best JOIN documents AS d ON d.id = best.document_id
        LEFT JOIN chunks AS b ON b.document_id = best.document_id AND b.n = best.n - 1
        LEFT JOIN chunks AS a ON a.document_id = best.document_id AND a.n = best.n + 1
    )
    SELECT @columns FROM found ORDER BY score DESC, id
    """,
)
HALF_WORD_RANK: Final = 0.012
"""Rank of a chunk, as a share of the rarity of its question's words, at which words count for half of what they can.
It is compared with the question and not with the best chunk, since otherwise the one name that an English question
shares with a Russian text would count as much as a whole sentence."""
_MAX_WORD_MATCHES: Final = 10_000
"""Chunks that a word may be in and still propose candidates."""
_SET_INDEX_OPTIONS: Final = """
    SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', $1, true)
"""


async def searchable_collections(
    connection: Connection,
    mind: str,
    names: AnyOf[str] | None = None,
    kinds: AnyOf[str] | None = None,
    *,
    voice: bool = False,
) -> list[CollectionRow]:
    """The mind's collections to search in: those of `names` and `kinds`, where given, that hold anything.

    Without `voice` none of them is of style examples; with it all are.
    """
    rows = await connection.fetch(
        SEARCHABLE_COLLECTIONS,
        mind,
        voice,
        None if names is None else list(names),
        None if kinds is None else list(kinds),
    )
    return [from_row(CollectionRow, row) for row in rows]


async def search(connection: Connection, query: SearchQuery) -> list[SearchHit]:
    """The chunks that fit the question best, each text once, the best first.

    Both ways of searching propose candidates, and each candidate is then scored both ways; the scores are added rather
    than the ranks, which throw away how much better the best is.
    """
    if not query.collections:
        return []
    by_index = [generation.id for generation, _ in query.vectors if _should_use_index(query, generation)]
    if by_index:
        await connection.fetchrow(_SET_INDEX_OPTIONS, str(max(2 * query.candidates, 100)))
    statement, arguments = build_statement(query, by_index)
    return [from_row(SearchHit, row) for row in await connection.fetch(statement, *arguments)]


def _should_use_index(query: SearchQuery, generation: EmbedderRow) -> bool:
    # By dates few chunks may be left, of which an index would find a part.
    narrow = query.since is not None or query.until is not None
    return generation.indexed and not narrow and sum(one.size for one in query.collections) > query.index_threshold


def build_statement(query: SearchQuery, indexed_ids: AnyOf[int]) -> tuple[str, list[object]]:
    """The query for what is asked; everything that comes from outside is a parameter of it."""
    generations = [generation for generation, _ in query.vectors]
    arguments: list[object] = [
        [one.id for one in query.collections],
        query.question,
        query.candidates,
        query.limit,
        query.weights.words,
        query.weights.dense,
        query.weights.tables,
        query.voice,
        [generation.id for generation in generations],
    ]
    filters = ["c.collection_id = ANY ($1::int[])"]
    for condition, value in (
        ("c.language = ${}::text", query.language),
        ("c.dated >= ${}::date", query.since),
        ("c.dated <= ${}::date", query.until),
    ):
        if value is not None:
            arguments.append(value)
            filters.append(condition.format(len(arguments)))
    where = " AND ".join(filters)
    dense, vectors = "", ""
    for generation, vector in query.vectors:
        arguments.append(np.asarray(vector, dtype=np.float16))
        place = f"${len(arguments)}"
        form = _BY_INDEX if generation.id in indexed_ids else _EXACT
        distance = form.format(vector=place, dimensions=generation.dimensions)
        dense += _DENSE.format(id=generation.id, filters=where, distance=distance) + ","
        vectors += f" WHEN {generation.id} THEN {place}::halfvec"
    statement = _SEARCH.format(
        asked=_QUERY_WORDS.format(common=_MAX_WORD_MATCHES, filters=where),
        dense=dense,
        candidates="".join(_PROPOSED.format(id=generation.id) for generation in generations),
        vectors=vectors or "WHEN 0 THEN NULL::halfvec",
        half=HALF_WORD_RANK,
    )
    return statement, arguments
