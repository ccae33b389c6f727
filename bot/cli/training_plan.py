"""`consilium train --plan`: what a training would take, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bot.app.components import base_model_folder
from bot.app.settings import Settings
from bot.cli.common import new_table, stdout_console
from bot.cli.dialogues import load_adapter_dialogues
from bot.cli.durations import format_duration
from bot.cli.recipe_options import recipe_of
from bot.minds import Mind
from bot.minds.versions import newest_folder
from inference.adapters.manifest import AdapterKind
from inference.device import free_memory
from inference.model_files import ModelUnusable, check_weights
from inference.training.modules import ALL_LINEAR

if TYPE_CHECKING:
    from inference.training.budget import Speed
    from inference.training.hardware import Hardware
    from inference.training.lesson import Lesson
    from inference.training.plan import AdapterPlan
    from inference.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class _Planned:
    name: str
    recipe: Recipe
    lesson: Lesson
    plan: AdapterPlan


def show_plan(
    mind: Mind, names: Sequence[str], given: Mapping[str, Any], settings: Settings, device: str, processes: int
) -> None:
    """Print tokens, steps, memory and time of each adapter; of the base model only its configuration is needed.

    Time is measured with a few batches if the weights are here and fit into the memory that is free.
    """
    from inference.training.hardware import open_hardware

    console = stdout_console()
    base = base_model_folder(settings, mind, weights=False)
    has_tokenizer = (base / "tokenizer.json").is_file()
    with open_hardware(device) as hardware:
        planned = [_plan(mind, name, given, base, has_tokenizer, hardware, processes) for name in names]
        first = planned[0]
        shared = f", {processes} processes" if processes > 1 else ""
        parameters = _count(first.plan.base_parameters)
        console.print(
            Text(f"{settings.base_model or mind.base_model}: {parameters} parameters, on {hardware.device}{shared}"),
            soft_wrap=True,
        )
        speed, why_not = _measure(planned, base, hardware, has_tokenizer)
        learning = new_table("adapter", "rank", "trained", "file", "dialogues", "tokens", "of answers", "steps", "time")
        memory = new_table("memory of", "base", "adapter", "activations", "logits", "libraries", "in all", "a batch")
        for each in planned:
            plan = each.plan
            seconds = speed.epoch_seconds(each.lesson, each.recipe, processes) * each.recipe.epochs if speed else None
            learning.add_row(
                each.name,
                str(each.recipe.rank),
                _count(plan.adapter_parameters),
                _size(plan.adapter_bytes),
                str(plan.dialogues),
                str(plan.tokens),
                str(plan.answer_tokens),
                str(plan.steps),
                f"≤ {format_duration(seconds)}" if seconds is not None else "?",
            )
            parts = (plan.memory.base, plan.memory.adapter, plan.memory.activations, plan.memory.logits)
            shape = plan.largest
            memory.add_row(
                each.name,
                *map(_size, (*parts, plan.memory.libraries, plan.memory.total)),
                f"{shape.examples} × {shape.tokens}",
            )
        console.print(learning)
        console.print(memory)
        for line in _remarks(planned, base, hardware, has_tokenizer, why_not):
            console.print(Text(line), soft_wrap=True)


def _plan(
    mind: Mind,
    name: str,
    given: Mapping[str, Any],
    base: Path,
    has_tokenizer: bool,
    hardware: Hardware,
    processes: int,
) -> _Planned:
    from inference.training.lesson import approximate_lesson, prepare_lesson
    from inference.training.plan import plan_adapter

    recipe = recipe_of(mind, name, given)
    on_core = mind.adapters[name].kind is AdapterKind.TOPIC
    dialogues = load_adapter_dialogues(mind, name)
    core = load_adapter_dialogues(mind, mind.core) if on_core else None
    if has_tokenizer:
        lesson = prepare_lesson(base, dialogues, recipe, core=core)
    else:
        lesson = approximate_lesson(dialogues, recipe, core=core)
    package = newest_folder(mind, mind.core) if on_core else None
    plan = plan_adapter(base, lesson, recipe, hardware, processes=processes, core=package)
    return _Planned(name, recipe, lesson, plan)


def _measure(
    planned: Sequence[_Planned], base: Path, hardware: Hardware, has_tokenizer: bool
) -> tuple[Speed | None, str]:
    """The speed of this machine, or why it was not measured."""
    from inference.training.plan import try_speed
    from inference.training.trainable import QuantizationUnavailable

    try:
        check_weights(base)
    except ModelUnusable:
        return None, "the weights are not here"
    if not has_tokenizer:
        return None, "the tokenizer is not here"
    largest = max(planned, key=lambda each: each.plan.memory.total)
    if largest.plan.memory.total > free_memory(hardware.device):
        return None, "it does not fit into the memory that is free"
    try:
        return try_speed(base, largest.lesson, largest.recipe, hardware), ""
    except QuantizationUnavailable as error:
        return None, str(error).partition(".")[0]


def _remarks(
    planned: Sequence[_Planned], base: Path, hardware: Hardware, has_tokenizer: bool, why_not: str
) -> list[str]:
    lines = []
    if why_not:
        lines.append(f"Time was not measured: {why_not}.")
    if not has_tokenizer:
        lines.append(f"{base} has no tokenizer.json: tokens are estimated from the length of the texts.")
    modules = list(dict.fromkeys(name for each in planned for name in each.plan.modules))
    lines.append(f"Trained on: {', '.join(modules)}.")
    if planned[0].plan.has_experts:
        if any(ALL_LINEAR in each.recipe.modules for each in planned):
            lines.append("The experts are fused into one tensor a layer: all-linear leaves them as they are.")
        if any(each.recipe.quantize == "4bit" for each in planned):
            lines.append("The experts stay in full precision: bitsandbytes stores only plain linear layers in 4 bits.")
    most, free = max(each.plan.memory.total for each in planned), free_memory(hardware.device)
    if most > free:
        lines.append(
            f"! {_size(most)} do not fit into the {_size(free)} that are free on {hardware.device}. "
            f"Less is taken with {', '.join(_remedies(planned[0].recipe))}."
        )
    else:
        lines.append(f"{_size(free)} are free on {hardware.device}.")
    return lines


def _remedies(recipe: Recipe) -> list[str]:
    """Options that take less memory, those that are not used yet."""
    remedies = [] if recipe.gradient_checkpointing else ["--gradient-checkpointing"]
    remedies += [] if recipe.quantize == "4bit" else ["--quantize 4bit"]
    return [*remedies, "a smaller --batch-tokens or --max-tokens"]


def _size(amount: float) -> str:
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.1f} MB"


def _count(number: int) -> str:
    return f"{number / 1e9:.2f} B" if number >= 1e9 else f"{number / 1e6:.2f} M"
