"""`consilium eval adapters`: what adapters learned, and what a composition keeps of it, also over seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from bot.answering.composer import Composer
from bot.app.components import base_model_folder, open_composer
from bot.app.settings import Settings
from bot.cli.common import JsonFileOption, MindOption, new_table, stdout_console
from bot.cli.dialogues import load_adapter_dialogues
from bot.cli.recipe_options import recipe_of
from bot.cli.training_run import RunSettings, TrainingSession, describe_spread
from bot.core.i18n import Translator, system_language
from bot.minds import Mind, load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.manifest import AdapterKind
from inference.adapters.merging.settings import SUM, Merge
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.device import find_device

if TYPE_CHECKING:
    from inference.training.hardware import Hardware
    from inference.training.loss import HeldOutLoss

_APART: Final = (("plain sum, trained apart", 1.0), ("1/√2 each, trained apart", 0.71))


@dataclass(frozen=True, slots=True)
class Alone:
    """An adapter by itself, on its own held-out dialogues; losses in nats per answer token."""

    base: float
    adapter: float
    gain: float
    """Share of the base's loss that the adapter takes away."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A composition on the held-out dialogues of one of its adapters."""

    alone: float
    composed: float
    kept: float
    """Share of the adapter's gain that is left."""


@dataclass(frozen=True, slots=True)
class AdapterFigures:
    """What one set of adapters came to."""

    alone: dict[str, Alone]
    """By adapter."""
    composed: dict[tuple[str, str], Kept]
    """By composition, and the adapter whose dialogues it was measured on."""

    def as_dict(self) -> dict[str, dict[str, float]]:
        """As it is written to a file."""
        alone = {
            name: {"base": each.base, "adapter": each.adapter, "gain": each.gain} for name, each in self.alone.items()
        }
        composed = {
            f"{title} / {name}": {"alone": each.alone, "composed": each.composed, "kept": each.kept}
            for (title, name), each in self.composed.items()
        }
        return alone | composed


def adapters(
    context: typer.Context,
    mind_folder: MindOption = None,
    apart: Annotated[
        bool, typer.Option("--apart", help="Also train each topic without the core, and measure plain sums.")
    ] = False,
    as_served: Annotated[
        bool, typer.Option("--as-served", help="At the mind's strength (policies.adapter_strength) instead of at 1.")
    ] = False,
    seeds: Annotated[
        int,
        typer.Option(
            min=0, max=100, help="Also train all adapters anew from so many seeds: mean and range of every figure."
        ),
    ] = 0,
    figures_file: JsonFileOption = None,
) -> None:
    """Measure the held-out loss of the base, the adapters and their compositions, and how much of each gain is kept.

    Adapters are measured as they were trained, at strength 1, whatever strength their mind serves them at. What is
    trained for this is kept in the cache, and continued if it is interrupted; the mind's own adapters stay as they are.
    """
    from inference.training.hardware import open_hardware
    from inference.training.loss import HeldOutLoss

    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    base = base_model_folder(settings, mind, weights=True)
    console = stdout_console()
    strength = mind.policies.adapter_strength if as_served else 1.0
    console.print(f"At strength {strength:g}; the mind serves its adapters at {mind.policies.adapter_strength:g}.")
    with open_hardware(settings.device) as hardware:
        retrained = [*_retrain(settings, mind, base, hardware, seeds)]
        trained_apart = _train_apart(settings, mind, base, hardware) if apart else {}
    held_out = {name: load_adapter_dialogues(mind, name, heldout=True) for name in mind.adapters}
    loss = HeldOutLoss(base, held_out, find_device(settings.device))
    base_loss = {name: loss.evaluate(None, name) for name in mind.adapters}
    figures = _Measurement(mind, open_composer(settings, mind, base), loss, base_loss, strength).run(trained_apart)
    _print_figures(console, figures)
    written: dict[str, object] = dict(figures.as_dict())
    if retrained:
        sets = [
            _Measurement(each, open_composer(settings, each, base), loss, base_loss, strength).run({})
            for each in retrained
        ]
        _print_spread(console, figures, sets)
        written["seeds"] = [each.as_dict() for each in sets]
    if figures_file is not None:
        figures_file.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class _Measurement:
    """Measures the adapters of one mind."""

    def __init__(
        self, mind: Mind, composer: Composer, loss: HeldOutLoss, base_loss: dict[str, float], strength: float
    ) -> None:
        self._mind, self._composer, self._loss = mind, composer, loss
        self._base_loss, self._strength = base_loss, strength

    def run(self, trained_apart: dict[str, AdapterPackage]) -> AdapterFigures:
        """Measure each adapter, each topic on the core, and topics trained apart beside them."""
        from inference.training.loss import relative_gain

        figures = AdapterFigures({}, {})
        for name, package in self._composer.packages.items():
            alone = self._loss.evaluate(self._compose([Part(package)]), name)
            base = self._base_loss[name]
            figures.alone[name] = Alone(base, alone, relative_gain(base, alone))
        core = self._mind.core
        losses = {name: each.adapter for name, each in figures.alone.items()}
        for topic in topic_adapters(self._mind):
            mode = resolve_mode(parse_expression(topic), self._mind)
            alone_losses = {name: losses[name] for name in (core, topic)}
            self._measure(figures, mode.text, self._compose(self._composer.parts(mode), mode.merge), alone_losses)
        for topic, package in trained_apart.items():
            alone_losses = {core: losses[core], topic: self._loss.evaluate(self._compose([Part(package)]), topic)}
            for title, weight in _APART:
                parts = [Part(self._composer.packages[core], weight), Part(package, weight)]
                self._measure(figures, f"{core}+{topic}, {title}", self._compose(parts), alone_losses)
        return figures

    def _measure(self, figures: AdapterFigures, title: str, package: Path, alone: dict[str, float]) -> None:
        from inference.training.loss import retained_gain

        for name, loss_alone in alone.items():
            composed = self._loss.evaluate(package, name)
            kept = retained_gain(self._base_loss[name], loss_alone, composed)
            figures.composed[title, name] = Kept(loss_alone, composed, kept)

    def _compose(self, parts: Sequence[Part], merge: Merge = SUM) -> Path:
        measured = [replace(part, strength=self._strength) for part in parts]
        return self._composer.store.get_or_compose(measured, self._composer.base, merge=merge).path


