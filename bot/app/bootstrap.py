"""Builds what a process of the service consists of, and takes it down again.

What the first message needs is there once `open_services` is entered: the mind, the database, the commands. Models
take seconds, so they are loaded in the background, and questions wait for them (`bot.app.answering`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.app.answering import AnsweringParts, Progress, open_turn_runner
from bot.app.components import (
    RetrievalModels,
    base_model_folder,
    make_engine,
    open_composer,
    open_database,
    open_retrieval_models,
)
from bot.app.library_sync import is_library_empty
from bot.app.loading import Loading
from bot.app.metrics import metrics_server
from bot.app.settings import Settings
from bot.app.tracing import export_traces
from bot.app.words import WordRemoval
from bot.core.background import run_in_background
from bot.intake.access import AccessPolicy
from bot.intake.inbox import Inbox
from bot.intake.inline import InlineResponder
from bot.intake.rate_limits import RateLimits
from bot.library.chunk_options import NamedTokenCounter
from bot.library.search import Library
from bot.memory import PersonalMemory
from bot.minds import Mind, load_mind
from bot.turns.heartbeat import Heartbeat
from bot.turns.runner import RetryPolicy, TurnRunner
from consilium.errors import N_
from db.infra.database import Access, Database
from db.people.token_buckets import TokenBucket
from inference.checkpoint import PreparationStep
from inference.embedding import Embedder
from inference.engines.port import Engine
from inference.engines.tokenizer import ChatTokenizer

Role = Literal["chat", "all", "gateway", "worker", "api"]

_PREPARATION_MESSAGES: Final = {
    PreparationStep.CONVERTING: N_("preparing the base model (the first time takes half a minute)"),
    PreparationStep.DOWNLOADING: N_("downloading the base model"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """A running process of the service."""

    mind: Mind
    dsn: str
    database: Database
    heartbeat: Heartbeat
    engine: Engine | None
    """None in a process that answers no questions."""
    embedder: Embedder | None
    """None in a process that answers no questions."""
    composer: Composer
    memory: PersonalMemory
    library: Library
    running_answers: RunningAnswers
    inbox: Inbox
    turn_runner: TurnRunner
    direct: InlineResponder
    loading: Loading
    """Loads the models and what needs them. Questions wait for it."""


@asynccontextmanager
async def open_services(
    settings: Settings,
    progress: Progress = lambda _: None,
    *,
    role: Role = "chat",
    load_on_demand: bool = False,
) -> AsyncIterator[Services]:
    """Start everything that a process in this role needs; stop it all on leaving.

    Args:
        load_on_demand: begin to load the models with the first question and not at once. A library that holds nothing
            yet is filled at once all the same.

    Raises:
        ConsiliumError: what is missing or broken, and how to fix it.
    """
    answers = role != "gateway"
    async with AsyncExitStack() as stack:
        mind = await asyncio.to_thread(load_mind, settings.mind)
        await stack.enter_async_context(export_traces(settings.otlp_endpoint, role, mind.name))
        base_folder = await _base_model_folder(settings, mind, progress, weights=None if answers else False)

        progress(N_("starting the database"))
        database = await stack.enter_async_context(
            open_database(settings, _schema_access(role), pool_size=max(10, settings.turns_at_once + 4))
        )
        heartbeat = await stack.enter_async_context(_running_heartbeat(Heartbeat(database, role, mind.name)))

        engine, models = None, RetrievalModels()
        if answers:
            engine = await stack.enter_async_context(_open_engine(settings, mind, base_folder))
            models = await stack.enter_async_context(open_retrieval_models(settings))
        engine_rank = engine.max_rank if engine else None
        composer = await asyncio.to_thread(open_composer, settings, mind, base_folder, engine_rank)
        tokenizer = await asyncio.to_thread(ChatTokenizer, base_folder)
        counter = NamedTokenCounter(settings.base_model or mind.base_model, tokenizer.count)
        running_answers = RunningAnswers()
        memory = PersonalMemory(database, models.embedder, previous_embedders=models.former, timezone=settings.timezone)
        library = Library(
            database,
            models.embedder,
            mind.name,
            counter.count,
            former_embedders=models.former,
            reranker=models.reranker,
        )
        words = WordRemoval(mind, settings.cache_dir)
        await stack.enter_async_context(words.running())
        inbox = Inbox(
            mind=mind,
            database=database,
            memory=memory,
            composer=composer,
            running_answers=running_answers,
            rate_limits=_rate_limits(settings),
            turn_timeout=timedelta(seconds=settings.turn_seconds),
            access_policy=AccessPolicy(mind.name, settings.owners),
            library=library,
            forget_words=words.request,
        )
        turn_runner = TurnRunner(pipeline=None, retry_policy=RetryPolicy(settings.turn_attempts))
        loading = Loading(nullcontext)
        if engine and models.embedder:
            parts = AnsweringParts(
                settings=settings,
                mind=mind,
                dsn=database.service_dsn,
                database=database,
                engine=engine,
                models=models,
                embedder=models.embedder,
                composer=composer,
                counter=counter,
                memory=memory,
                library=library,
                running_answers=running_answers,
            )
            turn_runner, loading = await stack.enter_async_context(open_turn_runner(parts, progress))
        direct = InlineResponder(
            inbox=inbox,
            database=database,
            mind=mind,
            heartbeat=heartbeat,
            runner=turn_runner,
            database_timeout=settings.shown_patience,
        )
        await stack.enter_async_context(metrics_server(settings.metrics_host, settings.metrics_port))
        if not load_on_demand or (settings.library_at_start and await is_library_empty(mind, database)):
            loading.start()
        yield Services(
            mind=mind,
            dsn=database.service_dsn,
            database=database,
            heartbeat=heartbeat,
            engine=engine,
            embedder=models.embedder,
            composer=composer,
            memory=memory,
            library=library,
            running_answers=running_answers,
            inbox=inbox,
            turn_runner=turn_runner,
            direct=direct,
            loading=loading,
        )


def _schema_access(role: Role) -> Access:
    """A process that is the whole service migrates; of several, none does: that is `consilium migrate`'s work."""
    return Access.MIGRATE if role in ("chat", "all") else Access.CHECK


async def _base_model_folder(settings: Settings, mind: Mind, progress: Progress, *, weights: bool | None) -> Path:
    loop = asyncio.get_running_loop()

    def show(step: PreparationStep) -> None:
        loop.call_soon_threadsafe(progress, _PREPARATION_MESSAGES[step])

    return await asyncio.to_thread(base_model_folder, settings, mind, weights=weights, on_slow_step=show)


@asynccontextmanager
async def _open_engine(settings: Settings, mind: Mind, base_folder: Path) -> AsyncIterator[Engine]:
    """The engine. A server has been asked for its limits; a model in this process is not loaded yet."""
    engine = await asyncio.to_thread(make_engine, settings, mind, base_folder)
    try:
        if settings.engine_is_server:
            await engine.start()
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def _running_heartbeat(heartbeat: Heartbeat) -> AsyncIterator[Heartbeat]:
    await heartbeat.send()
    try:
        async with run_in_background(heartbeat.run(), "presence"):
            yield heartbeat
    finally:
        await heartbeat.deregister()


def _rate_limits(settings: Settings) -> RateLimits:
    return RateLimits(
        TokenBucket(settings.person_at_once, settings.person_per_minute, settings.person_per_day),
        TokenBucket(settings.chat_at_once, settings.chat_per_minute, settings.chat_per_day),
        settings.waiting,
    )
