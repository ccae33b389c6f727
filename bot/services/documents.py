"""What takes in the documents that people send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bot.mind import Mind
from bot.recall.library.manner import Counter
from bot.recall.library.parse.limits import Limits
from bot.recall.library.parse.parser import Parser
from bot.recall.library.reading import Reading
from bot.recall.library.receiving import Receiving
from bot.recall.memory.documents import PersonalDocuments, Room
from bot.settings import Settings
from bot.turns.documents.taking import Bounds, Documents
from bot.turns.running import RunningTurns
from db.database import Database
from inference.embedding import Embedder

MOST_CHARACTERS: Final = 10_000_000
"""Of a document's text: its passages are held in memory until they are kept."""
READ_WITHIN: Final = 300.0
"""Seconds that a document may be parsed and cut."""


@asynccontextmanager
async def open_documents(
    settings: Settings, mind: Mind, database: Database, embedder: Embedder, counter: Counter, running: RunningTurns
) -> AsyncIterator[Documents]:
    """As long as this is open, documents can be taken in; a process that reads them is there once one is."""
    async with Parser(Limits(megabytes=settings.document_megabytes, characters=MOST_CHARACTERS)) as parser:
        reading = Reading(parser, counter, READ_WITHIN)
        receiving = Receiving(mind, database, embedder, reading, counter.name)
        room = Room(settings.document_passages, settings.person_passages)
        personal = PersonalDocuments(database, embedder, reading, room)
        bounds = Bounds(settings.documents_per_message, settings.document_megabytes)
        yield Documents(receiving, personal, running, bounds)
