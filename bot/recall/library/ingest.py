"""Brings the library's rows into line with the mind's files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blake3 import blake3

from bot.mind import Mind
from bot.mind.collections import Collection, CollectionKind
from bot.recall.library.chunk import Cutting, TokenCounter
from bot.recall.library.document import Document, read_document
from bot.recall.library.embed import embed_pending, settle
from bot.recall.library.parse.formats import VERSION as PARSER_VERSION
from bot.recall.library.parse.parser import Parser
from bot.recall.library.parse.refusals import DocumentRefused, as_record, from_record
from bot.recall.library.report import Report, Skipped
from bot.recall.library.sources import Source, digest_of, sources
from bot.recall.library.store import store, store_refusal
from consilium.errors import N_
from db import library as rows
from db.database import Database
from db.library import CollectionRow, DocumentRow
from inference.embedding import Embedder

CUTTING_VERSION: Final = 1
"""Raised when the same blocks are cut in another way, so that everything is cut anew."""

READING, EMBEDDING, SETTLING = N_("reading documents"), N_("embedding"), N_("putting the index in order")

Progress = Callable[[str, int, int], None]
"""Told what is being done (a template for translation), how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Counter:
    """The model's measure of text."""

    name: str
    """Of the tokenizer: when it changes, everything is cut anew."""
    count: TokenCounter


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
        wanted = list(mind.collections) if names is None else list(names)
        found = [await self._collection(mind, name, (given or {}).get(name, ())) for name in wanted]
        total = sum(len(work.sources) for work in found)
        done = 0
        for work in found:
            report.deleted += await self._follow_deletions(work)
            for source in work.sources:
                self._progress(READING, done, total)
                await self._document(work, source, report)
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

    async def _collection(self, mind: Mind, name: str, given: Sequence[Path]) -> _Work:
        collection = mind.collections[name]
        async with self._database.nobody() as connection:
            row = await rows.put_collection(connection, mind.name, name, collection.kind, collection.trust)
            known = {document.uri: document for document in await rows.documents(connection, row.id)}
        before = [mind.folder / document.uri for document in known.values() if document.given]
        there = await asyncio.to_thread(sources, mind, name, [*before, *(path.absolute() for path in given)])
        return _Work(collection, row, known, there, self._chunking_hash(collection))

    async def _follow_deletions(self, work: _Work) -> int:
        there = {source.uri for source in work.sources}
        gone = [document.id for uri, document in work.known.items() if uri not in there]
        async with self._database.nobody() as connection:
            return await rows.delete_documents(connection, gone)

    async def _document(self, work: _Work, source: Source, report: Report) -> None:
        known = work.known.get(source.uri)
        digest = ""
        try:
            digest = await asyncio.to_thread(digest_of, source.path, self._parser.limits)
            if known and _is_current(known, digest, work.chunking_hash, source):
                if known.skipped is None:
                    report.unchanged += 1
                    return
                refusal = from_record(known.skipped)
                if not refusal.passing:
                    report.skipped.append(Skipped(work.row.name, source.uri, refusal))
                    return
            parsed = await self._parser.parse(source.path, spoken=_is_spoken(work.collection))
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

    async def _store(self, work: _Work, document: Document, report: Report) -> None:
        async with self._database.nobody() as connection:
            cutting = _cutting(work.collection)
            changes = await store(connection, work.row.id, document, document.cut(cutting, self._counter.count))
        if changes is None:
            report.unchanged += 1
            return
        report.read += 1
        report.chunks_added += changes.added
        report.chunks_kept += changes.kept
        report.chunks_deleted += changes.deleted

    def _chunking_hash(self, collection: Collection) -> str:
        all_of_it = (
            PARSER_VERSION,
            CUTTING_VERSION,
            self._counter.name,
            _cutting(collection),
            _is_spoken(collection),
            collection.language,
        )
        return str(blake3(repr(all_of_it).encode()).hexdigest(8))


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


def _is_spoken(collection: Collection) -> bool:
    return collection.kind in (CollectionKind.DIALOGUE, CollectionKind.VOICE)


def _cutting(collection: Collection) -> Cutting:
    chunking = collection.chunking
    return Cutting(chunking.size, chunking.overlap, diary=collection.kind is CollectionKind.DIARY)
