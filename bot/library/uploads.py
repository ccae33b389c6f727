"""Documents uploaded in a chat: stored, chunked and embedded, each replacing the one with the same name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bot.library.chunk_options import chunk_options_of, chunking_hash, holds_dialogues
from bot.library.documents import DocumentLoader, LoadOptions
from bot.library.embedding import EmbeddingProgress, embed_document, refresh_index
from bot.library.parse.errors import NoText
from bot.library.parse.notes import Note
from bot.library.sources import uploaded_source
from bot.library.store import store_document
from bot.minds import Mind
from db.infra.database import Database
from db.library import catalog as rows
from db.library import uploads
from inference.embedding import Embedder
from inference.errors import InferenceError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What an upload has led to."""

    passages: int
    """Chunks of the document."""
    replaced: bool
    """Whether it replaced a different document with the same name."""
    notes: tuple[Note, ...] = ()
    """What is told about it beside its text."""


class LibraryUploads:
    """Adds documents to the mind's collection for uploads.

    Their content is stored in the database, so that any process on any machine can update the library from it, and
    only the author writes to the mind's folder.
    """

    def __init__(
        self, mind: Mind, database: Database, embedder: Embedder, loader: DocumentLoader, counter_name: str
    ) -> None:
        """Set up.

        Args:
            counter_name: name of the loader's token counter.
        """
        self._mind = mind
        self._database = database
        self._embedder = embedder
        self._loader = loader
        collection = mind.collections[mind.upload_collection]
        self._collection = collection
        self._load_options = LoadOptions(
            collection.language,
            chunk_options_of(collection),
            chunking_hash(collection, counter_name),
            holds_dialogues(collection),
        )

    async def ingest(self, name: str, path: Path, on_progress: EmbeddingProgress) -> UploadResult:
        """Parse, store and embed a document; once this returns, a search finds it, and later ingests keep it.

        After an interruption, a repeated call only does what is still to do.

        Args:
            name: what the document is known by.
            path: of a file with the content.

        Raises:
            DocumentRefused: it cannot be read; the former document with its name stays.
        """
        source = uploaded_source(name)
        document, chunks = await self._loader.load(path, source, self._load_options)
        if not chunks:
            raise NoText
        content = await asyncio.to_thread(path.read_bytes)
        document = replace(document, source=replace(source, digest=document.content_hash))
        async with self._database.anonymous_transaction() as connection:
            row = await rows.upsert_collection(
                connection, self._mind.name, self._mind.upload_collection, self._collection.kind, self._collection.trust
            )
            former_digest = await uploads.lock_digest(connection, self._mind.name, name)
            await uploads.save(connection, self._mind.name, name, document.content_hash, content)
            await store_document(connection, row.id, document, iter(chunks))
        try:
            await embed_document(
                self._database, self._embedder, row.id, source.uri, total=len(chunks), on_progress=on_progress
            )
        except InferenceError as error:
            # A search finds it by words; the next ingest adds the missing vectors.
            log.warning("library.document_embedding_failed", document=row.id, reason=error)
        await refresh_index(self._database, self._embedder)
        return UploadResult(len(chunks), former_digest not in (None, document.content_hash), document.notes)
