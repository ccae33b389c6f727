"""Documents that a person has sent: memories with passages, kept whole and forgotten whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg
from pgvector import HalfVector

from db.errors import RecordNotFound
from db.infra.text import detect_language
from db.memory.memories import to_half_precision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray

    from db.infra.connection import PersonConnection
    from db.memory.memories import Origin


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage to be kept."""

    content: str
    place: str
    """Its place in the document."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What is kept of a document."""

    passages: int
    replaced: bool = False
    """Whether it has taken the place of an earlier one."""


FIND: Final = """
    SELECT id FROM memories WHERE user_id = $1 AND kind = 'document' AND source_turn_id = $2 AND title = $3
"""
SAVE: Final = """
    INSERT INTO memories (
        user_id, kind, content, language, session_id, source_turn_id, voice, scope, chat, valid_from, title
    )
    VALUES ($1, 'document', $2, $3, $4, $5, 'other', $6, $7, $8, $9)
    ON CONFLICT (source_turn_id, title) WHERE kind = 'document' DO NOTHING
    RETURNING id
"""
SAVE_PASSAGES: Final = """
    INSERT INTO memories (
        user_id, kind, content, language, session_id, source_turn_id, voice, scope, chat, valid_from, document_id,
        title, place, embedder, embedding
    )
    SELECT d.user_id, 'passage', new.content, new.language, d.session_id, d.source_turn_id, 'other', d.scope, d.chat,
        d.valid_from, d.id, d.content, new.place, CASE WHEN new.embedding IS NOT NULL THEN $6 END, new.embedding
    FROM memories AS d, unnest($2::text[], $3::text[], $4::text[], $5::halfvec[])
        AS new (content, language, place, embedding)
    WHERE d.id = $1
"""
DELETE_REPLACED: Final = """
    DELETE FROM memories
    WHERE user_id = $1 AND kind = 'document' AND title = $2 AND scope = $3 AND chat IS NOT DISTINCT FROM $4
        AND source_turn_id IS DISTINCT FROM $5
"""
DELETE: Final = "DELETE FROM memories WHERE user_id = $1 AND kind = 'document' AND source_turn_id = $2 AND title = $3"
COUNT_PASSAGES: Final = """
    SELECT count(*) FROM memories AS passage JOIN memories AS document ON document.id = passage.document_id
    WHERE passage.user_id = $1
        AND (document.title, document.scope, document.chat) IS DISTINCT FROM ($2::text, $3::text, $4::text)
"""
COUNT_PASSAGES_BY_DOCUMENT: Final = """
    SELECT document_id, count(*) AS passages FROM memories
    WHERE user_id = $1 AND kind = 'passage' GROUP BY document_id
"""
COUNT_PASSAGES_OF_DOCUMENT: Final = "SELECT count(*) FROM memories WHERE user_id = $1 AND document_id = $2"


async def find(connection: PersonConnection, turn_id: UUID, name: str) -> StoredDocument | None:
    """What is kept of a document that came in a turn; None when it is not there."""
    document_id = await connection.fetchval(FIND, connection.user_id, turn_id, name)
    if document_id is None:
        return None
    return StoredDocument(await connection.fetchval(COUNT_PASSAGES_OF_DOCUMENT, connection.user_id, document_id))


async def count_passages(connection: PersonConnection, name: str | None = None, origin: Origin | None = None) -> int:
    """How many passages all of the person's documents have, without the one that this name would replace."""
    besides = (name, origin.scope, origin.chat) if origin else (None, None, None)
    number: int = await connection.fetchval(COUNT_PASSAGES, connection.user_id, *besides)
    return number


async def count_passages_by_document(connection: PersonConnection) -> Mapping[UUID, int]:
    """How many passages each of the person's documents has."""
    rows = await connection.fetch(COUNT_PASSAGES_BY_DOCUMENT, connection.user_id)
    return {row["document_id"]: row["passages"] for row in rows}


async def save(
    connection: PersonConnection,
    name: str,
    title: str,
    passages: Sequence[NewPassage],
    origin: Origin,
    *,
    sent_at: datetime,
    embedder: str | None,
    vectors: Sequence[NDArray[np.float32] | None],
) -> StoredDocument | None:
    """Keep a document that came in a turn, in the place of one of the same name that came to the same ears.

    Args:
        name: of its file.
        vectors: of each passage, None for those without.

    Returns:
        None when this turn's is kept already.

    Raises:
        RecordNotFound: the turn, the session or the person is no longer there.
    """
    user_id = connection.user_id
    replaced = await connection.execute(DELETE_REPLACED, user_id, name, origin.scope, origin.chat, origin.turn_id)
    try:
        document_id = await connection.fetchval(
            SAVE,
            user_id,
            title,
            detect_language(title),
            origin.session_id,
            origin.turn_id,
            origin.scope,
            origin.chat,
            sent_at,
            name,
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise RecordNotFound(record="turn") from error
    if document_id is None:
        return None
    await connection.execute(
        SAVE_PASSAGES,
        document_id,
        [passage.content for passage in passages],
        [detect_language(passage.content) for passage in passages],
        [passage.place for passage in passages],
        [None if vector is None else HalfVector(to_half_precision(vector)) for vector in vectors],
        embedder,
    )
    return StoredDocument(len(passages), replaced=bool(replaced))


async def delete(connection: PersonConnection, turn_id: UUID, name: str) -> None:
    """Delete the document of this name that came in a turn, with its passages, if it is there."""
    await connection.execute(DELETE, connection.user_id, turn_id, name)
