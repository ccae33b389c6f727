"""Takes a document that came in a chat into the library, in the place of the one that has its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bot.library.chunk_options import chunk_options_of, chunking_hash, holds_dialogues
from bot.library.documents import DocumentLoader, LoadOptions
from bot.library.embedding import embed_document, refresh_index
from bot.library.parse.errors import NoText
from bot.library.sources import uploaded_source
from bot.library.store import store_document
from bot.minds import Mind
from db.infra.database import Database
from db.library import catalog as rows
from db.library import uploads
from inference.embedding import Embedder
from inference.errors import InferenceError

log = structlog.get_logger(__name__)

EmbeddingProgress = Callable[[int, int], None]
"""Told how many passages are embedded, and of how many."""


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What has become of it."""

    passages: int
    replaced: bool
    """Whether it has taken the place of another."""


class LibraryUploads:
    """Takes documents into the mind's collection for them.

    They lie in the database and not in the mind's folder: whichever process brings the library up to date, on whatever
    machine, finds them there, and the folder stays the author's own.
    """

    def __init__(
        self, mind: Mind, database: Database, embedder: Embedder, loader: DocumentLoader, counter_name: str
    ) -> None:
        """Set up.

        Args:
            counter: name of the measure that documents are cut by.
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
        """Read, keep and embed a document; once this returns it is found, and it stays found by later ingests.

        What has been done of it before is not done again, whatever ended it.

        Args:
            name: what it is to be known by.
            path: where it lies.

        Raises:
            DocumentRefused: why it is not taken in; what was there under its name stays.
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
            before = await uploads.lock_digest(connection, self._mind.name, name)
            await uploads.save(connection, self._mind.name, name, document.content_hash, content)
            await store_document(connection, row.id, document, iter(chunks))
        try:
            await embed_document(self._database, self._embedder, row.id, source.uri, len(chunks), on_progress)
        except InferenceError as error:
            # It is found by its words; the next ingest makes what vectors are missing.
            log.warning("library.document_embedding_failed", document=name, reason=str(error))
        await refresh_index(self._database, self._embedder)
        return UploadResult(len(chunks), before not in (None, document.content_hash))
