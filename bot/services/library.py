"""What the library is filled and searched with, without anything that answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.mind import Mind
from bot.recall.library.manner import NamedTokenCounter
from bot.services.building import base_model_folder, database_dsn
from bot.services.recalling import RetrievalModels, open_retrieval_models
from bot.settings import Settings
from db.database import Database
from inference.embedding import Embedder
from inference.engine.tokenizer import ChatTokenizer


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
        # A server's model has to be asked how long its vectors are; one in this process is loaded when it is needed.
        asks = settings.embedding_url is not None
        models = await stack.enter_async_context(open_retrieval_models(settings, preload=asks))
        assert models.embedder is not None
        dsn = await stack.enter_async_context(database_dsn(settings))
        database = await stack.enter_async_context(await Database.open(dsn))
        yield LibraryServices(database, models, models.embedder, counter)


def make_token_counter(settings: Settings, mind: Mind) -> NamedTokenCounter:
    """What counts text in the base model's tokens; blocking."""
    folder = base_model_folder(settings, mind, weights=False)
    return NamedTokenCounter(settings.base_model or mind.base_model, ChatTokenizer(folder).count)
