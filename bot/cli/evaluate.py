"""`consilium eval`: measure adapters here; memory, library search and `auto` in the files beside this one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bot.app.components import base_model_folder, open_composer
from bot.app.settings import Settings
from bot.cli import evaluate_library
from bot.cli.common import JsonFileOption, MindOption, new_table, stdout_console
from bot.cli.evaluate_memory import memory
from bot.cli.evaluate_router import router
from bot.cli.mind import load_adapter_dialogues, train_adapter
from bot.minds import Mind, load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.manifest import AdapterKind
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part

app = typer.Typer(help="Measure adapters, memory, library search and auto.", no_args_is_help=True)
app.command("library")(evaluate_library.library)
app.command("memory")(memory)
app.command("router")(router)


@app.command()
def adapters(
    context: typer.Context,
    mind_folder: MindOption = None,
    apart: Annotated[
        bool, typer.Option("--apart", help="Also train each topic without the core, and measure plain sums.")
    ] = False,
    as_served: Annotated[
        bool, typer.Option("--as-served", help="At the mind's strength (policies.adapter_strength) instead of at 1.")
    ] = False,
    figures_file: JsonFileOption = None,
) -> None:
    """Measure the held-out loss of the base, the adapters and their compositions, and how much of each gain is kept.

    Adapters are measured as they were trained, at strength 1, whatever strength their mind serves them at.
    """
    from inference.training.loss import HeldOutLoss, relative_gain, retained_gain

    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    base = base_model_folder(settings, mind, weights=True)
    composer = open_composer(settings, mind, base)
    held_out = {name: load_adapter_dialogues(mind, name, heldout=True) for name in mind.adapters}
    loss = HeldOutLoss(base, held_out)
    strength = mind.policies.adapter_strength if as_served else 1.0
    console = stdout_console()
    console.print(f"At strength {strength:g}; the mind serves its adapters at {mind.policies.adapter_strength:g}.")

    def compose(parts: Sequence[Part]) -> Path:
        measured = [replace(part, strength=strength) for part in parts]
        return composer.store.get_or_compose(measured, composer.base).path

    figures: dict[str, dict[str, float]] = {}
    alone_table = new_table("adapter", "base", "adapter", "gain")
    base_loss = {name: loss.evaluate(None, name) for name in mind.adapters}
    alone_loss = {}
    for name, package in composer.packages.items():
        alone_loss[name] = loss.evaluate(compose([Part(package)]), name)
        gain = relative_gain(base_loss[name], alone_loss[name])
        figures[name] = {"base": base_loss[name], "adapter": alone_loss[name], "gain": gain}
        alone_table.add_row(name, f"{base_loss[name]:.3f}", f"{alone_loss[name]:.3f}", f"{gain:.1%}")
    console.print(alone_table)

    kept_table = new_table("composition", "of", "alone", "composed", "kept", wrapped=("composition",))

    def measure(title: str, package: Path, alone: dict[str, float]) -> None:
        for name, loss_alone in alone.items():
            composed = loss.evaluate(package, name)
            kept = retained_gain(base_loss[name], loss_alone, composed)
            figures[f"{title} / {name}"] = {"alone": loss_alone, "composed": composed, "kept": kept}
            kept_table.add_row(title, name, f"{loss_alone:.3f}", f"{composed:.3f}", f"{kept:.1%}")

    core = mind.core
    for topic in _topic_adapters(mind):
        mode = resolve_mode(parse_expression(topic), mind)
        measure(mode.text, compose(composer.parts(mode)), {name: alone_loss[name] for name in (core, topic)})
    if apart:
        for topic in _topic_adapters(mind):
            package = _train_without_core(settings, mind, topic, base)
            alone = {core: alone_loss[core], topic: loss.evaluate(compose([Part(package)]), topic)}
            for title, weight in (("plain sum, trained apart", 1.0), ("1/√2 each, trained apart", 0.71)):
                parts = [Part(composer.packages[core], weight), Part(package, weight)]
                measure(f"{core}+{topic}, {title}", compose(parts), alone)
    console.print(kept_table)
    if figures_file is not None:
        figures_file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _topic_adapters(mind: Mind) -> list[str]:
    return [name for name, adapter in mind.adapters.items() if adapter.kind is AdapterKind.TOPIC]


def _train_without_core(settings: Settings, mind: Mind, topic: str, base: Path) -> AdapterPackage:
    """The topic trained without the core, cached for the next measurement."""
    from inference.training.recipe import Recipe

    folder = settings.cache_dir / "trained-apart" / mind.name / topic
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        train_adapter(mind, topic, Recipe(), base, folder, without_core=True)
    return AdapterPackage.open(folder)
