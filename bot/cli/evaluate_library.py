"""`consilium eval library`: measure the search in the library."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.app.library import open_library
from bot.app.settings import Settings
from bot.cli.common import JsonFileOption, MindOption, new_table, stdout_console
from bot.library.evaluation import (
    CUTOFFS,
    DISTRACTORS,
    METHODS,
    LibraryEvaluation,
    SearchMetrics,
    comparable_pairs,
    load_question_sets,
    write_evaluation_mind,
)
from bot.library.ingest import Ingest
from bot.library.parse.parser import Parser
from bot.minds import Mind, load_mind
from bot.minds.schema import Chunking

_TEXT_SUFFIXES: Final = (".txt", ".md")


def library(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder with question sets (SQuAD's JSON) and texts as distractors.")],
    mind_folder: MindOption = None,
    size: Annotated[int, typer.Option(help="Tokens per chunk, at most.")] = Chunking().size,
    max_questions: Annotated[int | None, typer.Option("--questions", help="Questions per set, at most.")] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--embedder", help="An embedding model; may be repeated. The service's by default."),
    ] = None,
    figures_file: JsonFileOption = None,
) -> None:
    """Measure recall@k, MRR and latency of search by words, by meaning and by both, on questions with known paragraphs.

    The questions of a set are searched in its own paragraphs and in those of its translations, with the texts among
    them.
    """
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind, require_adapters=False)
    chunking = Chunking(size=size, overlap=size // 5)
    reports = []
    evaluated: Sequence[str | None] = models or [settings.embedding_model]
    for model in evaluated:
        of_model = settings.model_copy(update={"embedding_model": model})
        config, measured = asyncio.run(_measure(of_model, mind, data, chunking, max_questions))
        _show(config, measured)
        reports.append({"configuration": config, "measured": [_as_json(metrics) for metrics in measured]})
    if figures_file is not None:
        figures = reports if models else reports[0]
        figures_file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _show(config: dict[str, Any], measured: Sequence[SearchMetrics]) -> None:
    console = stdout_console()
    console.print(f"[bold]{config['embedder'].partition('@')[0]}[/], {config['chunks']} chunks")
    for (asked, searched), rows in groupby(measured, key=lambda metrics: (metrics.question_set, metrics.searched_set)):
        console.print(metrics_table(f"{asked} → {searched}", list(rows)))
    console.print(f"configuration {config['hash']}: {json.dumps(config, ensure_ascii=False)}", soft_wrap=True)


def metrics_table(sets: str, rows: Sequence[SearchMetrics]) -> Table:
    """Of one set of questions asked of one set of paragraphs: a row for each way of searching."""
    table = new_table("by", *(f"R@{k}" for k in CUTOFFS), "MRR", "p50 ms", "p95 ms")
    table.title = Text(f"{sets} ({rows[0].questions})", style="bold")
    table.title_justify = "left"
    for row in rows:
        recall = (f"{row.recall[k]:.3f}" for k in CUTOFFS)
        table.add_row(row.method, *recall, f"{row.mrr:.3f}", f"{row.p50_ms:.0f}", f"{row.p95_ms:.0f}")
    return table


async def _measure(
    settings: Settings, mind: Mind, data: Path, chunking: Chunking, max_questions: int | None
) -> tuple[dict[str, Any], list[SearchMetrics]]:
    sets = await asyncio.to_thread(load_question_sets, data)
    texts = await asyncio.to_thread(_distractor_files, data)
    others = [DISTRACTORS] if texts else []
    progress = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="consilium-eval-") as folder, progress.status("…") as status:
        evaluation_mind = await asyncio.to_thread(write_evaluation_mind, sets, texts, Path(folder), chunking)
        async with open_library(settings, mind) as services, Parser() as parser:
            evaluation = LibraryEvaluation(services.database, services.embedder, services.counter)

            def show(step: str, done: int, total: int) -> None:
                status.update(f"{step} {done}/{total}")

            try:
                ingest = Ingest(services.database, services.embedder, parser, services.counter, show)
                chunks = await evaluation.fill(ingest, evaluation_mind)
                measured = []
                for asked, searched in comparable_pairs(sets):
                    for method in METHODS:
                        status.update(f"{asked.name} → {searched.name}: {method}")
                        measured.append(await evaluation.measure(asked, searched, method, others, max_questions))
            finally:
                await evaluation.remove()
    return evaluation.configuration(sets, len(texts), chunks, chunking), measured


def _distractor_files(data: Path) -> list[Path]:
    return sorted(
        path for path in data.rglob("*") if path.suffix in _TEXT_SUFFIXES and path.name.lower() != "readme.md"
    )


def _as_json(metrics: SearchMetrics) -> dict[str, Any]:
    return {
        "asked": metrics.question_set,
        "searched": metrics.searched_set,
        "method": metrics.method,
        "questions": metrics.questions,
        **{f"recall@{k}": metrics.recall[k] for k in CUTOFFS},
        "mrr": metrics.mrr,
        "p50_ms": metrics.p50_ms,
        "p95_ms": metrics.p95_ms,
    }
