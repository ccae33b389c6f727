"""`consilium eval memory`: measure recall on dialogues, beside BM25 and the embedding model alone."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from blake3 import blake3
from rich.progress import Progress
from rich.table import Table

from bot.app.components import make_embedder
from bot.app.settings import Settings
from bot.cli.common import JsonFileOption, new_table, stdout_console
from bot.memory.evaluation.dialogues import Dialogue, read_dialogues
from bot.memory.evaluation.measurement import (
    BASELINES,
    FUSED,
    Measurement,
    build_configuration,
    hash_configuration,
    measure_recall,
)
from db.infra.database import Database
from db.infra.embedded_server import EmbeddedServer

SHOWN_BY_DIALOGUE: Final = (*BASELINES, FUSED)
"""Methods whose recall is shown for each dialogue; the file of figures has all of them."""


def memory(
    context: typer.Context,
    data: Annotated[Path, typer.Option("--data", help="Dialogues with questions, in LoCoMo's format.")],
    k: Annotated[int, typer.Option("--k", min=1, max=50, help="Memories per recall.")] = 10,
    figures_file: JsonFileOption = None,
) -> None:
    """Measure how many of the messages that answer a question are recalled, and what each part of recall adds."""
    settings: Settings = context.obj
    dialogues = read_dialogues(data)
    # A temporary server: people's memories are not measured, and nothing is left behind.
    with tempfile.TemporaryDirectory(prefix="consilium-eval-") as folder:
        measured, configuration = asyncio.run(_measure(settings, dialogues, k, Path(folder).resolve()))
    configuration["data"] = {"file": data.name, "blake3": blake3(data.read_bytes()).hexdigest()[:12]}
    report: dict[str, Any] = {
        "configuration": configuration,
        "hash": hash_configuration(configuration),
        "messages": sum(len(dialogue.messages) for dialogue in dialogues),
        "measured": [asdict(measurement) for measurement in measured],
        "gain": _gain_over_baselines(measured),
    }
    _show(report, measured, k)
    if figures_file is not None:
        figures_file.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


async def _measure(
    settings: Settings, dialogues: list[Dialogue], k: int, folder: Path
) -> tuple[list[Measurement], dict[str, object]]:
    embedder = make_embedder(settings)
    try:
        async with (
            await EmbeddedServer.open(folder) as server,
            await Database.open(server.owner_dsn) as database,
        ):
            with Progress(transient=True) as bar:
                task = bar.add_task("", total=len(dialogues))

                def show(name: str, done: int) -> None:
                    bar.update(task, description=name, completed=done)

                measured = await measure_recall(database, embedder, dialogues, k, show)
    finally:
        await embedder.close()
    return measured, build_configuration(embedder.name, k)


def _gain_over_baselines(measured: list[Measurement]) -> dict[str, float]:
    """Percentage points of fused recall above the best baseline."""
    by_name = {measurement.name: measurement.overall for measurement in measured}
    return {
        figure: 100 * (getattr(by_name[FUSED], figure) - max(getattr(by_name[name], figure) for name in BASELINES))
        for figure in ("recall", "any", "mrr")
    }


def dialogues_table(measured: list[Measurement], k: int) -> Table:
    """Recall in each dialogue."""
    shown = [measurement for measurement in measured if measurement.name in SHOWN_BY_DIALOGUE]
    names = [measurement.name for measurement in shown]
    table = new_table(f"recall@{k} in", *names, wrapped=names)
    for dialogue in measured[0].dialogues:
        table.add_row(dialogue, *(f"{measurement.dialogues[dialogue].recall:.3f}" for measurement in shown))
    return table


def _show(report: dict[str, Any], measured: list[Measurement], k: int) -> None:
    console = stdout_console()
    overall = new_table("recall", f"recall@{k}", f"any@{k}", "MRR", wrapped=("recall",))
    for measurement in measured:
        figures = measurement.overall
        overall.add_row(measurement.name, f"{figures.recall:.3f}", f"{figures.any:.3f}", f"{figures.mrr:.3f}")
    console.print(overall)
    console.print(dialogues_table(measured, k))
    gain = report["gain"]
    console.print(
        f"{FUSED} over the best baseline: {gain['recall']:+.1f} points of recall@{k}, {gain['any']:+.1f} of any@{k}"
    )
    for measurement in measured:
        if measurement.milliseconds:
            median, high = measurement.milliseconds
            console.print(f"one recall, without embedding the question: p50 {median:.1f} ms, p95 {high:.1f} ms")
    questions = measured[0].overall.questions
    console.print(f"{questions} questions over {report['messages']} messages; configuration {report['hash']}")
