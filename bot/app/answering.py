"""Builds what answers questions: the pipeline, what remembers its answers, and what must be loaded before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.answering.pipeline import Pipeline, PipelineLimits
from bot.answering.prewarm import PrewarmPolicy, prewarm
from bot.answering.router import Router
from bot.answering.routing.vectors import PostgresVectors
from bot.app.components import RetrievalModels
from bot.app.library import open_documents
from bot.app.library_sync import background_library_sync
from bot.app.loading import Loading, LoadingPipeline
from bot.app.settings import Settings
from bot.core.background import run_in_background
from bot.core.fair_slots import FairSlots
from bot.core.loops import keep_running
from bot.library.chunk_options import NamedTokenCounter
from bot.library.retriever import RetrievalBudget, Retriever
from bot.library.search import Library
from bot.memory import PersonalMemory, TurnRecorder
from bot.memory.reembedding import Reembedder
from bot.minds import Mind
from bot.turns.memory_writer import MemoryWriter
from bot.turns.runner import RetryPolicy, TurnRunner
from consilium.errors import N_
from db.infra.database import Database
from inference.embedding import Embedder
from inference.engines.port import Engine

Progress = Callable[[str], None]
"""Called with what is being started, as a template for translation."""

STYLE_EXAMPLE_TOKENS: Final = 250
"""Tokens of all style examples of a prompt together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringParts:
    """What questions are answered with. Its models need not be loaded."""

    settings: Settings
    mind: Mind
    dsn: str
    database: Database
    engine: Engine
    models: RetrievalModels
    embedder: Embedder
    """The current one of the models."""
    composer: Composer
    counter: NamedTokenCounter
    """Counts in the base model's tokens."""
    memory: PersonalMemory
    library: Library
    running_answers: RunningAnswers


@asynccontextmanager
async def open_turn_runner(parts: AnsweringParts, progress: Progress) -> AsyncIterator[tuple[TurnRunner, Loading]]:
    """What answers turns, and the loading that its questions wait for, which has not begun."""
    settings, database, embedder = parts.settings, parts.database, parts.embedder
    async with AsyncExitStack() as stack:
        extracts = settings.engine_is_server if settings.draw_facts is None else settings.draw_facts
        memory_writer = MemoryWriter(TurnRecorder(database, parts.engine, parts.memory), extract_facts=extracts)
        await stack.enter_async_context(memory_writer.running())
        documents = await stack.enter_async_context(
            open_documents(
                settings,
                parts.mind,
                database=database,
                embedder=embedder,
                counter=parts.counter,
                running_answers=parts.running_answers,
            )
        )
        reembedding = keep_running("reembedding", Reembedder(database, embedder).run)
        await stack.enter_async_context(run_in_background(reembedding, "reembedding"))
        vectors = PostgresVectors(database, parts.mind.name)
        router = Router(embedder, parts.mind, vectors, parts.composer.unfit.keys())
        loading = await stack.enter_async_context(Loading(lambda: _loaded(parts, router, progress)))
        pipeline = LoadingPipeline(_make_pipeline(parts, router), loading, parts.running_answers)
        runner = TurnRunner(
            pipeline=pipeline,
            retry_policy=RetryPolicy(settings.turn_attempts),
            memory_writer=memory_writer,
            attachments=documents,
            slots=FairSlots(settings.engine_slots),
        )
        yield runner, loading


@asynccontextmanager
async def _loaded(parts: AnsweringParts, router: Router, progress: Progress) -> AsyncIterator[None]:
    """The models are loaded, the library has been filled once, and usual compositions are being prepared."""
    settings, mind = parts.settings, parts.mind
    progress(N_("loading the models"))
    if settings.engine == "local":
        await parts.engine.start()
    await parts.models.load()
    async with AsyncExitStack() as stack:
        if settings.library_at_start:
            sync = background_library_sync(
                mind,
                parts.dsn,
                database=parts.database,
                embedder=parts.embedder,
                counter=parts.counter,
                progress=progress,
                include_voice=settings.style_examples > 0,
            )
            await stack.enter_async_context(sync)
        policy = PrewarmPolicy(settings.prewarm_modes, settings.prewarm_days)
        work = prewarm(mind, parts.composer, parts.engine, parts.database, policy)
        await stack.enter_async_context(run_in_background(work, "prewarm"))
        await stack.enter_async_context(run_in_background(keep_running("router", router.prepare), "router"))
        yield


def _make_pipeline(parts: AnsweringParts, router: Router) -> Pipeline:
    settings = parts.settings
    budget = RetrievalBudget(settings.passages, settings.library_tokens, settings.style_examples, STYLE_EXAMPLE_TOKENS)
    return Pipeline(
        mind=parts.mind,
        database=parts.database,
        engine=parts.engine,
        memory=parts.memory,
        retriever=Retriever(parts.mind, parts.library, budget),
        router=router,
        composer=parts.composer,
        running_answers=parts.running_answers,
        limits=PipelineLimits(settings.prompt_tokens, settings.memories_recalled, settings.generation_seconds),
    )
