"""`auto`, measured in Russian, in English and mixed, with follow-ups, small talk, a hundred and a thousand subjects.

    python -m benchmarks.bench_router [--tuning] [--wrong] [--only NAME] [--json PATH]

The code's thresholds and weights were chosen with one half of the cases (`--tuning` shows it); the figures come from
the other. Of the demo mind's own held-out questions, in English, all are shown. The cases lie in
`benchmarks/router_cases`.

* `demo`: the demo mind as it ships; `demo, with classical`: its isolated adapter may be chosen as well.
* `written, 100`: a hundred adapters with names, descriptions and three questions each, written by hand, whose messages
  often name their subject by a technical word alone; `described`: the same without the questions.
* `combined, 100` and `combined, 1000`: synthetic subjects, each a thing and an aspect of it, with four questions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.router_pictures import draw_adapters, draw_subjects
from benchmarks.router_subjects import RoutedSubject, chosen, combined_subjects, lines, write_mind, written_subjects
from bot.answering.router import PastQuestion, Router
from bot.answering.routing.evaluation import Case, RouterFigures, evaluate_router, held_out_cases
from bot.answering.routing.features import Vectors
from bot.app.components import make_embedder
from bot.app.settings import Settings
from bot.minds import Mind, load_mind
from inference.embedding import LoadableEmbedder, Purpose

SMALL_TALK, ALL_OFF_TOPIC = 30, 1000
"""Lines of `off_topic.txt`: small talk comes first."""
BATCH, TIMED = 64, 50
"""Texts that are embedded at once, and messages whose embedding is timed."""
ROOT = Path(__file__).parents[1]


def demo_cases(mind: Mind, tuning: bool) -> Iterator[Case]:
    """Of the demo mind, for the adapters that `auto` may choose in it."""
    names = {name for name in mind.adapters if name != "classical" or mind.policies.auto_isolated}
    yield from (replace(case, kind=f"{case.kind}, English") for case in held_out_cases(mind))
    for position, (adapter, russian, mixed) in enumerate(lines("heldout.txt")):
        if adapter in names and chosen(position, tuning):
            yield Case("held-out questions, Russian", russian, adapter)
            yield Case("held-out questions, mixed", mixed, adapter)
    for position, (before, questions, message, adapter) in enumerate(lines("follow_ups.txt")):
        if chosen(position, tuning):
            history = tuple(PastQuestion(question, before) for question in questions.split(" ;; "))
            kind = "follow-ups that stay" if before == adapter else "follow-ups that switch"
            yield Case(kind, message, adapter, history)
    for position, (message,) in enumerate(lines("off_topic.txt")):
        if chosen(position, tuning):
            yield Case("small talk, off the subjects", message, "core")


def subject_cases(subjects: Sequence[RoutedSubject], title: str, tuning: bool, off_topic: int) -> Iterator[Case]:
    """The messages of each subject, and some that belong to none.

    Args:
        off_topic: how many lines of that file are on none of the subjects.
    """
    for subject in subjects:
        for language, message in subject.messages.items():
            yield Case(f"{title}, {language}", message, subject.name)
    things = {subject.thing for subject in subjects} - {""}
    for position, (message,) in enumerate(lines("off_topic.txt")[:off_topic]):
        if chosen(position, tuning) and not any(thing in message for thing in things):
            yield Case("small talk" if position < SMALL_TALK else "other subjects", message, "core")


class RememberingEmbedder:
    """An embedder that gives vectors it has computed before at once: messages are embedded in batches beforehand."""

    def __init__(self, embedder: LoadableEmbedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[Purpose, str], Vectors] = {}
        self.name, self.dimensions = embedder.name, embedder.dimensions

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        """See `Embedder.embed`."""
        new = [text for text in dict.fromkeys(texts) if (purpose, text) not in self._known]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            vectors = await self._embedder.embed(batch, purpose)
            self._known |= {(purpose, text): vector for text, vector in zip(batch, vectors, strict=True)}
        return np.array([self._known[purpose, text] for text in texts], np.float32)

    async def seconds(self, texts: Sequence[str]) -> list[float]:
        """How long each of these takes, alone."""
        taken = []
        for text in texts:
            start = time.perf_counter()
            await self._embedder.embed([text], "query")
            taken.append(time.perf_counter() - start)
        return taken


async def measure(
    name: str, mind: Mind, cases: Sequence[Case], embedder: RememberingEmbedder, arguments: argparse.Namespace
) -> tuple[dict[str, Any], RouterFigures]:
    """Route the cases and show what came of them."""
    router = Router(embedder, mind)
    await embedder.embed([case.text for case in cases], "query")
    await embedder.embed([past.text for case in cases for past in case.history], "query")
    figures = await evaluate_router(mind, embedder, router, cases)
    timed = [case.text for case in cases[:: max(1, len(cases) // TIMED)]]
    figures = replace(figures, embedding_seconds=await embedder.seconds(timed))
    index = await router.index()
    console = Console(highlight=False, width=120)
    table = Table(name, "number", "right", "with the core")
    for kind, of_kind in figures.kinds.items():
        table.add_row(kind, str(of_kind.cases), f"{of_kind.accuracy:.3f}", f"{of_kind.abstention(mind.core):.3f}")
    console.print(table)
    console.print(f"threshold {index.threshold:.2f}", {k: round(v, 1) for k, v in figures.milliseconds.items()})
    if arguments.wrong:
        for case, found in figures.wrong:
            console.print(f"  {case.kind}: {case.adapter} → {found}: {case.text}", markup=False)
    kinds = {
        kind: {"number": each.cases, "right": each.accuracy, "with the core": each.abstention(mind.core)}
        for kind, each in figures.kinds.items()
    }
    return {"kinds": kinds, "threshold": index.threshold, "milliseconds": figures.milliseconds}, figures


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all minds."""
    loadable = await asyncio.to_thread(make_embedder, Settings())
    await loadable.start()
    embedder = RememberingEmbedder(loadable)
    demo = load_mind(ROOT / "minds" / "agoge", require_adapters=False)
    open_demo = replace(demo, policies=demo.policies.model_copy(update={"auto_isolated": True}))
    tuning = arguments.tuning
    report: dict[str, Any] = {}
    found: dict[str, RouterFigures] = {}

    async def add(name: str, mind: Mind, cases: Sequence[Case]) -> None:
        if arguments.only is None or arguments.only in name:
            report[name], found[name] = await measure(name, mind, cases, embedder, arguments)

    async def add_subjects(name: str, subjects: Sequence[RoutedSubject], off_topic: int, questions: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            mind = write_mind(Path(folder), subjects, questions)
            await add(name, mind, list(subject_cases(subjects, name, tuning, off_topic)))

    try:
        await add("demo", demo, list(demo_cases(demo, tuning)))
        await add("demo, with classical", open_demo, list(demo_cases(open_demo, tuning)))
        # What follows the small talk in the file is on some of the hundred subjects that are written by hand.
        written, hundred, thousand = written_subjects(tuning), *(combined_subjects(it, tuning) for it in (100, 1000))
        await add_subjects("written, 100", written, SMALL_TALK, questions=True)
        await add_subjects("written, 100, described", written, SMALL_TALK, questions=False)
        await add_subjects("combined, 100", hundred, ALL_OFF_TOPIC, questions=True)
        await add_subjects("combined, 1000", thousand, ALL_OFF_TOPIC, questions=True)
    finally:
        await loadable.close()
    if arguments.picture is not None:
        draw_adapters(found["demo, with classical"], list(open_demo.adapters), arguments.picture)
    if arguments.subjects_picture is not None:
        draw_subjects(found["combined, 100"], found["combined, 1000"], hundred, thousand, arguments.subjects_picture)
    return report


def main() -> None:
    """Measure, show and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tuning", action="store_true", help="the half that was used for tuning")
    parser.add_argument("--wrong", action="store_true", help="list what went elsewhere")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--only", metavar="NAME", help="measure only the minds with this in their name")
    parser.add_argument("--picture", type=Path, help="draw the demo mind's confusion matrix into this PNG")
    parser.add_argument("--subjects-picture", type=Path, help="draw those of the combined subjects into this PNG")
    arguments = parser.parse_args()
    report = asyncio.run(run(arguments))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
