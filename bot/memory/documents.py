"""Documents that people send: parsed, chunked and saved in the sender's own memory, which nobody else can see."""

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
from bot.library.parse.notes import Note
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
"""Smaller than in the library: a passage shares the prompt with other memories, and its origin is written beside it."""
_BATCH_SIZE: Final = 32
"""Passages that are embedded in one call."""

log = structlog.get_logger(__name__)

ProgressCallback = Callable[[int, int], None]
"""Called with the number of embedded passages and the number of all passages."""


class TooManyPassages(DocumentRefused):
    """A document has more passages than one document may have."""

    sentence = N_("It is too long for your memory: more than {limit} passages.")
    remedy = N_("Send the part of it that matters.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class MemoryFull(DocumentRefused):
    """With this document, the person's documents would have more passages than allowed."""

    sentence = N_("There is no room for it: your documents have {held} passages together, and may have {limit}.")
    remedy = N_("/memory shows them, /forget with a number deletes one.")

    def __init__(self, held: int, limit: int) -> None:
        super().__init__(held=held, limit=limit)


class MemoryDeletedMeanwhile(DocumentRefused):
    """The person deleted memories while the document was being read."""

    sentence = N_("You deleted memories while I was reading it.")
    remedy = N_("Send it again if you want me to keep it.")

    def __init__(self) -> None:
        super().__init__()


@dataclass(frozen=True, slots=True)
class PassageLimits:
    """Maximum numbers of passages."""

    per_document: int
    per_person: int
    """In all documents of a person together."""


@dataclass(frozen=True, slots=True)
class RememberedDocument:
    """What came of a document."""

    passages: int
    replaced: bool = False
    """Whether it has taken the place of an earlier one."""
    notes: tuple[Note, ...] = ()
    """What is told about it beside its text; nothing where it had been saved before."""


class PersonalDocuments:
    """Saves documents in people's memories."""

    def __init__(self, database: Database, embedder: Embedder, loader: DocumentLoader, limits: PassageLimits) -> None:
        self._database = database
        self._embedder = embedder
        self._loader = loader
        self._limits = limits

    async def ingest(
        self,
        user_id: UUID,
        path: Path,
        *,
        name: str,
        origin: Origin,
        sent_at: datetime,
        on_progress: ProgressCallback,
    ) -> RememberedDocument:
        """Save a document. It replaces a document of the same name and scope.

        Idempotent: a document that was already saved for this turn is returned as it is.

        Args:
            path: the file to read.
            name: the file's name as it was sent.
            origin: the session and the turn it came in.
            sent_at: when it was sent.

        Raises:
            DocumentRefused: it is not saved; the error says why.
            RecordNotFound: the person or the turn no longer exists.
        """
        assert origin.turn_id is not None
        async with self._database.person_transaction(user_id) as connection:
            if (stored := await rows.find(connection, origin.turn_id, name)) is not None:
                return RememberedDocument(stored.passages, stored.replaced)
            held = await rows.count_passages(connection, name, origin)
        options = LoadOptions(LANGUAGES, CHUNK_OPTIONS, max_chunks=self._limits.per_document + 1)
        document, chunks = await self._loader.load(path, uploaded_source(name), options)
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
            stored = await rows.save(
                connection,
                name,
                document.title,
                passages,
                origin,
                sent_at=sent_at,
                embedder=self._embedder.name,
                vectors=vectors,
            )
        stored = stored or StoredDocument(len(passages))
        return RememberedDocument(stored.passages, stored.replaced, document.notes)

    async def delete(self, user_id: UUID, turn_id: UUID, name: str) -> None:
        """Delete the document of this name that came in a turn, because it is in the library now; idempotent."""
        async with self._database.person_transaction(user_id) as connection:
            await rows.delete(connection, turn_id, name)

    async def _embed(self, texts: Sequence[str], on_progress: ProgressCallback) -> list[NDArray[np.float32] | None]:
        """A vector for each text.

        When the embedder fails, the rest get None: they can be recalled by their words, and `Reembedder` embeds them
        later.
        """
        vectors: list[NDArray[np.float32] | None] = []
        for start in range(0, len(texts), _BATCH_SIZE):
            on_progress(start, len(texts))
            batch = texts[start : start + _BATCH_SIZE]
            try:
                vectors += list(await self._embedder.embed(batch))
            except InferenceError as error:
                log.warning("memory.document_embedding_failed", model=self._embedder.name, reason=error)
                return [*vectors, *[None] * (len(texts) - len(vectors))]
        on_progress(len(texts), len(texts))
        return vectors
