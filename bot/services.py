"""The only place that builds things: settings in, a running service out, closed in the reverse order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bot.metrics import serving_metrics
from bot.mind import Mind, load_mind
from bot.modes.composer import Composer
from bot.modes.prewarm import Heat, prewarm
from bot.modes.router import Router
from bot.recall.library.ingest import Counter
from bot.recall.memory import PersonalMemory
from bot.settings import Settings
from bot.turns.inbox import Inbox
from bot.turns.pipeline import Limits, Pipeline
from bot.turns.running import RunningTurns
from consilium.errors import N_
from db.database import Database
from db.embedded import EmbeddedServer
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModel
from inference.checkpoint import resolve_base_model
from inference.embedding import Embedder, SentenceTransformerEmbedder, open_embedder
from inference.engine.port import Engine
from inference.engine.tokenizer import ChatTokenizer

Progress = Callable[[str], None]
"""Told what is being started, as a template for translation."""


@dataclass(frozen=True, slots=True)
class Services:
    """A running service."""

    mind: Mind
    database: Database
    engine: Engine
    composer: Composer
    inbox: Inbox


def base_model_folder(settings: Settings, mind: Mind, *, weights: bool | None = None) -> Path:
    """Folder of the base model the mind runs on, made or fetched if need be; blocking.

    Args:
        weights: whether they are needed here and not its config and tokenizer alone; when None, if the engine is local.
    """
    return resolve_base_model(
        settings.base_model or mind.base_model,
        settings.models_dir,
        allow_download=settings.allow_download,
        weights=settings.engine == "local" if weights is None else weights,
    )


def open_composer(settings: Settings, mind: Mind, base_folder: Path, engine_rank: int | None = None) -> Composer:
    """The mind's adapters, checked against its base model; blocking.

    Args:
        engine_rank: the largest rank that the engine takes, when it is known and there is a limit.
    """
    base = BaseModel.from_config(base_folder / "config.json", mind.base_model)
    limits = [rank for rank in (settings.max_rank, engine_rank) if rank is not None]
    return Composer.open(mind, base, CompositionStore(settings.compositions_dir), min(limits, default=None))


@asynccontextmanager
async def open_services(settings: Settings, progress: Progress = lambda _: None) -> AsyncIterator[Services]:
    """Start everything one process needs to answer; stop it all on leaving.

    Raises:
        ConsiliumError: what is missing or broken, and how to mend it.
    """
    async with AsyncExitStack() as stack:
        mind = await asyncio.to_thread(load_mind, settings.mind)
        progress(N_("preparing the base model (the first time takes half a minute)"))
        base_folder = await asyncio.to_thread(base_model_folder, settings, mind)

        progress(N_("starting the database"))
        dsn = await stack.enter_async_context(database_address(settings))
        database = await stack.enter_async_context(await Database.open(dsn))

        progress(N_("loading the models"))
        engine = await asyncio.to_thread(make_engine, settings, mind, base_folder)
        stack.push_async_callback(engine.close)
        await engine.start()
        composer = await asyncio.to_thread(open_composer, settings, mind, base_folder, engine.max_rank)
        embedder = await asyncio.to_thread(make_embedder, settings)
        stack.push_async_callback(embedder.close)
        await embedder.start()

        running = RunningTurns()
        memory = PersonalMemory(database, embedder)
        limits = Limits(settings.prompt_tokens, settings.memories_recalled, settings.generation_seconds)
        pipeline = Pipeline(mind, database, engine, memory, Router(embedder, mind), composer, running, limits)
        inbox = Inbox(mind, database, memory, composer, pipeline, running)
        await stack.enter_async_context(serving_metrics(settings.metrics_host, settings.metrics_port))
        heat = Heat(settings.prewarm_modes, settings.prewarm_days)
        await stack.enter_async_context(_beside(prewarm(mind, composer, engine, database, heat), "prewarm"))
        yield Services(mind, database, engine, composer, inbox)


@dataclass(frozen=True, slots=True)
class LibraryServices:
    """What the library is filled and searched with."""

    database: Database
    embedder: Embedder
    counter: Counter
    """Of the base model's tokens."""


@asynccontextmanager
async def open_library(settings: Settings, mind: Mind) -> AsyncIterator[LibraryServices]:
    """What a library needs, without anything that answers; closed on leaving.

    Raises:
        ConsiliumError: what is missing or broken, and how to mend it.
    """
    async with AsyncExitStack() as stack:
        counter = await asyncio.to_thread(make_counter, settings, mind)
        embedder = await asyncio.to_thread(make_embedder, settings)
        stack.push_async_callback(embedder.close)
        dsn = await stack.enter_async_context(database_address(settings))
        database = await stack.enter_async_context(await Database.open(dsn))
        yield LibraryServices(database, embedder, counter)


def make_counter(settings: Settings, mind: Mind) -> Counter:
    """What counts text in the base model's tokens; blocking."""
    folder = base_model_folder(settings, mind, weights=False)
    return Counter(settings.base_model or mind.base_model, ChatTokenizer(folder).count)


@asynccontextmanager
async def database_address(settings: Settings) -> AsyncIterator[str]:
    """DSN of the operator's Postgres, or of the embedded one, which runs as long as this is open."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    async with await EmbeddedServer.open(settings.data_dir / "postgres") as server:
        yield server.dsn


def make_embedder(settings: Settings) -> SentenceTransformerEmbedder:
    """The embedder the settings name, its weights not yet read; blocking.

    Raises:
        ModelMissing, ModelUnusable: it is not here, or broken.
    """
    return open_embedder(settings.embedding_model, settings.models_dir, allow_download=settings.allow_download)


def make_engine(settings: Settings, mind: Mind, base_folder: Path) -> Engine:
    """The engine the settings name, not started; blocking."""
    if settings.engine == "sglang":
        from inference.engine.sglang import SGLangEngine

        return SGLangEngine(
            settings.sglang_url,
            mind.base_model,
            base_folder,
            api_key=_said(settings.sglang_api_key),
            admin_key=_said(settings.sglang_admin_key),
            compositions=settings.compositions_dir,
            patience=settings.engine_patience,
        )
    # Imported late: torch and transformers take seconds, and a remote engine needs neither.
    from inference.engine.local import LocalEngine

    return LocalEngine(base_folder)


def _said(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Work that goes on while this is open, and is over when it is left."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
