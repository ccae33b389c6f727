"""What every process of the service has, and what those have that answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import structlog

from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.answering.pipeline import Pipeline, PipelineLimits
from bot.answering.prewarm import PrewarmPolicy, prewarm
from bot.answering.router import Router
from bot.app.components import base_model_folder, database_dsn, make_engine, open_composer
from bot.app.library import open_documents
from bot.app.library_sync import background_library_sync
from bot.app.models import RetrievalModels, open_retrieval_models
from bot.app.monitoring import metrics_server
from bot.app.settings import Settings
from bot.app.tracing import export_traces
from bot.core.background import run_in_background
from bot.intake.access import AccessPolicy
from bot.intake.inbox import Inbox
from bot.intake.inline import InlineResponder
from bot.intake.rate_limits import RateLimits
from bot.library.chunk_options import NamedTokenCounter
from bot.library.retriever import RetrievalBudget, Retriever
from bot.library.search import Library
from bot.memory import PersonalMemory, TurnRecorder
from bot.memory.reembedding import Reembedder
from bot.minds import Mind, load_mind
from bot.turns.heartbeat import Heartbeat
from bot.turns.memory_writer import MemoryWriter
from bot.turns.runner import RetryPolicy, TurnRunner
from consilium.errors import N_
from db.infra.database import Database
from db.people.token_buckets import TokenBucket
from inference.engines.port import Engine
from inference.engines.tokenizer import ChatTokenizer

Role = Literal["chat", "all", "gateway", "worker", "api"]
Progress = Callable[[str], None]
"""Told what is being started, as a template for translation."""
STYLE_EXAMPLE_TOKENS: Final = 250
"""Of all style examples of a prompt together."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """A running process of the service."""

    mind: Mind
    dsn: str
    database: Database
    heartbeat: Heartbeat
    engine: Engine | None
    """None in a process that answers no questions."""
    composer: Composer
    running_turns: RunningAnswers
    inbox: Inbox
    turn_runner: TurnRunner
    direct: InlineResponder


@asynccontextmanager
async def open_services(
    settings: Settings, progress: Progress = lambda _: None, *, role: Role = "chat"
) -> AsyncIterator[Services]:
    """Start everything a process in this role needs; stop it all on leaving.

    Raises:
        ConsiliumError: what is missing or broken, and how to mend it.
    """
    answers = role != "gateway"
    async with AsyncExitStack() as stack:
        mind = await asyncio.to_thread(load_mind, settings.mind)
        await stack.enter_async_context(export_traces(settings.otlp_endpoint, role, mind.name))
        if answers:
            progress(N_("preparing the base model (the first time takes half a minute)"))
        base_folder = await asyncio.to_thread(base_model_folder, settings, mind, weights=None if answers else False)

        progress(N_("starting the database"))
        dsn = await stack.enter_async_context(database_dsn(settings))
        database = await stack.enter_async_context(
            await Database.open(dsn, pool_size=max(10, settings.worker_turns + 4))
        )
        presence = await stack.enter_async_context(_running_heartbeat(Heartbeat(database, role, mind.name)))

        engine, models = None, RetrievalModels()
        if answers:
            progress(N_("loading the models"))
            engine = await asyncio.to_thread(make_engine, settings, mind, base_folder)
            stack.push_async_callback(engine.close)
            await engine.start()
            models = await stack.enter_async_context(open_retrieval_models(settings))
        embedder, former = models.embedder, models.former
        engine_rank = engine.max_rank if engine else None
        composer = await asyncio.to_thread(open_composer, settings, mind, base_folder, engine_rank)

        running = RunningAnswers()
        memory = PersonalMemory(database, embedder, previous_embedders=former, timezone=settings.timezone)
        counter = NamedTokenCounter(
            settings.base_model or mind.base_model, await asyncio.to_thread(lambda: ChatTokenizer(base_folder).count)
        )
        library = Library(
            database, embedder, mind.name, counter.count, former_embedders=former, reranker=models.reranker
        )
        patience = timedelta(seconds=settings.turn_seconds)
        door = AccessPolicy(mind.name, settings.owners)
        inbox = Inbox(
            mind=mind,
            database=database,
            memory=memory,
            composer=composer,
            running_answers=running,
            rate_limits=_rate_limits(settings),
            turn_timeout=patience,
            access_policy=door,
            library=library,
        )
        pipeline = None
        if engine and embedder:
            limits = PipelineLimits(settings.prompt_tokens, settings.memories_recalled, settings.generation_seconds)
            drawing = Retriever(mind, library, _retrieval_budget(settings))
            router = Router(embedder, mind)
            pipeline = Pipeline(
                mind=mind,
                database=database,
                engine=engine,
                memory=memory,
                retriever=drawing,
                router=router,
                composer=composer,
                running_answers=running,
                limits=limits,
            )
            if settings.library_at_start:
                voice = settings.style_examples > 0
                keeping = background_library_sync(mind, dsn, database, embedder, counter, progress, include_voice=voice)
                await stack.enter_async_context(keeping)
            heat = PrewarmPolicy(settings.prewarm_modes, settings.prewarm_days)
            await stack.enter_async_context(
                run_in_background(prewarm(mind, composer, engine, database, heat), "prewarm")
            )
        afterwards = None
        if engine and embedder:
            draws = settings.engine == "sglang" if settings.draw_facts is None else settings.draw_facts
            afterwards = MemoryWriter(TurnRecorder(database, engine, memory), extract_facts=draws)
            await stack.enter_async_context(afterwards.running())
            await stack.enter_async_context(run_in_background(Reembedder(database, embedder).run(), "reembedding"))
        documents = None
        if embedder:
            own = open_documents(settings, mind, database, embedder, counter, running)
            documents = await stack.enter_async_context(own)
        attempts = TurnRunner(
            pipeline=pipeline,
            retry_policy=RetryPolicy(settings.turn_attempts),
            memory_writer=afterwards,
            attachments=documents,
        )
        direct = InlineResponder(
            inbox=inbox,
            database=database,
            mind=mind,
            heartbeat=presence,
            runner=attempts,
            database_timeout=settings.shown_patience,
        )
        await stack.enter_async_context(metrics_server(settings.metrics_host, settings.metrics_port))
        yield Services(mind, dsn, database, presence, engine, composer, running, inbox, attempts, direct)


@asynccontextmanager
async def _running_heartbeat(heartbeat: Heartbeat) -> AsyncIterator[Heartbeat]:
    await heartbeat.send()
    try:
        async with run_in_background(heartbeat.run(), "presence"):
            yield heartbeat
    finally:
        await heartbeat.deregister()


def _retrieval_budget(settings: Settings) -> RetrievalBudget:
    return RetrievalBudget(settings.passages, settings.library_tokens, settings.style_examples, STYLE_EXAMPLE_TOKENS)


def _rate_limits(settings: Settings) -> RateLimits:
    return RateLimits(
        TokenBucket(settings.person_at_once, settings.person_per_minute, settings.person_per_day),
        TokenBucket(settings.chat_at_once, settings.chat_per_minute, settings.chat_per_day),
        settings.waiting,
    )
