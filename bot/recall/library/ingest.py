"""Brings the library's rows into line with the mind's files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.mind import Mind
from bot.mind.collections import Collection
from bot.recall.library.document import Document, read_document
from bot.recall.library.embed import embed_pending, settle
from bot.recall.library.manner import Counter, chunking_hash, cutting_of, is_spoken
from bot.recall.library.parse.parser import Parser
from bot.recall.library.parse.refusals import DocumentRefused, Gone, as_record, from_record
from bot.recall.library.report import Report, Skipped
from bot.recall.library.sources import Source, digest_of, received_source, sources
from bot.recall.library.store import store, store_refusal
from consilium.errors import N_
from db import library as rows
from db import received
from db.database import Database
from db.library import CollectionRow, DocumentRow
from inference.embedding import Embedder

READING, EMBEDDING, SETTLING = N_("reading documents"), N_("embedding"), N_("putting the index in order")

Progress = Callable[[str, int, int], None]
"""Told what is being done (a template for translation), how much of it is done, and of how much."""


class Ingest:
    """Reads what is new or has changed, follows deletions, embeds what has no vector yet."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        parser: Parser,
        counter: Counter,
        progress: Progress = lambda what, done, total: None,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._parser = parser
        self._counter = counter
        self._progress = progress

    async def synchronise(
        self, mind: Mind, names: Sequence[str] | None = None, given: Mapping[str, Sequence[Path]] | None = None
    ) -> Report:
        """Bring a mind's collections up to date with its files.

        Each document is committed by itself and each batch of vectors as well, so that whatever ends this in the
        middle, the next run goes on from there. Several processes may do it at once.

        Args:
            names: the collections; all of the mind's by default, and those it no longer has are deleted then.
            given: files and folders to add to a collection besides those its patterns name; they stay in it as long as
                they exist.
        """
        report = Report()
        wanted = await self._not_empty(mind, mind.collections if names is None else names)
        found = [await self._collection(mind, name, (given or {}).get(name, ())) for name in wanted]
        total = sum(len(work.sources) for work in found)
        done = 0
        for work in found:
            report.deleted += await self._follow_deletions(work)
            for source in work.sources:
                self._progress(READING, done, total)
                await self._document(mind, work, source, report)
                done += 1
        self._progress(READING, done, total)
        if names is None:
            async with self._database.nobody() as connection:
                await rows.drop_other_collections(connection, mind.name, wanted)
        ids = [work.row.id for work in found]
        report.embedded = await embed_pending(
            self._database, self._embedder, ids, lambda so_far, of: self._progress(EMBEDDING, so_far, of)
        )
        if report.embedded or report.chunks_added or report.chunks_deleted or report.deleted:
            self._progress(SETTLING, 0, 1)
            await settle(self._database, self._embedder)
            self._progress(SETTLING, 1, 1)
        return report

    async def _not_empty(self, mind: Mind, names: Iterable[str]) -> list[str]:
        """The collections without the one that has no files of the mind's, as long as nothing was sent for it."""
        async with self._database.nobody() as connection:
            sent = await received.all_of(connection, mind.name)
        return [name for name in names if sent or mind.collections[name].path]

    @asynccontextmanager
    async def _file_of(self, mind: Mind, source: Source) -> AsyncIterator[Path]:
        """Where a source can be read."""
        if source.digest is None:
            yield source.path
            return
        async with self._database.nobody() as connection:
            content = await received.content(connection, mind.name, source.path.name)
        if content is None:
            raise Gone("it has been taken out")
        with TemporaryDirectory(prefix="consilium-received-") as folder:
            path = Path(folder) / f"document{source.path.suffix}"
            await asyncio.to_thread(path.write_bytes, content)
            yield path

    async def _collection(self, mind: Mind, name: str, given: Sequence[Path]) -> _Work:
        collection = mind.collections[name]
        async with self._database.nobody() as connection:
            row = await rows.put_collection(connection, mind.name, name, collection.kind, collection.trust)
            known = {document.uri: document for document in await rows.documents(connection, row.id)}
        before = [mind.folder / document.uri for document in known.values() if document.given]
        there = await asyncio.to_thread(sources, mind, name, [*before, *(path.absolute() for path in given)])
        if name == mind.receiving:
            # Looked at after the documents: one that is taken in at this very moment is not thought to be gone.
            async with self._database.nobody() as connection:
                there += [received_source(one.name, one.digest) for one in await received.all_of(connection, mind.name)]
        return _Work(collection, row, known, there, chunking_hash(collection, self._counter.name))

    async def _follow_deletions(self, work: _Work) -> int:
        there = {source.uri for source in work.sources}
        gone = [document.id for uri, document in work.known.items() if uri not in there]
        async with self._database.nobody() as connection:
            return await rows.delete_documents(connection, gone)

    async def _document(self, mind: Mind, work: _Work, source: Source, report: Report) -> None:
        known = work.known.get(source.uri)
        digest = ""
        try:
            digest = await self._digest(source)
            if known and _is_current(known, digest, work.chunking_hash, source):
                if known.skipped is None:
                    report.unchanged += 1
                    return
                refusal = from_record(known.skipped)
                if not refusal.passing:
                    report.skipped.append(Skipped(work.row.name, source.uri, refusal))
                    return
            async with self._file_of(mind, source) as path:
                parsed = await self._parser.parse(path, spoken=is_spoken(work.collection))
            document = await asyncio.to_thread(
                read_document, parsed, source, work.collection.language, digest, work.chunking_hash
            )
            await self._store(work, document, report)
        except DocumentRefused as refusal:
            report.skipped.append(Skipped(work.row.name, source.uri, refusal))
            async with self._database.nobody() as connection:
                record = as_record(refusal)
                report.chunks_deleted += await store_refusal(
                    connection, work.row.id, source, digest, work.chunking_hash, record
                )

    async def _digest(self, source: Source) -> str:
        if source.digest is not None:
            return source.digest
        return await asyncio.to_thread(digest_of, source.path, self._parser.limits)

    async def _store(self, work: _Work, document: Document, report: Report) -> None:
        async with self._database.nobody() as connection:
            cutting = cutting_of(work.collection)
            changes = await store(connection, work.row.id, document, document.cut(cutting, self._counter.count))
        if changes is None:
            report.unchanged += 1
            return
        report.read += 1
        report.chunks_added += changes.added
        report.chunks_kept += changes.kept
        report.chunks_deleted += changes.deleted


@dataclass(frozen=True, slots=True)
class _Work:
    """A collection and what is to become of it."""

    collection: Collection
    row: CollectionRow
    known: Mapping[str, DocumentRow]
    """What is stored of it, by URI."""
    sources: Sequence[Source]
    chunking_hash: str


def _is_current(known: DocumentRow, digest: str, chunking_hash: str, source: Source) -> bool:
    return (known.content_hash, known.chunking_hash, known.given) == (digest, chunking_hash, source.given)
