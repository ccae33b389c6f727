"""Synchronises the library in the database with the mind's files, and reports what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.core.scratch import ScratchFolder
from bot.library.chunk_options import NamedTokenCounter, chunk_options_of, chunking_hash, holds_dialogues
from bot.library.documents import Document, build_document
from bot.library.embedding import embed_pending, refresh_index, use_kept_vectors
from bot.library.kept_vectors import load_kept_vectors
from bot.library.parse.errors import BadName, DocumentRefused, UploadRemoved, refusal_from_record, refusal_to_record
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.parser import Parser
from bot.library.sources import Source, file_digest, list_sources, shown_name, uploaded_source
from bot.library.store import store_document, store_refusal
from bot.minds import Mind
from bot.minds.schema import Collection
from consilium.errors import N_
from db.infra.database import Database
from db.library import catalog as rows
from db.library import uploads
from db.library.catalog import CollectionRow, DocumentRow
from inference.embedding import Embedder

READING, EMBEDDING, INDEXING = N_("reading documents"), N_("embedding"), N_("updating the index")
IngestProgress = Callable[[str, int, int], None]
"""Called with what is being done (a template for translation), how much of it is done, and the total."""


@dataclass(frozen=True, slots=True)
class SkippedDocument:
    """A document that was left out."""

    collection: str
    uri: str
    reason: DocumentRefused


@dataclass(frozen=True, slots=True)
class DocumentNotes:
    """What is told about a document beside its text."""

    collection: str
    uri: str
    notes: Sequence[Note]


@dataclass(slots=True)
class IngestReport:
    """What an ingest has done so far."""

    ingested: int = 0
    """Documents that were new or had changed."""
    unchanged: int = 0
    deleted: int = 0
    """Documents whose files are gone."""
    chunks_added: int = 0
    chunks_kept: int = 0
    """Chunks of changed documents whose text had not changed: they keep their vectors."""
    chunks_deleted: int = 0
    embedded: int = 0
    """Chunks that have got a vector, computed or come with the mind."""
    skipped: list[SkippedDocument] = field(default_factory=list)
    notes: list[DocumentNotes] = field(default_factory=list)
    """About documents that were new or had changed, and about the folders added."""


@dataclass(frozen=True, slots=True)
class _CollectionWork:
    """A collection with its stored documents and its sources."""

    collection: Collection
    row: CollectionRow
    stored: Mapping[str, DocumentRow]
    """By URI."""
    sources: Sequence[Source]
    links_outside: Sequence[Path]
    chunking_hash: str


class Ingest:
    """Reads new and changed documents, deletes those that are gone, embeds chunks that have no vector yet."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        parser: Parser,
        counter: NamedTokenCounter,
        progress: IngestProgress = lambda what, done, total: None,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._parser = parser
        self._counter = counter
        self._progress = progress

    async def synchronise(
        self, mind: Mind, names: Sequence[str] | None = None, added_paths: Mapping[str, Sequence[Path]] | None = None
    ) -> IngestReport:
        """Bring a mind's collections up to date with its files.

        Each document and each batch of vectors is committed by itself, so after an interruption the next run continues
        where this one ended. Several processes may do this at once.

        Args:
            names: the collections; by default all of the mind's, and then those it no longer has are deleted.
            added_paths: by collection, files and folders to add to those its patterns name; they stay in the
                collection as long as they exist.
        """
        report = IngestReport()
        wanted = await self._nonempty_collections(mind, mind.collections if names is None else names)
        plan = [await self._plan_collection(mind, name, (added_paths or {}).get(name, ())) for name in wanted]
        total = sum(len(work.sources) for work in plan)
        done = 0
        for work in plan:
            report.deleted += await self._delete_missing(work)
            if links := [str(link) for link in work.links_outside]:
                report.notes.append(DocumentNotes(work.row.name, "", [note(NoteKind.LINKS_OUTSIDE, links)]))
            for source in work.sources:
                self._progress(READING, done, total)
                await self._ingest_document(mind, work, source, report)
                done += 1
        self._progress(READING, done, total)
        if names is None:
            async with self._database.anonymous_transaction() as connection:
                await rows.delete_other_collections(connection, mind.name, wanted)
        ids = [work.row.id for work in plan]
        kept = await asyncio.to_thread(load_kept_vectors, mind.folder, self._embedder.name, self._embedder.dimensions)
        report.embedded = await use_kept_vectors(self._database, self._embedder, ids, kept)
        report.embedded += await embed_pending(
            self._database, self._embedder, ids, lambda so_far, of: self._progress(EMBEDDING, so_far, of)
        )
        if report.embedded or report.chunks_added or report.chunks_deleted or report.deleted:
            self._progress(INDEXING, 0, 1)
            await refresh_index(self._database, self._embedder)
            self._progress(INDEXING, 1, 1)
        return report

    async def _nonempty_collections(self, mind: Mind, names: Iterable[str]) -> list[str]:
        """The collections without the one for uploads as long as it is empty: it has no files in the mind's folder."""
        async with self._database.anonymous_transaction() as connection:
            has_uploads = bool(await uploads.list_all(connection, mind.name))
        return [name for name in names if has_uploads or mind.collections[name].path]

    @asynccontextmanager
    async def _open_source(self, mind: Mind, source: Source) -> AsyncIterator[Path]:
        """The path of a file with the content of a source."""
        if source.digest is None:
            yield source.path
            return
        async with self._database.anonymous_transaction() as connection:
            content = await uploads.load_content(connection, mind.name, source.path.name)
        if content is None:
            raise UploadRemoved
        with ScratchFolder() as folder:
            path = folder.path / f"document{source.path.suffix}"
            await asyncio.to_thread(path.write_bytes, content)
            yield path

    async def _plan_collection(self, mind: Mind, name: str, added_paths: Sequence[Path]) -> _CollectionWork:
        collection = mind.collections[name]
        async with self._database.anonymous_transaction() as connection:
            row = await rows.upsert_collection(connection, mind.name, name, collection.kind, collection.trust)
            stored = {document.uri: document for document in await rows.list_documents(connection, row.id)}
        paths = [mind.folder / document.uri for document in stored.values() if document.given]
        paths += [path.absolute() for path in added_paths]
        found = await asyncio.to_thread(list_sources, mind, name, paths)
        sources = found.sources
        if name == mind.upload_collection:
            # After the stored documents: otherwise one that is uploaded in between would look deleted.
            async with self._database.anonymous_transaction() as connection:
                sources += [
                    uploaded_source(upload.name, upload.digest)
                    for upload in await uploads.list_all(connection, mind.name)
                ]
        digest = chunking_hash(collection, self._counter.name)
        return _CollectionWork(collection, row, stored, sources, found.links_outside, digest)

    async def _delete_missing(self, work: _CollectionWork) -> int:
        present = {source.uri for source in work.sources}
        missing = [document.id for uri, document in work.stored.items() if uri not in present]
        async with self._database.anonymous_transaction() as connection:
            return await rows.delete_documents(connection, missing)

    async def _ingest_document(self, mind: Mind, work: _CollectionWork, source: Source, report: IngestReport) -> None:
        if (shown := shown_name(source.uri)) != source.uri:
            report.skipped.append(SkippedDocument(work.row.name, shown, BadName()))
            return
        stored = work.stored.get(source.uri)
        digest = ""
        try:
            digest = await self._digest(source)
            if stored and _is_current(stored, digest, work.chunking_hash, source):
                if stored.skipped is None:
                    report.unchanged += 1
                    return
                refusal = refusal_from_record(stored.skipped)
                if not refusal.is_transient:
                    report.skipped.append(SkippedDocument(work.row.name, source.uri, refusal))
                    return
            async with self._open_source(mind, source) as path:
                parsed = await self._parser.parse(path, is_dialogue=holds_dialogues(work.collection))
            document = await asyncio.to_thread(
                build_document, parsed, source, work.collection.language, digest, work.chunking_hash
            )
            await self._store(work, document, report)
        except DocumentRefused as refusal:
            report.skipped.append(SkippedDocument(work.row.name, source.uri, refusal))
            async with self._database.anonymous_transaction() as connection:
                report.chunks_deleted += await store_refusal(
                    connection,
                    work.row.id,
                    source,
                    refusal_to_record(refusal),
                    content_hash=digest,
                    chunking_hash=work.chunking_hash,
                )

    async def _digest(self, source: Source) -> str:
        if source.digest is not None:
            return source.digest
        return await asyncio.to_thread(file_digest, source.path, self._parser.limits)

    async def _store(self, work: _CollectionWork, document: Document, report: IngestReport) -> None:
        async with self._database.anonymous_transaction() as connection:
            chunks = document.chunks(chunk_options_of(work.collection), self._counter.count)
            changes = await store_document(connection, work.row.id, document, chunks)
        if changes is None:
            report.unchanged += 1
            return
        report.ingested += 1
        if document.notes:
            report.notes.append(DocumentNotes(work.row.name, document.source.uri, document.notes))
        report.chunks_added += changes.added
        report.chunks_kept += changes.kept
        report.chunks_deleted += changes.deleted


def _is_current(stored: DocumentRow, digest: str, chunking_hash: str, source: Source) -> bool:
    return (stored.content_hash, stored.chunking_hash, stored.given) == (digest, chunking_hash, source.added_by_hand)
