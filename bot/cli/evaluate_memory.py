"""`consilium eval memory`: recall on dialogues, beside BM25 and the embedding model by themselves."""

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
from bot.cli.common import new_table, stdout_console
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
"""Whose recall is shown dialogue by dialogue; the file of figures has that of all."""


def memory(
    context: typer.Context,
    data: Annotated[Path, typer.Option("--data", help="Dialogues with questions, in LoCoMo's format.")],
    k: Annotated[int, typer.Option("--k", min=1, max=50, help="How many memories a recall may give.")] = 10,
    figures_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")] = None,
) -> None:
    """Share of the messages that answer a question among those recalled, and what each part of recall adds."""
    settings: Settings = context.obj
    dialogues = read_dialogues(data)
    # A server of its own: people's memories are not measured, and nothing is left of it.
    with tempfile.TemporaryDirectory(prefix="consilium-eval-") as folder:
        measured, settled = asyncio.run(_measure(settings, dialogues, k, Path(folder).resolve()))
    settled["data"] = {"file": data.name, "blake3": blake3(data.read_bytes()).hexdigest()[:12]}
    report: dict[str, Any] = {
        "configuration": settled,
        "hash": hash_configuration(settled),
        "messages": sum(len(dialogue.messages) for dialogue in dialogues),
        "measured": [asdict(one) for one in measured],
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
            await Database.open(server.dsn) as database,
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
    """Points of fused recall over the best that it is compared with."""
    by_name = {one.name: one.overall for one in measured}
    return {
        figure: 100 * (getattr(by_name[FUSED], figure) - max(getattr(by_name[name], figure) for name in BASELINES))
        for figure in ("recall", "any", "mrr")
    }


def dialogues_table(measured: list[Measurement], k: int) -> Table:
    """Recall in each dialogue by itself."""
    shown = [one for one in measured if one.name in SHOWN_BY_DIALOGUE]
    names = [one.name for one in shown]
    table = new_table(f"recall@{k} in", *names, wrapped=names)
    for dialogue in measured[0].dialogues:
        table.add_row(dialogue, *(f"{one.dialogues[dialogue].recall:.3f}" for one in shown))
    return table


def _show(report: dict[str, Any], measured: list[Measurement], k: int) -> None:
    console = stdout_console()
    overall = new_table("recall", f"recall@{k}", f"any@{k}", "MRR", wrapped=("recall",))
    for one in measured:
        figures = one.overall
        overall.add_row(one.name, f"{figures.recall:.3f}", f"{figures.any:.3f}", f"{figures.mrr:.3f}")
    console.print(overall)
    console.print(dialogues_table(measured, k))
    gain = report["gain"]
    console.print(
        f"{FUSED} over the best baseline: {gain['recall']:+.1f} points of recall@{k}, {gain['any']:+.1f} of any@{k}"
    )
    for one in measured:
        if one.milliseconds:
            median, high = one.milliseconds
            console.print(f"one recall, without embedding the question: p50 {median:.1f} ms, p95 {high:.1f} ms")
    questions = measured[0].overall.questions
    console.print(f"{questions} questions over {report['messages']} messages; configuration {report['hash']}")
