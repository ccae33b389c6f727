"""What recall needs to know of a person's memories: everything about each of them in one read, as arrays.

A person's memories are read whole, so recall is exact. Packed into one row of byte strings, ten thousand of them come
in milliseconds, where as many rows would take tens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from db.infra.rows import from_row, with_columns
from db.infra.text import detect_language
from db.memory.memories import Embedding, Memory, to_half_precision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.infra.connection import PersonConnection
    from db.memory.memories import Voice
    from db.memory.told import ToldMessage

MAX_QUERY_WORDS: Final = 62
"""Of a question's words as many count: one bit each in a `bigint`."""

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MemoryOverview:
    """What there is of a person's memories."""

    has_any: bool
    """Whether they have some that may be seen here."""
    speakers: Sequence[str]
    """The names of the speakers in them, in alphabetical order."""
    embedders: frozenset[str]
    """The models whose vectors they have, if those were asked for."""


@dataclass(frozen=True, slots=True)
class RecallQuery:
    """What a person's memories are compared with."""

    words: str
    """Any of these words will do; their stems count."""
    embeddings: Sequence[Embedding] = ()
    """The question's vector by each model whose vectors can be compared."""
    speakers: Sequence[str] = ()
    """Names of those whose words are asked for."""
    voice: Voice | None = None
    """Whose words are asked for, when it is not a name that tells."""
    told: Sequence[ToldMessage] = ()
    """Messages that are compared as if they were remembered already."""
    told_vectors: Mapping[UUID, Embedding] = field(default_factory=dict)
    """Their vectors, by id, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Features:
    """Each current memory of a person, compared with the question: arrays of one length, in no particular order."""

    ids: NDArray[np.bytes_]
    """The 16 bytes of each id."""
    session: Integers
    """Equal for memories of one session; 0 for those of none."""
    said_at: Floats
    """Seconds since 1970."""
    made_at: Floats
    """When it was kept, in seconds since 1970."""
    similarity: Floats
    """Cosine, -1 to 1; NaN when it has no vector that can be compared."""
    model: Integers
    """Which of the question's vectors it was compared with; -1 for none."""
    hits: Integers
    """Which of the question's words it has: one bit each."""
    words: Integers
    """How many different words it has."""
    spoken: Flags
    """Whether it was said by a speaker that the question asks for."""
    by_mind: Flags
    """Whether it is an answer of the mind."""
    question: Flags
    """Whether it is a message of the person that asks and states nothing."""
    episode: Flags
    passage: Flags
    """Whether it is of a document, which was cut to size and says as much as there was room for."""

    def __len__(self) -> int:
        return len(self.said_at)

    def memory_id(self, row: int) -> UUID:
        return UUID(bytes=self.ids[row].tobytes())


_ID_BYTES: Final = 16
_MICROSECONDS: Final = 1e6
_POSTGRES_EPOCH: Final = 946_684_800
"""2000-01-01, from which Postgres counts time, in seconds since 1970."""
_TRAITS: Final = ("spoken", "by_mind", "question", "episode", "passage")
"""What is true of a memory or not: a bit each in its `traits`, the first the lowest."""
_MODEL_SHIFT: Final = len(_TRAITS)
_WORDS_SHIFT: Final = 16
"""Above the traits lie the number of the model, counted from 1, and above that the number of words."""

OVERVIEW: Final = """
    SELECT EXISTS (SELECT FROM memories WHERE user_id = $1) AS has_any,
        ARRAY(
            SELECT DISTINCT speaker FROM memories WHERE user_id = $1 AND speaker IS NOT NULL ORDER BY speaker LIMIT 1000
        ) AS speakers,
        CASE WHEN $2 THEN ARRAY(
            SELECT DISTINCT embedder FROM memories WHERE user_id = $1 AND embedder IS NOT NULL
        ) END AS embedders
"""
# Each by its own id. Postgres takes a person for one of average size, and would read all memories of one who has many.
LOAD_BY_IDS: Final = with_columns(
    Memory,
    """
    SELECT @columns FROM unnest($2::uuid[]) AS wanted (wanted_id)
    CROSS JOIN LATERAL (SELECT * FROM memories WHERE id = wanted_id AND user_id = $1 OFFSET 0) AS memory
    """,
)


_QUOTED_LEXEME: Final = r"""'''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''"""
"""A lexeme as it is written in a tsquery."""


_REMEMBERED: Final = """
    SELECT id, session_id, valid_from, created_at, embedder, embedding, words, speaker, voice, kind, content
    FROM memories
    WHERE user_id = $1 AND kind <> 'document'
        AND valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
"""
_TOLD: Final = """
    SELECT id, session_id, said_at, said_at, embedder, vector::halfvec,
        to_tsvector(language::regconfig, folded(content)), NULL, 'person', 'episode', content
    FROM unnest($6::uuid[], $7::uuid[], $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[])
        AS told (id, session_id, said_at, language, content, embedder, vector)
"""


