"""Opens what the library is filled and searched with, and what reads the documents that people send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bot.answering.cancellation import RunningAnswers
from bot.app.components import RetrievalModels, base_model_folder, open_database, open_retrieval_models
from bot.app.settings import Settings
from bot.intake.attachments.ingest import AttachmentIntake, AttachmentLimits
from bot.library.chunk_options import NamedTokenCounter
from bot.library.documents import DocumentLoader
from bot.library.parse.limits import ParseLimits
from bot.library.parse.parser import Parser
from bot.library.uploads import LibraryUploads
from bot.memory.documents import PassageLimits, PersonalDocuments
from bot.minds import Mind
from db.infra.database import Access, Database
from inference.embedding import Embedder
from inference.engines.tokenizer import ChatTokenizer

MAX_DOCUMENT_CHARACTERS: Final = 10_000_000
"""Characters of a document's text: its passages stay in memory until they are saved."""
DOCUMENT_READ_TIMEOUT: Final = 300.0
"""Seconds that parsing and chunking a document may take."""


@dataclass(frozen=True, slots=True)
class LibraryServices:
    """What the library is filled and searched with."""

    database: Database
    models: RetrievalModels
    embedder: Embedder
    """The current one of the models."""
    counter: NamedTokenCounter
    """Counts in the base model's tokens."""


@asynccontextmanager
async def open_library(
    settings: Settings, mind: Mind, access: Access = Access.MIGRATE
) -> AsyncIterator[LibraryServices]:
    """What a library needs, without anything that answers; closed on exit.

    Args:
        access: `READ` for commands that only look.

    Raises:
        ConsiliumError: what is missing or broken, and how to fix it.
    """
    async with AsyncExitStack() as stack:
        counter = await asyncio.to_thread(make_token_counter, settings, mind)
        models = await stack.enter_async_context(open_retrieval_models(settings))
        assert models.embedder is not None
        database = await stack.enter_async_context(open_database(settings, access))
        yield LibraryServices(database, models, models.embedder, counter)


def make_token_counter(settings: Settings, mind: Mind) -> NamedTokenCounter:
    """The counter of text in the base model's tokens; blocking."""
    folder = base_model_folder(settings, mind, weights=False)
    return NamedTokenCounter(settings.base_model or mind.base_model, ChatTokenizer(folder).count)


@asynccontextmanager
async def open_documents(
    settings: Settings,
    mind: Mind,
    *,
    database: Database,
    embedder: Embedder,
    counter: NamedTokenCounter,
    running_answers: RunningAnswers,
) -> AsyncIterator[AttachmentIntake]:
    """What reads the documents that people send, while this is open. The first document starts the parser's process."""
    async with Parser(ParseLimits(megabytes=settings.document_megabytes, characters=MAX_DOCUMENT_CHARACTERS)) as parser:
        loader = DocumentLoader(parser, counter, DOCUMENT_READ_TIMEOUT)
        uploads = LibraryUploads(mind, database, embedder, loader, counter.name)
        passage_limits = PassageLimits(settings.document_passages, settings.person_passages)
        personal = PersonalDocuments(database, embedder, loader, passage_limits)
        limits = AttachmentLimits(settings.documents_per_message, settings.document_megabytes)
        yield AttachmentIntake(uploads, personal, running_answers, limits)