def topic_adapters(mind: Mind) -> list[str]:
    """Names of the adapters that add to the core."""
    return [name for name, adapter in mind.adapters.items() if adapter.kind is AdapterKind.TOPIC]


def _retrain(settings: Settings, mind: Mind, base: Path, hardware: Hardware, seeds: int) -> Iterator[Mind]:
    """The mind with adapters trained anew, once for each seed; the core before its topics."""
    in_order = sorted(mind.adapters, key=lambda name: mind.adapters[name].kind is not AdapterKind.CORE)
    console = Console(stderr=True, highlight=False)
    say = Translator(settings.language or system_language())
    for number in range(seeds):
        folder = settings.cache_dir / "trained-seeds" / mind.name / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        moved = _with_adapters_in(mind, folder)
        seed = recipe_of(mind, mind.core).seed + number
        console.print(say("seed {seed}", seed=seed))
        run = RunSettings(recipe={"seed": seed}, resume=True)
        TrainingSession(moved, base, hardware, run, say).train(in_order)
        yield moved


def _train_apart(settings: Settings, mind: Mind, base: Path, hardware: Hardware) -> dict[str, AdapterPackage]:
    """The topics trained without the core, cached for the next measurement."""
    folder = settings.cache_dir / "trained-apart" / mind.name
    folder.mkdir(parents=True, exist_ok=True)
    moved = _with_adapters_in(mind, folder)
    topics = topic_adapters(mind)
    say = Translator(settings.language or system_language())
    run = RunSettings(without_core=True, resume=True)
    TrainingSession(moved, base, hardware, run, say).train(topics)
    return {topic: AdapterPackage.open(moved.adapters[topic].path) for topic in topics}


def _with_adapters_in(mind: Mind, folder: Path) -> Mind:
    """The same mind, with its adapters in another folder."""
    moved = {name: each.model_copy(update={"path": folder / name}) for name, each in mind.adapters.items()}
    return replace(mind, adapters=MappingProxyType(moved))


def _print_figures(console: Console, figures: AdapterFigures) -> None:
    alone_table = new_table("adapter", "base", "adapter", "gain")
    for name, alone in figures.alone.items():
        alone_table.add_row(name, f"{alone.base:.3f}", f"{alone.adapter:.3f}", f"{alone.gain:.1%}")
    console.print(alone_table)
    kept_table = new_table("composition", "of", "alone", "composed", "kept", wrapped=("composition",))
    for (title, name), kept in figures.composed.items():
        kept_table.add_row(title, name, f"{kept.alone:.3f}", f"{kept.composed:.3f}", f"{kept.kept:.1%}")
    console.print(kept_table)


def _print_spread(console: Console, figures: AdapterFigures, sets: Sequence[AdapterFigures]) -> None:
    """Mean and range over the seeds, and whether the mind's own adapters are among them."""
    gains = new_table("adapter", "the mind's own", f"seeds: {len(sets)}, mean (range)", "within")
    for name, alone in figures.alone.items():
        values = [each.alone[name].gain for each in sets]
        gains.add_row(
            f"gain of {name}", f"{alone.gain:.1%}", describe_spread(values, ".1%"), _within(alone.gain, values)
        )
    console.print(gains)
    kept = new_table("composition", "kept of", "the mind's own", f"seeds: {len(sets)}, mean (range)", "within")
    for (title, name), each in figures.composed.items():
        values = [other.composed[title, name].kept for other in sets if (title, name) in other.composed]
        if values:
            kept.add_row(title, name, f"{each.kept:.1%}", describe_spread(values, ".1%"), _within(each.kept, values))
    console.print(kept)


def _within(value: float, values: Sequence[float]) -> str:
    """Whether a value lies in the range of others, and by how much it misses it."""
    miss = max(min(values) - value, value - max(values), 0.0)
    return "yes" if math.isclose(miss, 0.0, abs_tol=1e-9) else f"by {miss:.1%} not"
