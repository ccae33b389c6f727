"""Opens what an evaluation needs, one thing after the other, runs it, and writes what it comes to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.app.answering import STYLE_EXAMPLE_TOKENS
from bot.app.components import base_model_folder, make_embedder, make_engine, open_composer
from bot.app.library import open_library
from bot.app.settings import Settings
from bot.authoring.evaluation.evaluator import EvaluationOptions, Evaluator, OnProgress
from bot.authoring.evaluation.figures import Evaluation, EvaluationSettings, write_evaluation
from bot.authoring.evaluation.interview import Interview, InterviewLimits
from bot.authoring.evaluation.judging import ModeAnswers
from bot.authoring.evaluation.results import ResultStore
from bot.authoring.evaluation.weights import WeightMeasurement
from bot.library.ingest import Ingest
from bot.library.parse.parser import Parser
from bot.library.retriever import RetrievalBudget, Retriever
from bot.library.search import Library
from bot.minds import Mind
from inference.device import find_device

EVALUATION_FOLDER = "evaluation"
"""Within a mind: the evaluation of the adapters that are in use."""


def evaluation_folder(mind: Mind) -> Path:
    """Where the evaluation of a mind's own adapters is."""
    return mind.folder / EVALUATION_FOLDER


async def evaluate_mind(
    settings: Settings,
    mind: Mind,
    output: Path | None = None,
    options: EvaluationOptions = EvaluationOptions(),  # noqa: B008 - it is immutable
    on_progress: OnProgress = lambda stage, done, of: None,
    *,
    seconds: float | None = None,
) -> tuple[Evaluation, dict[str, ModeAnswers]]:
    """Measure a mind's adapters, and write `evaluation.json`.

    What is measured and answered on the way is kept in the cache folder by what it was made from: killed, it goes on
    from there, and what the base model says is generated once for all adapters that are compared.

    Args:
        mind: its adapters may lie anywhere; those of a candidate, for example.
        output: the folder to write into; None for the mind's own.
        seconds: the time there is to generate answers; None for no limit.

    Returns:
        The figures, and the answers that they were made from, by mode.

    Raises:
        EvaluationTimeOver: the time is over, and not everything is measured.
        ConsiliumError: what is missing or broken, and how to fix it.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    folder = await asyncio.to_thread(base_model_folder, settings, mind, weights=True)
    composer = await asyncio.to_thread(open_composer, settings, mind, folder)
    results = await asyncio.to_thread(ResultStore, settings.cache_dir / "evaluations" / f"{mind.name}.jsonl")
    evaluator = Evaluator(composer, options, on_progress)
    plan = await evaluator.plan()
    measurement = await asyncio.to_thread(WeightMeasurement, composer, folder, find_device(settings.device), results)
    weights = await evaluator.weigh(plan, measurement)
    texts = len(measurement.texts)
    del measurement  # a large base model is not to be in memory twice
    async with AsyncExitStack() as stack:
        retriever = await stack.enter_async_context(_open_retriever(settings, mind))
        engine = await asyncio.to_thread(make_engine, settings, mind, folder)
        stack.push_async_callback(engine.close)
        embedder = await asyncio.to_thread(make_embedder, settings)
        stack.push_async_callback(embedder.close)
        limits = InterviewLimits(settings.prompt_tokens, settings.generation_seconds, deadline)
        interview = Interview(mind, engine, results, limits, retriever)
        answers = await evaluator.ask(plan, interview)
        modes = await evaluator.judge(plan, answers, weights, interview, embedder)
    made_with = EvaluationSettings(
        questions=options.questions,
        strength=mind.policies.adapter_strength,
        max_tokens=mind.sampling.max_tokens,
        repetition_penalty=mind.sampling.repetition_penalty,
        embedder=embedder.name,
        neutral_texts=texts,
    )
    evaluation = evaluator.evaluation(plan, modes, made_with)
    await asyncio.to_thread(write_evaluation, evaluation, output or evaluation_folder(mind))
    return evaluation, answers


@asynccontextmanager
async def _open_retriever(settings: Settings, mind: Mind) -> AsyncIterator[Retriever | None]:
    """The mind's library in a database of its own in the cache folder, which stays; None for a mind without one.

    The service's own database is left alone: there the documents are those that it answers with.
    """
    files = await asyncio.to_thread(lambda: [file for name in mind.collections for file in mind.collection_files(name)])
    if not files or not settings.passages:
        yield None
        return
    own = settings.cache_dir / "evaluations" / f"{mind.name}-library"
    apart = settings.model_copy(
        update={"data_dir": own, "database_url": None, "database_owner_url": None, "database_backup_url": None}
    )
    async with open_library(apart, mind) as services, Parser() as parser:
        await Ingest(services.database, services.embedder, parser, services.counter).synchronise(mind)
        library = Library(services.database, services.embedder, mind.name, services.counter.count)
        budget = RetrievalBudget(
            settings.passages, settings.library_tokens, settings.style_examples, STYLE_EXAMPLE_TOKENS
        )
        yield Retriever(mind, library, budget)
