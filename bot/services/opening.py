"""What every process of the service has, and what those have that answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import structlog

from bot.metrics import serving_metrics
from bot.mind import Mind, load_mind
from bot.modes.composer import Composer
from bot.modes.prewarm import Heat, prewarm
from bot.modes.router import Router
from bot.recall.library.drawing import Drawing, Share
from bot.recall.library.manner import Counter
from bot.recall.library.search import Library
from bot.recall.memory import PersonalMemory, Rememberer
from bot.recall.memory.reembedding import Reembedder
from bot.services.building import base_model_folder, database_address, make_engine, open_composer
from bot.services.documents import open_documents
from bot.services.keeping import keeping_library
from bot.services.recalling import Models, open_models
from bot.settings import Settings
from bot.tracing import sending_traces
from bot.turns.access import Doorkeeper
from bot.turns.admission import Ceilings
from bot.turns.afterwards import Afterwards
from bot.turns.attempt import Attempts, Persistence
from bot.turns.direct import Direct
from bot.turns.inbox import Inbox
from bot.turns.pipeline import Limits, Pipeline
from bot.turns.presence import Presence
from bot.turns.running import RunningTurns
from consilium.errors import N_
from db.allowances import Allowance
from db.database import Database
from inference.engine.port import Engine
from inference.engine.tokenizer import ChatTokenizer

Role = Literal["chat", "all", "gateway", "worker", "api"]
Progress = Callable[[str], None]
"""Told what is being started, as a template for translation."""
EXAMPLE_TOKENS: Final = 250
"""Of all style examples of a prompt together."""


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """A running process of the service."""

    mind: Mind
    dsn: str
    database: Database
    presence: Presence
    engine: Engine | None
    """None in a process that answers no questions."""
    composer: Composer
    running: RunningTurns
    inbox: Inbox
    attempts: Attempts
    direct: Direct


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
        await stack.enter_async_context(sending_traces(settings.otlp_endpoint, role, mind.name))
        if answers:
            progress(N_("preparing the base model (the first time takes half a minute)"))
        base_folder = await asyncio.to_thread(base_model_folder, settings, mind, weights=None if answers else False)

        progress(N_("starting the database"))
        dsn = await stack.enter_async_context(database_address(settings))
        database = await stack.enter_async_context(
            await Database.open(dsn, pool_size=max(10, settings.worker_turns + 4))
        )
        presence = await stack.enter_async_context(_present(Presence(database, role, mind.name)))

        engine, models = None, Models()
        if answers:
            progress(N_("loading the models"))
            engine = await asyncio.to_thread(make_engine, settings, mind, base_folder)
            stack.push_async_callback(engine.close)
            await engine.start()
            models = await stack.enter_async_context(open_models(settings))
        embedder, former = models.embedder, models.former
        engine_rank = engine.max_rank if engine else None
        composer = await asyncio.to_thread(open_composer, settings, mind, base_folder, engine_rank)

        running = RunningTurns()
        memory = PersonalMemory(database, embedder, former=former, zone=settings.timezone)
        counter = Counter(
            settings.base_model or mind.base_model, await asyncio.to_thread(lambda: ChatTokenizer(base_folder).count)
        )
        library = Library(database, embedder, mind.name, counter.count, former=former, reranker=models.reranker)
        patience = timedelta(seconds=settings.turn_seconds)
        door = Doorkeeper(mind.name, settings.owners)
        inbox = Inbox(mind, database, memory, composer, running, _ceilings(settings), patience, door, library)
        pipeline = None
        if engine and embedder:
            limits = Limits(settings.prompt_tokens, settings.memories_recalled, settings.generation_seconds)
            drawing = Drawing(mind, library, _share(settings))
            router = Router(embedder, mind)
            pipeline = Pipeline(mind, database, engine, memory, drawing, router, composer, running, limits)
            if settings.library_at_start:
                voice = settings.style_examples > 0
                keeping = keeping_library(mind, dsn, database, embedder, counter, progress, voice=voice)
                await stack.enter_async_context(keeping)
            heat = Heat(settings.prewarm_modes, settings.prewarm_days)
            await stack.enter_async_context(beside(prewarm(mind, composer, engine, database, heat), "prewarm"))
        afterwards = None
        if engine and embedder:
            draws = settings.engine == "sglang" if settings.draw_facts is None else settings.draw_facts
            afterwards = Afterwards(Rememberer(database, engine, memory), draws=draws)
            await stack.enter_async_context(afterwards.working())
            await stack.enter_async_context(beside(Reembedder(database, embedder).run(), "reembedding"))
        documents = None
        if embedder:
            own = open_documents(settings, mind, database, embedder, counter, running)
            documents = await stack.enter_async_context(own)
        attempts = Attempts(pipeline, Persistence(settings.turn_attempts), afterwards, documents)
        direct = Direct(inbox, database, mind, presence, attempts, settings.shown_patience)
        await stack.enter_async_context(serving_metrics(settings.metrics_host, settings.metrics_port))
        yield Services(mind, dsn, database, presence, engine, composer, running, inbox, attempts, direct)


@asynccontextmanager
async def beside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Work that goes on while this is open, and is over when it is left."""
    task = asyncio.create_task(_told_of(work, name), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _told_of(work: Coroutine[None, None, None], name: str) -> None:
    try:
        await work
    except Exception:
        # The service goes on without it; whoever runs it has to know.
        log.exception("service.work_ended", work=name)


@asynccontextmanager
async def _present(presence: Presence) -> AsyncIterator[Presence]:
    await presence.announce()
    try:
        async with beside(presence.keep(), "presence"):
            yield presence
    finally:
        await presence.leave()


def _share(settings: Settings) -> Share:
    return Share(settings.passages, settings.library_tokens, settings.style_examples, EXAMPLE_TOKENS)


def _ceilings(settings: Settings) -> Ceilings:
    return Ceilings(
        Allowance(settings.person_at_once, settings.person_per_minute, settings.person_per_day),
        Allowance(settings.chat_at_once, settings.chat_per_minute, settings.chat_per_day),
        settings.waiting,
    )
