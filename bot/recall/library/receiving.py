"""Takes a document that came in a chat into the library, in the place of the one that has its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bot.mind import Mind
from bot.recall.library.embed import embed_document, settle
from bot.recall.library.manner import chunking_hash, cutting_of, is_spoken
from bot.recall.library.parse.refusals import NoText
from bot.recall.library.reading import Manner, Reading
from bot.recall.library.sources import received_source
from bot.recall.library.store import store
from db import library as rows
from db import received
from db.database import Database
from inference.embedding import Embedder
from inference.errors import InferenceError

log = structlog.get_logger(__name__)

Told = Callable[[int, int], None]
"""Told how many passages are embedded, and of how many."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What has become of it."""

    passages: int
    replaced: bool
    """Whether it has taken the place of another."""


class Receiving:
    """Takes documents into the mind's collection for them.

    They lie in the database and not in the mind's folder: whichever process brings the library up to date, on whatever
    machine, finds them there, and the folder stays the author's own.
    """

    def __init__(self, mind: Mind, database: Database, embedder: Embedder, reading: Reading, counter: str) -> None:
        """Set up.

        Args:
            counter: name of the measure that documents are cut by.
        """
        self._mind = mind
        self._database = database
        self._embedder = embedder
        self._reading = reading
        collection = mind.collections[mind.receiving]
        self._collection = collection
        self._manner = Manner(
            collection.language,
            cutting_of(collection),
            chunking_hash(collection, counter),
            is_spoken(collection),
        )

    async def take(self, name: str, path: Path, told: Told) -> TakenIn:
        """Read, keep and embed a document; once this returns it is found, and it stays found by later ingests.

        What has been done of it before is not done again, whatever ended it.

        Args:
            name: what it is to be known by.
            path: where it lies.

        Raises:
            DocumentRefused: why it is not taken in; what was there under its name stays.
        """
        source = received_source(name)
        document, chunks = await self._reading.read(path, source, self._manner)
        if not chunks:
            raise NoText
        content = await asyncio.to_thread(path.read_bytes)
        document = replace(document, source=replace(source, digest=document.content_hash))
        async with self._database.nobody() as connection:
            row = await rows.put_collection(
                connection, self._mind.name, self._mind.receiving, self._collection.kind, self._collection.trust
            )
            before = await received.digest(connection, self._mind.name, name)
            await received.put(connection, self._mind.name, name, document.content_hash, content)
            await store(connection, row.id, document, iter(chunks))
        try:
            await embed_document(self._database, self._embedder, row.id, source.uri, len(chunks), told)
        except InferenceError as error:
            # It is found by its words; the next ingest makes what vectors are missing.
            log.warning("library.document_not_embedded", document=name, reason=str(error))
        await settle(self._database, self._embedder)
        return TakenIn(len(chunks), before not in (None, document.content_hash))
