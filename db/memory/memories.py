"""A person's memories: facts and episodes with their embeddings, and those that still lack one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

import asyncpg
import numpy as np

from db.errors import RecordNotFound
from db.infra.rows import from_row, with_columns
from db.infra.text import Language, detect_language

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from numpy.typing import ArrayLike

    from db.infra.connection import Connection, PersonConnection

MemoryKind = Literal["fact", "episode", "summary", "document", "passage"]
"""A `document` that the person sent owns its passages: they are deleted with it."""
Voice = Literal["person", "mind", "other"]
"""Who speaks in a memory: the person, the mind that answered, or another speaker in the conversation."""
Scope = Literal["private", "chat", "shared"]
"""Where a memory may be recalled: in private only, also in the chat it was said in, or anywhere the person talks."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing remembered of a person."""

    id: UUID
    user_id: UUID
    session_id: UUID | None
    """The session it was said in; None when it was said in none or the session is gone."""
    source_turn_id: UUID | None
    """The turn it was drawn from."""
    kind: MemoryKind
    content: str
    language: Language
    voice: Voice
    speaker: str | None
    """What the one who speaks is called, where that is known."""
    scope: Scope
    chat: str | None
    """The group chat that it was said in."""
    embedder: str | None
    """Name and version of the model that made its vector; None when it has none and is recalled by words alone."""
    created_at: datetime
    valid_from: datetime
    """From when it is true; for an episode, when it was said."""
    valid_until: datetime | None
    """When it ceases to hold; None when no end is known."""
    document_id: UUID | None
    """Of a passage, its document."""
    title: str | None
    """Of a document, its file's name; of a passage, its document's title."""
    place: str | None
    """For a passage, its place in the document."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector and the model it came from; vectors of different models are never compared."""

    embedder: str
    """Name and version; every vector under one name has the same number of dimensions."""
    vector: ArrayLike
    """One dimension; kept in half precision."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a memory comes from, and where it may be recalled."""

    session_id: UUID | None = None
    turn_id: UUID | None = None
    voice: Voice = "person"
    speaker: str | None = None
    scope: Scope = "private"
    chat: str | None = None
    """Needed by the scope `chat`."""


NO_ORIGIN: Final = Origin()
REMEMBER: Final = with_columns(
    Memory,
    """
    INSERT INTO memories (
        user_id, kind, content, language, session_id, source_turn_id, voice, speaker, scope, chat, embedder, embedding,
        valid_from, valid_until
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::halfvec, coalesce($13, now()), $14)
    ON CONFLICT (source_turn_id, voice) WHERE kind = 'episode' DO NOTHING
    RETURNING @columns
    """,
)
LIST_VALID: Final = with_columns(
    Memory,
    """
    SELECT @columns FROM memories
    WHERE user_id = $1 AND kind = ANY ($2) AND valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
    ORDER BY created_at, id
    """,
)
LIST_BY_TURN: Final = with_columns(
    Memory,
    "SELECT @columns FROM memories WHERE user_id = $1 AND source_turn_id = $2 AND kind = $3 ORDER BY created_at, id",
)
COUNT: Final = "SELECT count(*) FROM memories WHERE user_id = $1 AND kind = $2"
CORRECT: Final = with_columns(
    Memory,
    """
    UPDATE memories SET content = $3, language = $4, embedder = $5, embedding = $6::halfvec
    WHERE user_id = $1 AND id = $2
    RETURNING @columns
    """,
)
EXPIRE: Final = """
    UPDATE memories SET valid_until = greatest($3, valid_from)
    WHERE user_id = $1 AND id = $2 AND valid_until IS NULL
"""
FIND: Final = with_columns(Memory, "SELECT @columns FROM memories WHERE user_id = $1 AND id = $2")
FORGET_ALL: Final = "DELETE FROM memories WHERE user_id = $1"


async def restrict_to_chat(connection: PersonConnection, chat: str) -> None:
    """From here to the transaction's end, see only what may be recalled in a chat with others.

    Row-level security sees to it: no statement, however it is written, reads a private memory or one of another chat.
    """
    await connection.enter_chat(chat)


