"""What fills and searches the library, and what reads the documents people send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bot.answering.cancellation import RunningAnswers
from bot.app.components import base_model_folder, database_dsn
from bot.app.models import RetrievalModels, open_retrieval_models
from bot.app.settings import Settings
from bot.intake.attachments.ingest import AttachmentIntake, AttachmentLimits
from bot.library.chunk_options import NamedTokenCounter
from bot.library.documents import DocumentLoader
from bot.library.parse.limits import ParseLimits
from bot.library.parse.parser import Parser
from bot.library.uploads import LibraryUploads
from bot.memory.documents import PassageLimits, PersonalDocuments
from bot.minds import Mind
from db.infra.database import Database
from inference.embedding import Embedder
from inference.engines.tokenizer import ChatTokenizer


@dataclass(frozen=True, slots=True)
class LibraryServices:
    """What the library is filled and searched with."""

    database: Database
    models: RetrievalModels
    embedder: Embedder
    """The present one of the models."""
    counter: NamedTokenCounter
    """Of the base model's tokens."""


@asynccontextmanager
async def open_library(settings: Settings, mind: Mind) -> AsyncIterator[LibraryServices]:
    """What a library needs, without anything that answers; closed on leaving.

    Raises:
        ConsiliumError: what is missing or broken, and how to mend it.
    """
    async with AsyncExitStack() as stack:
        counter = await asyncio.to_thread(make_token_counter, settings, mind)
        models = await stack.enter_async_context(open_retrieval_models(settings))
        assert models.embedder is not None
        dsn = await stack.enter_async_context(database_dsn(settings))
        database = await stack.enter_async_context(await Database.open(dsn))
        yield LibraryServices(database, models, models.embedder, counter)


def make_token_counter(settings: Settings, mind: Mind) -> NamedTokenCounter:
    """What counts text in the base model's tokens; blocking."""
    folder = base_model_folder(settings, mind, weights=False)
    return NamedTokenCounter(settings.base_model or mind.base_model, ChatTokenizer(folder).count)


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
