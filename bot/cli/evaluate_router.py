"""`consilium eval router`: measure `auto`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.answering.router import Router
from bot.answering.routing.calibration import Calibration
from bot.answering.routing.evaluation import Case, RouterFigures, evaluate_router, held_out_cases, read_cases
from bot.app.components import make_embedder
from bot.app.settings import Settings
from bot.cli.common import JsonFileOption, MindOption, new_table, stdout_console
from bot.minds import Mind, load_mind


def router(
    context: typer.Context,
    mind_folder: MindOption = None,
    cases_file: Annotated[
        Path | None, typer.Option("--cases", help='More questions: JSON lines of "text", "adapter" and "after".')
    ] = None,
    show_wrong: Annotated[bool, typer.Option("--wrong", help="Show the questions that went elsewhere.")] = False,
    figures_file: JsonFileOption = None,
) -> None:
    """Measure where auto sends the mind's held-out questions, how often it stays with the core, and how long it takes.

    Needs no trained adapters and no database.
    """
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind, require_adapters=False)
    cases = held_out_cases(mind)
    if cases_file is not None:
        cases += read_cases(cases_file, mind)
    figures, calibration, threshold, mixtures = asyncio.run(_measure(settings, mind, cases))
    _show(mind, figures, calibration, threshold)
    if mixtures:
        stdout_console().print(f"{len(mixtures)} mixtures: {', '.join(mixtures)}", markup=False, soft_wrap=True)
    if show_wrong:
        for case, found in figures.wrong:
            stdout_console().print(f"{case.adapter} → {found}: {case.text}", markup=False, soft_wrap=True)
    if figures_file is not None:
        document = _to_document(mind, figures, calibration, threshold) | {"mixtures": mixtures}
        figures_file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


async def _measure(
    settings: Settings, mind: Mind, cases: list[Case]
) -> tuple[RouterFigures, Calibration, float, list[str]]:
    embedder = await asyncio.to_thread(make_embedder, settings)
    try:
        router = Router(embedder, mind)
        figures = await evaluate_router(mind, embedder, router, cases)
        index = await router.index()
        return figures, index.calibration, index.threshold, list(await router.mixtures())
    finally:
        await embedder.close()


def _show(mind: Mind, figures: RouterFigures, calibration: Calibration, threshold: float) -> None:
    console = stdout_console()
    table = new_table("questions", "number", "right", "with the core", wrapped=("questions",))
    for kind, of_kind in figures.kinds.items():
        table.add_row(kind, str(of_kind.cases), f"{of_kind.accuracy:.1%}", f"{of_kind.abstention(mind.core):.1%}")
    if calibration.accuracy is not None:
        table.add_row("dialogues, left out", str(calibration.questions), f"{calibration.accuracy:.1%}", "")
    if calibration.abstention is not None:
        table.add_row("general talk, left out", "", f"{calibration.abstention:.1%}", f"{calibration.abstention:.1%}")
    console.print(table)
    for kind, of_kind in figures.kinds.items():
        found = sorted({name for pair in of_kind.confusion for name in pair})
        confusion = new_table(f"{kind}: belongs to", *found)
        for expected in sorted({expected for expected, _ in of_kind.confusion}):
            confusion.add_row(expected, *(str(of_kind.confusion[expected, name] or "") for name in found))
        console.print(confusion)
    times = ", ".join(f"{name} {value:.1f} ms" for name, value in figures.milliseconds.items())
    console.print(f"threshold {threshold:.2f}; {times}", soft_wrap=True)


def _to_document(mind: Mind, figures: RouterFigures, calibration: Calibration, threshold: float) -> dict[str, Any]:
    return {
        "kinds": {
            kind: {
                "questions": of_kind.cases,
                "right": of_kind.accuracy,
                "with the core": of_kind.abstention(mind.core),
                "confusion": [[*pair, count] for pair, count in sorted(of_kind.confusion.items())],
            }
            for kind, of_kind in figures.kinds.items()
        },
        "left out": {
            "questions": calibration.questions,
            "right": calibration.accuracy,
            "general talk with the core": calibration.abstention,
        },
        "threshold": threshold,
        "milliseconds": figures.milliseconds,
    }
