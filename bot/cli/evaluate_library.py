"""`consilium eval library`: recall of the library's search."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.cli.known import MindOption
from bot.cli.tables import grid, output
from bot.mind import Mind, load_mind
from bot.mind.collections import Chunking
from bot.recall.library.evaluate import CUTOFFS, DISTRACTORS, METHODS, Evaluation, Measured, lay_out, pairs, read_sets
from bot.recall.library.ingest import Ingest
from bot.recall.library.parse.parser import Parser
from bot.services.library import open_library
from bot.settings import Settings

_TEXTS = (".txt", ".md")


def library(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder with question sets (SQuAD's JSON) and texts as distractors.")],
    mind_folder: MindOption = None,
    size: Annotated[int, typer.Option(help="Tokens of a chunk at most.")] = Chunking().size,
    most: Annotated[int | None, typer.Option("--questions", help="Questions of each set at most.")] = None,
    figures_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")] = None,
) -> None:
    """Recall@k, MRR and latency of search by words, by meaning and by both, on questions with known paragraphs.

    Each set's questions are asked of its own paragraphs and of those of its translations, with the texts beside them.
    """
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind, trained=False)
    chunking = Chunking(size=size, overlap=size // 5)
    config, measured = asyncio.run(_measure(settings, mind, data, chunking, most))
    table = grid("questions", "paragraphs", "by", *(f"R@{k}" for k in CUTOFFS), "MRR", "p50 ms", "p95 ms")
    for one in measured:
        recall = (f"{one.recall[k]:.3f}" for k in CUTOFFS)
        table.add_row(
            f"{one.asked} ({one.questions})",
            one.searched,
            one.method,
            *recall,
            f"{one.mrr:.3f}",
            f"{one.p50_ms:.0f}",
            f"{one.p95_ms:.0f}",
        )
    output().print(table)
    output().print(f"configuration {config['hash']}: {json.dumps(config, ensure_ascii=False)}", soft_wrap=True)
    if figures_file is not None:
        figures = {"configuration": config, "measured": [_figures(one) for one in measured]}
        figures_file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


async def _measure(
    settings: Settings, mind: Mind, data: Path, chunking: Chunking, most: int | None
) -> tuple[dict[str, Any], list[Measured]]:
    sets = await asyncio.to_thread(read_sets, data)
    texts = await asyncio.to_thread(_texts, data)
    others = [DISTRACTORS] if texts else []
    progress = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="consilium-eval-") as folder, progress.status("…") as status:
        laid_out = await asyncio.to_thread(lay_out, sets, texts, Path(folder), chunking)
        async with open_library(settings, mind) as services, Parser() as parser:
            evaluation = Evaluation(services.database, services.embedder, services.counter)

            def told(what: str, done: int, total: int) -> None:
                status.update(f"{what} {done}/{total}")

            try:
                ingest = Ingest(services.database, services.embedder, parser, services.counter, told)
                chunks = await evaluation.fill(ingest, laid_out)
                measured = []
                for asked, searched in pairs(sets):
                    for method in METHODS:
                        status.update(f"{asked.name} → {searched.name}: {method}")
                        measured.append(await evaluation.measure(asked, searched, method, others, most))
            finally:
                await evaluation.remove()
    return evaluation.configuration(sets, len(texts), chunks, chunking), measured


def _texts(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if path.suffix in _TEXTS and path.name.lower() != "readme.md")


def _figures(one: Measured) -> dict[str, Any]:
    return {
        "asked": one.asked,
        "searched": one.searched,
        "method": one.method,
        "questions": one.questions,
        **{f"recall@{k}": one.recall[k] for k in CUTOFFS},
        "mrr": one.mrr,
        "p50_ms": one.p50_ms,
        "p95_ms": one.p95_ms,
    }
