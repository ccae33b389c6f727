"""Documents that a person has sent: read, cut and kept in his memory, where nobody else sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from bot.core.i18n import LANGUAGES
from bot.library.chunk import ChunkOptions
from bot.library.chunk.chunk import embedding_text
from bot.library.documents import DocumentLoader, LoadOptions
from bot.library.parse.errors import DocumentRefused, NoText
from bot.library.sources import uploaded_source
from consilium.errors import N_
from db.infra.database import Database
from db.memory import forgetting
from db.memory import personal_documents as rows
from db.memory.memories import Origin
from db.memory.personal_documents import NewPassage, StoredDocument
from inference.embedding import Embedder
from inference.errors import InferenceError

CHUNK_OPTIONS: Final = ChunkOptions(size=160, overlap=30)
"""A passage has to find room in a prompt beside other memories, with words that say where it is from."""
_BATCH_SIZE: Final = 32
"""Passages embedded at once."""

log = structlog.get_logger(__name__)

ProgressCallback = Callable[[int, int], None]
"""Told how many passages are embedded, and of how many."""


class TooManyPassages(DocumentRefused):
    """A document is longer than a person's memory takes."""

    sentence = N_("It is too long for your memory: more than {limit} passages.")
    remedy = N_("Send the part of it that matters.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class MemoryFull(DocumentRefused):
    """With this document a person would have more passages than he may."""

    sentence = N_("There is no room for it: your documents have {held} passages together, and may have {limit}.")
    remedy = N_("/memory shows them, /forget with a number deletes one.")

    def __init__(self, held: int, limit: int) -> None:
        super().__init__(held=held, limit=limit)


class MemoryDeletedMeanwhile(DocumentRefused):
    """The person has had memories deleted while the document was being read."""

    sentence = N_("You have had memories deleted while I was reading it.")
    remedy = N_("Send it again if it is to be kept.")

    def __init__(self) -> None:
        super().__init__()


@dataclass(frozen=True, slots=True)
class PassageLimits:
    """How many passages there is room for."""

    per_document: int
    """Of one document."""
    per_person: int
    """Of all documents of a person."""


class PersonalDocuments:
    """Takes documents into people's memories."""

    def __init__(self, database: Database, embedder: Embedder, reader: DocumentLoader, limits: PassageLimits) -> None:
        self._database = database
        self._embedder = embedder
        self._reader = reader
        self._limits = limits

    async def ingest(
        self, user_id: UUID, name: str, path: Path, origin: Origin, said_at: datetime, on_progress: ProgressCallback
    ) -> StoredDocument:
        """Keep a document, in the place of one of its name that came to the same ears; told of it again, it does
        nothing twice.

        Args:
            name: of its file.
            path: where it lies.
            origin: with the turn that it came in.

        Raises:
            DocumentRefused: why it is not kept.
            RecordNotFound: the person or the turn is not there any more.
        """
        assert origin.turn_id is not None
        async with self._database.person_transaction(user_id) as connection:
            if (kept := await rows.find(connection, origin.turn_id, name)) is not None:
                return kept
            held = await rows.count_passages(connection, name, origin)
        manner = LoadOptions(LANGUAGES, CHUNK_OPTIONS, max_chunks=self._limits.per_document + 1)
        document, chunks = await self._reader.load(path, uploaded_source(name), manner)
        if not chunks:
            raise NoText
        if len(chunks) > self._limits.per_document:
            raise TooManyPassages(self._limits.per_document)
        if held + len(chunks) > self._limits.per_person:
            raise MemoryFull(held, self._limits.per_person)
        passages = [NewPassage(embedding_text(chunk.lead, chunk.content), chunk.place) for chunk in chunks]
        vectors = await self._embed([passage.content for passage in passages], on_progress)
        async with self._database.person_transaction(user_id) as connection:
            if await forgetting.any_forgotten(connection, [origin.turn_id]):
                raise MemoryDeletedMeanwhile
            kept = await rows.save(
                connection,
                name,
                document.title,
                passages,
                origin,
                sent_at=said_at,
                embedder=self._embedder.name,
                vectors=vectors,
            )
        return kept or StoredDocument(len(passages))

    async def _embed(self, texts: Sequence[str], on_progress: ProgressCallback) -> list[NDArray[np.float32] | None]:
        """A vector for each; None for those that the model gives none now. They are made later, and words are there."""
        vectors: list[NDArray[np.float32] | None] = []
        for start in range(0, len(texts), _BATCH_SIZE):
            on_progress(start, len(texts))
            batch = texts[start : start + _BATCH_SIZE]
            try:
                vectors += list(await self._embedder.embed(batch))
            except InferenceError as error:
                log.warning("memory.document_embedding_failed", model=self._embedder.name, reason=str(error))
                return [*vectors, *[None] * (len(texts) - len(vectors))]
        on_progress(len(texts), len(texts))
        return vectors