async def remember(
    connection: PersonConnection,
    kind: MemoryKind,
    content: str,
    *,
    embedding: Embedding | None = None,
    origin: Origin = NO_ORIGIN,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> Memory | None:
    """Store something the person said; it is true from now on unless given otherwise.

    The words it will be found by are stemmed in the language its script suggests (`db.infra.text.language_of`).

    Returns:
        None when it is an episode of a turn that was remembered before.

    Raises:
        RecordNotFound: the session or the turn it comes from, or the person, is no longer there.
    """
    try:
        row = await connection.fetchrow(
            REMEMBER,
            connection.user_id,
            kind,
            content,
            detect_language(content),
            origin.session_id,
            origin.turn_id,
            origin.voice,
            origin.speaker,
            origin.scope,
            origin.chat,
            *embedding_columns(embedding),
            valid_from,
            valid_until,
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise RecordNotFound(record="session") from error
    return from_row(Memory, row) if row is not None else None


async def list_valid(
    connection: PersonConnection, kinds: Sequence[MemoryKind] = ("fact", "episode", "summary")
) -> list[Memory]:
    """All current memories of the person, oldest first."""
    return [from_row(Memory, row) for row in await connection.fetch(LIST_VALID, connection.user_id, list(kinds))]


async def list_by_turn(connection: PersonConnection, turn_id: UUID, kind: MemoryKind) -> list[Memory]:
    """What was drawn from a turn, oldest first, whether it still holds or not."""
    return [from_row(Memory, row) for row in await connection.fetch(LIST_BY_TURN, connection.user_id, turn_id, kind)]


async def count(connection: PersonConnection, kind: MemoryKind) -> int:
    """How many memories of a kind the person has."""
    number: int = await connection.fetchval(COUNT, connection.user_id, kind)
    return number


async def correct(
    connection: PersonConnection, memory_id: UUID, content: str, embedding: Embedding | None = None
) -> Memory | None:
    """Put other words, and their vector, in the place of a memory's; None when the person has no such memory."""
    row = await connection.fetchrow(
        CORRECT, connection.user_id, memory_id, content, detect_language(content), *embedding_columns(embedding)
    )
    return from_row(Memory, row) if row is not None else None


async def expire(connection: PersonConnection, memory_id: UUID, moment: datetime) -> bool:
    """A memory ceases to hold; False when the person has no such memory, or it has an end already."""
    return await connection.execute(EXPIRE, connection.user_id, memory_id, moment) > 0


async def find(connection: PersonConnection, memory_id: UUID) -> Memory | None:
    """One of the person's memories; None when there is no such memory."""
    row = await connection.fetchrow(FIND, connection.user_id, memory_id)
    return from_row(Memory, row) if row is not None else None


async def forget_all(connection: PersonConnection) -> int:
    """Delete all memories of the person for good; how many there were."""
    return await connection.execute(FORGET_ALL, connection.user_id)


def to_half_precision(vector: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    """A vector as it is kept."""
    return np.asarray(vector, dtype=np.float16)


def embedding_columns(embedding: Embedding | None) -> tuple[object, object]:
    """The model and the vector as they are kept; neither without an embedding."""
    return (embedding.embedder, to_half_precision(embedding.vector)) if embedding else (None, None)


@dataclass(frozen=True, slots=True)
class UnembeddedMemory:
    """That a memory lacks a vector, and whose it is; nothing of what it says."""

    id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class MemoryText:
    """The text that a vector is computed from."""

    id: UUID
    content: str


LIST_UNEMBEDDED: Final = with_columns(UnembeddedMemory, "SELECT @columns FROM unembedded($1, $2)")
LOAD_TEXTS: Final = with_columns(
    MemoryText, "SELECT @columns FROM memories WHERE user_id = $1 AND id = ANY ($2) AND embedder IS DISTINCT FROM $3"
)
# Of a memory that has been corrected meanwhile the vector would tell of other words.
SAVE_EMBEDDING: Final = """
    UPDATE memories SET embedder = $4, embedding = $5::halfvec
    WHERE user_id = $1 AND id = $2 AND content = $3
"""


async def list_unembedded(connection: Connection, embedder: str, limit: int) -> list[UnembeddedMemory]:
    """Some memories, of whomever, that have no vector by this model."""
    return [from_row(UnembeddedMemory, row) for row in await connection.fetch(LIST_UNEMBEDDED, embedder, limit)]


async def load_texts(connection: PersonConnection, ids: Sequence[UUID], embedder: str) -> list[MemoryText]:
    """What those of the person's memories say that have no vector by this model yet."""
    return [
        from_row(MemoryText, row) for row in await connection.fetch(LOAD_TEXTS, connection.user_id, list(ids), embedder)
    ]


async def save_embedding(connection: PersonConnection, text: MemoryText, embedding: Embedding) -> bool:
    """Give a memory its vector; False when it says something else by now, or is gone."""
    changed = await connection.execute(
        SAVE_EMBEDDING,
        connection.user_id,
        text.id,
        text.content,
        embedding.embedder,
        to_half_precision(embedding.vector),
    )
    return changed > 0
