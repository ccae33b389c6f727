"""`auto`, measured in Russian, in English and mixed, with follow-ups, small talk and a hundred subjects.

    python -m benchmarks.bench_router [--tuning] [--wrong] [--json PATH] [--picture PATH]

The cases lie in `benchmarks/router_cases`, written by hand. The code's thresholds and weights were chosen with every
other pair of their lines (`--tuning` shows those); the figures come from the rest. Of the demo mind's own held-out
questions, in English, all are shown.

* `demo`: the demo mind as it ships; `demo, with classical`: its isolated adapter may be chosen as well.
* `subjects`: a hundred adapters with names, descriptions and three questions each, among which all are routed;
  `subjects, described`: the same without the questions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from bot.answering.router import PastQuestion, Router
from bot.answering.routing.evaluation import Case, RouterFigures, evaluate_router, held_out_cases
from bot.app.components import make_embedder
from bot.app.settings import Settings
from bot.minds import Mind, load_mind
from inference.embedding import LoadableEmbedder

CASES = Path(__file__).parent / "router_cases"
ROOT = Path(__file__).parents[1]


def lines(name: str) -> list[list[str]]:
    """The lines of a file of cases, in columns."""
    text = (CASES / name).read_text(encoding="utf-8")
    return [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]


def chosen(position: int, tuning: bool) -> bool:
    """Whether a line belongs to the half that is looked at."""
    return (position // 2 % 2 == 0) is tuning


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


def subject_cases(tuning: bool) -> Iterator[Case]:
    """Two questions of each subject, one in Russian and one in English, and small talk."""
    for position, (name, *_, russian, english) in enumerate(lines("subjects.txt")):
        if chosen(position, tuning):
            yield Case("a hundred subjects, Russian", russian, name)
            yield Case("a hundred subjects, English", english, name)
    # What follows the small talk in the file is on some of the hundred subjects.
    for position, (message,) in enumerate(lines("off_topic.txt")[:30]):
        if chosen(position, tuning):
            yield Case("small talk", message, "core")


def write_subjects(folder: Path, questions: bool) -> Mind:
    """A mind of the hundred subjects."""
    adapters: dict[str, Any] = {"core": {"kind": "core", "path": "adapters/core"}}
    (folder / "dialogues").mkdir()
    for name, russian, description, described, *asked in lines("subjects.txt"):
        adapters[name] = {
            "kind": "topic",
            "path": f"adapters/{name}",
            "aliases": [russian.replace(" ", "-")],
            "description": {"en": description, "ru": described},
        }
        if questions:
            adapters[name]["dialogues"] = f"dialogues/{name}.jsonl"
            messages = [[{"role": "user", "content": q}, {"role": "assistant", "content": "…"}] for q in asked[:3]]
            text = "\n".join(json.dumps({"messages": each}, ensure_ascii=False) for each in messages)
            (folder / "dialogues" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    spec = {"name": "subjects", "base_model": "SmolLM2-135M-Instruct", "languages": ["en", "ru"], "adapters": adapters}
    (folder / "mind.yaml").write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    (folder / "rag_config.yaml").write_text("collections: {}\n", encoding="utf-8")
    (folder / "prompts").mkdir()
    (folder / "prompts" / "system.j2").write_text("You are {{ mind.name }}.", encoding="utf-8")
    return load_mind(folder, require_adapters=False)


async def measure(
    name: str, mind: Mind, cases: Sequence[Case], embedder: LoadableEmbedder, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Route the cases and show what came of them."""
    router = Router(embedder, mind)
    figures = await evaluate_router(mind, embedder, router, cases)
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
    if arguments.picture is not None and name == "demo, with classical":
        draw(figures, list(mind.adapters), arguments.picture)
    kinds = {
        kind: {"number": each.cases, "right": each.accuracy, "with the core": each.abstention(mind.core)}
        for kind, each in figures.kinds.items()
    }
    return {"kinds": kinds, "threshold": index.threshold, "milliseconds": figures.milliseconds}


def draw(figures: RouterFigures, names: Sequence[str], path: Path) -> None:
    """The confusion of all held-out questions, follow-ups among them, as a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    total: Counter[tuple[str, str]] = Counter()
    for kind, each in figures.kinds.items():
        if kind.startswith("held-out"):
            total += each.confusion
    figure, axes = plt.subplots(figsize=(4.2, 3.6), dpi=100)
    counts = [[total[expected, found] for found in names] for expected in names]
    axes.imshow(counts, cmap="Blues")
    for row, of_row in enumerate(counts):
        for column, count in enumerate(of_row):
            shade = "white" if count > max(map(max, counts)) / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=shade)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("auto chose")
    axes.set_ylabel("the question belongs to")
    figure.tight_layout()
    figure.savefig(path)


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all minds."""
    embedder = await asyncio.to_thread(make_embedder, Settings())
    await embedder.start()
    demo = load_mind(ROOT / "minds" / "agoge", require_adapters=False)
    open_demo = replace(demo, policies=demo.policies.model_copy(update={"auto_isolated": True}))
    report = {}
    try:
        for name, mind in (("demo", demo), ("demo, with classical", open_demo)):
            cases = list(demo_cases(mind, arguments.tuning))
            report[name] = await measure(name, mind, cases, embedder, arguments)
        for name, questions in (("subjects", True), ("subjects, described", False)):
            with tempfile.TemporaryDirectory() as folder:
                mind = write_subjects(Path(folder), questions)
                cases = list(subject_cases(arguments.tuning))
                report[name] = await measure(name, mind, cases, embedder, arguments)
    finally:
        await embedder.close()
    return report


def main() -> None:
    """Measure, show and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tuning", action="store_true", help="the half that was used for tuning")
    parser.add_argument("--wrong", action="store_true", help="list what went elsewhere")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--picture", type=Path, help="draw the confusion matrix into this PNG")
    arguments = parser.parse_args()
    report = asyncio.run(run(arguments))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
