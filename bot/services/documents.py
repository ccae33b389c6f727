"""What takes in the documents that people send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bot.mind import Mind
from bot.recall.library.manner import NamedTokenCounter
from bot.recall.library.parse.limits import ParseLimits
from bot.recall.library.parse.parser import Parser
from bot.recall.library.reading import DocumentLoader
from bot.recall.library.receiving import LibraryUploads
from bot.recall.memory.documents import PassageLimits, PersonalDocuments
from bot.settings import Settings
from bot.turns.documents.taking import AttachmentIntake, AttachmentLimits
from bot.turns.running import RunningAnswers
from db.database import Database
from inference.embedding import Embedder

MAX_DOCUMENT_CHARACTERS: Final = 10_000_000
"""Of a document's text: its passages are held in memory until they are kept."""
DOCUMENT_READ_TIMEOUT: Final = 300.0
"""Seconds that a document may be parsed and cut."""


@asynccontextmanager
async def open_documents(
    settings: Settings,
    mind: Mind,
    database: Database,
    embedder: Embedder,
    counter: NamedTokenCounter,
    running_turns: RunningAnswers,
) -> AsyncIterator[AttachmentIntake]:
    """As long as this is open, documents can be taken in; a process that reads them is there once one is."""
    async with Parser(ParseLimits(megabytes=settings.document_megabytes, characters=MAX_DOCUMENT_CHARACTERS)) as parser:
        reading = DocumentLoader(parser, counter, DOCUMENT_READ_TIMEOUT)
        receiving = LibraryUploads(mind, database, embedder, reading, counter.name)
        room = PassageLimits(settings.document_passages, settings.person_passages)
        personal = PersonalDocuments(database, embedder, reading, room)
        bounds = AttachmentLimits(settings.documents_per_message, settings.document_megabytes)
        yield AttachmentIntake(receiving, personal, running_turns, bounds)
