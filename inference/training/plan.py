"""What a training would take: tokens, steps, memory and time, told before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.training.anchor import TEXT_TOKENS, TEXTS_A_STEP
from inference.training.budget import Speed, measure_speed
from inference.training.encoding import Example
from inference.training.hardware import Hardware
from inference.training.lesson import Lesson, flatten
from inference.training.memory import BatchShape, EmptyModel, Memory
from inference.training.recipe import Recipe
from inference.training.schedule import count_steps, epoch_steps, pack_batches, share_examples
from inference.training.trainable import add_adapter, load_base
from inference.training.trainer import resolve_recipe


@dataclass(frozen=True, slots=True)
class AdapterPlan:
    """What one adapter's training would take."""

    modules: tuple[str, ...]
    base_parameters: int
    adapter_parameters: int
    dialogues: int
    tokens: int
    """Of the dialogues, without padding."""
    answer_tokens: int
    steps: int
    """In all epochs."""
    largest: BatchShape
    memory: Memory
    has_experts: bool
    """Whether the base model is a mixture of experts."""

    @property
    def adapter_bytes(self) -> int:
        """Size of the adapter on disk, in bfloat16."""
        return 2 * self.adapter_parameters


def plan_adapter(
    base: Path, lesson: Lesson, recipe: Recipe, hardware: Hardware, *, processes: int = 1, core: Path | None = None
) -> AdapterPlan:
    """Plan one adapter; needs the base model's `config.json` and nothing else of it.

    Args:
        processes: that will share each step.
        core: package of the frozen core; None if there is none, or none yet.

    Raises:
        ModuleUnknown, BaseConfigInvalid, BaseNotAdaptable, PrecisionUnavailable
    """
    recipe = resolve_recipe(base, recipe, hardware)
    model = EmptyModel(base, recipe, hardware.choose_dtype(recipe.precision))
    weights = core / "adapter_model.safetensors" if core else None
    # A core that is not trained yet will have the size of this adapter, or one like it.
    core_bytes = weights.stat().st_size if weights and weights.is_file() else 2 * model.adapter_parameters
    examples = flatten([*lesson.own, *lesson.own_kept_back])
    largest = largest_batch(lesson, recipe, processes)
    core_bytes = core_bytes if lesson.has_core else 0
    shapes = [largest, *([anchor_shape(processes)] if recipe.anchor else [])]
    memories = [model.memory(shape, hardware.device.type, core_bytes) for shape in shapes]
    return AdapterPlan(
        modules=recipe.modules,
        base_parameters=model.parameters,
        adapter_parameters=model.adapter_parameters,
        dialogues=lesson.dialogues,
        tokens=sum(len(example.ids) for example in examples),
        answer_tokens=sum(example.answer_tokens for example in examples),
        steps=count_steps(lesson, recipe) * recipe.epochs,
        largest=largest,
        has_experts=model.has_experts,
        memory=max(memories, key=lambda memory: memory.total),
    )


def largest_batch(lesson: Lesson, recipe: Recipe, processes: int = 1) -> BatchShape:
    """The batch of the first epoch that computes the most tokens at once; those of later epochs are like it."""
    batches: list[Sequence[Example]] = [
        batch
        for step in epoch_steps(lesson, recipe, 1)
        for batch in pack_batches(share_examples(step.examples, processes, 0), recipe.batch_size, recipe.batch_tokens)
    ]
    most = max(batches, key=lambda batch: len(batch) * max(len(e.ids) for e in batch))
    return BatchShape(len(most), max(len(e.ids) for e in most), sum(e.answer_tokens for e in most))


def anchor_shape(processes: int = 1) -> BatchShape:
    """The texts by which an adapter is held to the base model, as a batch; the scores of both models are kept."""
    texts = -(-TEXTS_A_STEP // processes)
    return BatchShape(texts, TEXT_TOKENS, 2 * texts * (TEXT_TOKENS - 1))


def try_speed(base: Path, lesson: Lesson, recipe: Recipe, hardware: Hardware) -> Speed:
    """Load the base model and compute a few batches of a lesson with a new adapter; nothing is kept."""
    resolved = resolve_recipe(base, recipe, hardware)
    model = add_adapter(load_base(base, hardware, resolved), resolved, None)
    return measure_speed(model, lesson, resolved, hardware)