@cache
def build_statement(model_count: int, *, with_told: bool = False) -> str:
    """The read for a question with so many vectors. Those of a model are compared with that model's alone.

    Args:
        with_told: whether messages that are not remembered yet are given, to be compared as well.
    """
    first = 13 if with_told else 6
    source = f"({_REMEMBERED} UNION ALL {_TOLD})" if with_told else f"({_REMEMBERED})"
    pairs = [(f"${first + 2 * n}", f"${first + 1 + 2 * n}") for n in range(model_count)]
    similarity = "".join(f" WHEN {name} THEN 1 - (embedding <=> {vector}::halfvec)" for name, vector in pairs)
    cosine = f"CASE embedder{similarity} END" if model_count else "NULL"
    model = "".join(f" WHEN {name} THEN {(n + 1) << _MODEL_SHIFT}" for n, (name, _) in enumerate(pairs))
    traits = {
        "spoken": "speaker = ANY ($4) OR voice = $5",
        "by_mind": "voice = 'mind'",
        "question": (
            "kind = 'episode' AND voice = 'person' AND right(rtrim(content), 1) = '?' AND content !~ '[.!…]\\s'"
        ),
        "episode": "kind = 'episode'",
        "passage": "kind = 'passage'",
    }
    bits = [f"CASE WHEN {traits[name]} THEN {1 << n} ELSE 0 END" for n, name in enumerate(_TRAITS)]
    if model_count:
        bits.append(f"CASE embedder{model} ELSE 0 END")
    # Each column's values one after another, as Postgres sends them; all gathered from the same rows in one pass. What
    # a column costs is a call of its own for each row: so small things share one.
    columns = {
        "ids": "uuid_send(id)",
        "session": f"uuid_send(coalesce(session_id, '{UUID(int=0)}'))",
        "said_at": "timestamptz_send(valid_from)",
        "made_at": "timestamptz_send(created_at)",
        "similarity": f"float8send(coalesce({cosine}, 'NaN'::float8))",
        "hits": """int8send(CASE WHEN words @@ (SELECT any_word FROM asked) THEN (
            SELECT bit_or(1::bigint << (n - 1)::int)
            FROM unnest((SELECT terms FROM asked)) WITH ORDINALITY AS t (term, n)
            WHERE words @@ term
        ) ELSE 0 END)""",
        "traits": f"int8send(length(words)::bigint * {1 << _WORDS_SHIFT} + {' + '.join(bits)})",
    }
    packed = ", ".join(f"string_agg({value}, ''::bytea) AS {name}" for name, value in columns.items())
    return f"""
        WITH lexemes AS (
            SELECT {_QUOTED_LEXEME} AS quoted FROM unnest(to_tsvector(($2::text)::regconfig, folded(left($3, 4000))))
            ORDER BY positions[1] LIMIT {MAX_QUERY_WORDS}
        ), asked AS MATERIALIZED (
            SELECT array_agg(quoted::tsquery) AS terms, string_agg(quoted, ' | ')::tsquery AS any_word
            FROM lexemes
        )
        SELECT {packed} FROM {source} AS memories
    """  # noqa: S608 (nothing but names and numbers of this file is put in)


async def load_overview(connection: PersonConnection, *, with_embedders: bool) -> MemoryOverview:
    """What there is of the person's memories, before it is known what is asked of them."""
    row = await connection.fetchrow(OVERVIEW, connection.user_id, with_embedders)
    assert row is not None
    return MemoryOverview(row["has_any"], row["speakers"], frozenset(row["embedders"] or ()))


async def compute_features(connection: PersonConnection, query: RecallQuery) -> Features:
    """Everything about each of the person's memories that recall weighs.

    Exact and complete: every memory that holds now and may be seen here is compared; of
    a document its passages are. Words are compared by their
    stems, е and ё alike; of a question over 4,000 characters the head is taken. What has been told and is not
    remembered yet is compared likewise.
    """
    vectors = [part for one in query.embeddings for part in (one.embedder, to_half_precision(one.vector))]
    row = await connection.fetchrow(
        build_statement(len(query.embeddings), with_told=bool(query.told)),
        connection.user_id,
        detect_language(query.words),
        query.words,
        list(query.speakers),
        query.voice,
        *(_told_columns(query) if query.told else ()),
        *vectors,
    )
    assert row is not None
    return _unpack({name: column or b"" for name, column in row.items()})


def _unpack(columns: Mapping[str, bytes]) -> Features:
    """The columns as Postgres sends them, as arrays."""
    traits = np.frombuffer(columns["traits"], ">i8").astype(np.int64)
    said_at, made_at = (
        np.frombuffer(columns[name], ">i8").astype(np.float64) / _MICROSECONDS + _POSTGRES_EPOCH
        for name in ("said_at", "made_at")
    )
    return Features(
        ids=np.frombuffer(columns["ids"], f"V{_ID_BYTES}"),
        # The last half of an id is random.
        session=np.frombuffer(columns["session"], ">i8").astype(np.int64)[1::2],
        said_at=said_at,
        made_at=made_at,
        similarity=np.frombuffer(columns["similarity"], ">f8").astype(np.float64),
        model=((traits >> _MODEL_SHIFT) & ((1 << _WORDS_SHIFT - _MODEL_SHIFT) - 1)) - 1,
        hits=np.frombuffer(columns["hits"], ">i8").astype(np.int64),
        words=traits >> _WORDS_SHIFT,
        **{name: (traits & (1 << n)) != 0 for n, name in enumerate(_TRAITS)},
    )


def _told_columns(query: RecallQuery) -> tuple[list[object], ...]:
    """The messages that are not remembered yet, column by column. Vectors go as text: there are a few of them."""
    embeddings = [query.told_vectors.get(message.id) for message in query.told]
    return (
        [message.id for message in query.told],
        [message.session_id for message in query.told],
        [message.created_at for message in query.told],
        [detect_language(message.question) for message in query.told],
        [message.question for message in query.told],
        [embedding.embedder if embedding else None for embedding in embeddings],
        [str(to_half_precision(embedding.vector).tolist()) if embedding else None for embedding in embeddings],
    )


async def load_by_ids(connection: PersonConnection, ids: Sequence[UUID]) -> list[Memory]:
    """The person's memories of these ids, in their order; those that are gone are left out."""
    found = {
        row["id"]: from_row(Memory, row) for row in await connection.fetch(LOAD_BY_IDS, connection.user_id, list(ids))
    }
    return [found[key] for key in ids if key in found]
