"""How fast this machine trains, and what of a recipe fits into the time there is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from consilium.errors import N_
from inference.training.anchor import anchored_tokens
from inference.training.encoding import Example, make_batch
from inference.training.errors import TrainingError
from inference.training.hardware import Hardware
from inference.training.lesson import Lesson, flatten
from inference.training.loss import batch_loss, summed_loss
from inference.training.recipe import MIN_DIALOGUES, Recipe
from inference.training.schedule import epoch_steps, pack_batches, padded_tokens, share_examples

_PROBED: Final = 3
"""Batches that a measurement computes, after one that is not counted."""
_MARGIN: Final = 1.15
"""Whatever else takes time: the optimizer, checkpoints, other work on the machine."""


class BudgetTooShort(TrainingError):
    """There is not time enough to learn even the fewest dialogues once."""

    sentence = N_("{seconds:.0f} s are too short: {dialogues} dialogues, once, would take about {needed:.0f} s.")
    remedy = N_("Give a longer --budget.")

    def __init__(self, seconds: float, dialogues: int, needed: float) -> None:
        super().__init__(seconds=seconds, dialogues=dialogues, needed=needed)


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds that one padded token takes on one process."""

    learnt: float
    """Forwards and backwards."""
    measured: float
    """Forwards only."""

    def epoch_seconds(self, lesson: Lesson, recipe: Recipe, processes: int = 1) -> float:
        """About how long an epoch takes, with its validation."""
        return _MARGIN * (
            self.learnt * learnt_tokens(lesson, recipe, processes)
            + self.measured * measured_tokens(lesson, recipe, processes)
        )

    def validation_seconds(self, lesson: Lesson, recipe: Recipe, processes: int = 1) -> float:
        """About how long the validation after an epoch takes."""
        return _MARGIN * self.measured * measured_tokens(lesson, recipe, processes)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What fits into the time."""

    epochs: int
    share: float = 1.0
    """Of the dialogues."""


def learnt_tokens(lesson: Lesson, recipe: Recipe, processes: int = 1) -> int:
    """Padded tokens that the busiest process computes to learn one epoch."""
    held = anchored_tokens(processes) if recipe.anchor else 0
    return sum(
        max(_padded(share_examples(step.examples, processes, rank), recipe) for rank in range(processes)) + held
        for step in epoch_steps(lesson, recipe, 1)
    )


def measured_tokens(lesson: Lesson, recipe: Recipe, processes: int = 1) -> int:
    """Padded tokens that a process computes to validate."""
    kept_back = (flatten(lesson.own_kept_back), flatten(lesson.core_kept_back))
    return -(-sum(_padded(examples, recipe) for examples in kept_back) // processes)


def measure_speed(model: Any, lesson: Lesson, recipe: Recipe, hardware: Hardware) -> Speed:
    """Compute a few batches and time them; the model and its gradients are left as they were.

    Batches of a process's ordinary share are taken from the longest down to the middle, so that memory is tried too.
    """
    steps = sorted(epoch_steps(lesson, recipe, 1), key=lambda step: -max(len(e.ids) for e in step.examples))
    batches: list[Sequence[Example]] = []
    for step in steps[:: max(1, len(steps) // (2 * _PROBED))]:
        share = share_examples(step.examples, hardware.processes, 0)
        batches += [*pack_batches(share, recipe.batch_size, recipe.batch_tokens)][:1]
        if len(batches) > _PROBED:
            break
    model.train()
    learnt = _time_batches(lambda some: _learn_all(model, some, hardware.device), batches, hardware)
    model.zero_grad(set_to_none=True)
    model.eval()
    measured = _time_batches(lambda some: summed_loss(model, some), batches, hardware)
    return Speed(*hardware.agree((learnt, measured)))


def fit(
    lesson: Lesson, recipe: Recipe, speed: Speed, seconds: float, most: float | None = None, processes: int = 1
) -> Fitted:
    """The epochs, or else the share of the dialogues for a single one, that take no longer than `seconds`.

    Args:
        most: seconds that may be taken if nothing fits into `seconds`; None: no more than these.

    Raises:
        BudgetTooShort: not even the fewest dialogues fit.
    """
    epoch = speed.epoch_seconds(lesson, recipe, processes)
    if epoch <= seconds:
        return Fitted(min(recipe.epochs, int(seconds // epoch)))
    least = min(1.0, MIN_DIALOGUES / lesson.dialogues)
    if least * epoch > max(seconds, most or 0.0):
        raise BudgetTooShort(max(seconds, most or 0.0), min(MIN_DIALOGUES, lesson.dialogues), least * epoch)
    return Fitted(1, max(least, seconds / epoch))


def _padded(examples: Sequence[Example], recipe: Recipe) -> int:
    return padded_tokens([*pack_batches(examples, recipe.batch_size, recipe.batch_tokens)])


def _learn(model: Any, examples: Sequence[Example], device: torch.device) -> None:
    loss = batch_loss(model, make_batch(examples).to(device))
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    loss.item()


def _learn_all(model: Any, batches: Sequence[Sequence[Example]], device: torch.device) -> None:
    for examples in batches:
        _learn(model, examples, device)


def _time_batches(work: Any, batches: Sequence[Sequence[Example]], hardware: Hardware) -> float:
    """Seconds for each padded token; the first batch is computed once more, as the one that is not counted."""
    work(batches[:1])
    began = time.monotonic()
    work(batches)
    return (time.monotonic() - began) / padded_tokens(batches)
