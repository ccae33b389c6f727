"""Trains one LoRA adapter on a lesson: step by step, until its validation loss stops falling.

LoRA: Hu et al., 2021, arXiv:2106.09685. A topic is trained while the core is active and frozen, with part of the
core's dialogues rehearsed (experience replay: Rolnick et al., 2019, arXiv:1811.11682), so that the sum of both
keeps what each has learnt. For part of its dialogues the core is silent, so that the topic also stands on its own.
Where the recipe says so, all of it is held to the base model on texts of the base's own (`inference.training.anchor`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog
import torch
from blake3 import blake3
from peft import get_peft_model_state_dict

from consilium.errors import N_
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec
from inference.training.anchor import Anchor
from inference.training.budget import Fitted, fit, measure_speed
from inference.training.checkpoints import Checkpoint, CheckpointFolder, Inputs, digest_of
from inference.training.encoding import Example, make_batch
from inference.training.errors import TrainingError
from inference.training.hardware import CPU, Hardware
from inference.training.lesson import ExamplesOfDialogues, Lesson, digest_base, flatten
from inference.training.loss import batch_loss, summed_loss
from inference.training.modules import choose_modules
from inference.training.outcome import Epoch, TrainedAdapter
from inference.training.recipe import Precision, Recipe
from inference.training.schedule import (
    Step,
    count_steps,
    epoch_steps,
    learning_rate_factor,
    pack_batches,
    share_examples,
)
from inference.training.trainable import (
    TRAINED_ADAPTER,
    add_adapter,
    copy_weights,
    load_base,
    restore_weights,
    set_core_active,
    trainable_parameters,
)

log = structlog.get_logger(__name__)

_MAX_GRADIENT_NORM = 1.0


class TrainingDiverged(TrainingError):
    """A loss or a gradient became infinite or no number: from here on nothing would be learnt."""

    sentence = N_(
        "At step {step}, in epoch {epoch}, the loss or its gradient is not a number. "
        "The dialogues there: lines {lines}; of the core: {core_lines}."
    )
    remedy = N_(
        "Look at these dialogues, or train with a lower --learning-rate or with --precision float32. "
        "The last checkpoint is kept."
    )

    def __init__(self, step: int, epoch: int, lines: Sequence[int], core_lines: Sequence[int]) -> None:
        super().__init__(
            step=step,
            epoch=epoch,
            lines=", ".join(map(str, sorted(lines))) or "—",
            core_lines=", ".join(map(str, sorted(core_lines))) or "—",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How a run goes about it; nothing here shapes the adapter, but a budget."""

    hardware: Hardware = CPU
    checkpoints: Path | None = None
    """Folder for checkpoints; None: none are written."""
    checkpoint_seconds: float = 60.0
    """Between two checkpoints, at least; one is also written after every epoch."""
    fresh: bool = False
    """Begin anew, whatever checkpoints there are."""
    seconds: float | None = None
    """The time there is, loading included; None: as much as it takes."""
    most_seconds: float | None = None
    """The time there may be if nothing can be learnt in `seconds`."""
    on_continued: Callable[[int, int], None] = lambda epoch, step: None
    """Called with epoch and step when a run goes on from a checkpoint."""
    on_fitted: Callable[[Fitted], None] = lambda _: None
    """Called with what fits into `seconds`."""
    on_step: Callable[[int, float], None] = lambda step, loss: None
    """Called after every step, with its number from 1 and its loss."""
    on_epoch: Callable[[Epoch], None] = lambda _: None


def resolve_recipe(base: Path, recipe: Recipe, hardware: Hardware) -> Recipe:
    """The recipe as this hardware runs it: with the names of its modules, and the precision.

    Raises:
        ModuleUnknown, PrecisionUnavailable
    """
    modules = choose_modules(recipe.modules, BaseModelSpec.from_config(base / "config.json", base.name))
    is_float32 = hardware.choose_dtype(recipe.precision) == torch.float32
    precision = Precision.FLOAT32 if is_float32 else Precision.BFLOAT16
    return recipe.model_copy(update={"modules": modules, "precision": precision})


def describe_inputs(base: Path, lesson: Lesson, recipe: Recipe, core: Path | None) -> Inputs:
    """Digests of what an adapter follows from; reads the ends of the base model's weights."""
    return Inputs(
        recipe=digest_of(recipe.model_dump(mode="json")),
        dialogues=lesson.digest,
        core="" if core is None else AdapterPackage.open(core).digest,
        base=digest_base(base),
    )


def train(
    base: Path,
    lesson: Lesson,
    recipe: Recipe,
    *,
    core: Path | None = None,
    options: TrainingOptions | None = None,
) -> TrainedAdapter:
    """Fine-tune an adapter until its validation loss stops falling, or until its time is over. Blocks for minutes.

    On one machine, equal inputs give equal bytes on a processor, whether or not the run was interrupted.

    Args:
        core: package of the core that the adapter is trained on top of, if the lesson has one.

    Raises:
        CheckpointMismatch: there is an unfinished run with other inputs.
        TrainingDiverged: a loss is no number.
        BudgetTooShort: nothing can be learnt in the time there is.
        ModuleUnknown, PrecisionUnavailable, QuantizationUnavailable: what is asked for cannot be done here.
    """
    return _Run(base, lesson, recipe, core, options or TrainingOptions()).train()


@dataclass(slots=True)
class _Position:
    """Where a run is."""

    epoch: int = 1
    """The epoch that is being learnt."""
    step: int = 0
    """The next of its steps, from 0."""
    loss: float = 0.0
    """Summed over the answer tokens of the epoch so far."""
    tokens: int = 0
    drift: float = 0.0
    """Summed over the steps of the epoch so far."""
    epochs: list[Epoch] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    best: int = 0
    """Number of the best epoch; 0 before there is one."""


class _Run:
    """One training, from loading the model to the best epoch's weights."""

    def __init__(self, base: Path, lesson: Lesson, recipe: Recipe, core: Path | None, options: TrainingOptions) -> None:
        self._began = self._saved = time.monotonic()
        self._options, self._hardware = options, options.hardware
        recipe = resolve_recipe(base, recipe, self._hardware)
        inputs = describe_inputs(base, lesson, recipe, core)
        self._inputs = inputs.digest
        self._checkpoints = CheckpointFolder(options.checkpoints, inputs) if options.checkpoints else None
        found = self._find_checkpoint()
        self._model = add_adapter(load_base(base, self._hardware, recipe), recipe, core)
        self._anchor = Anchor(self._model, recipe, self._hardware) if recipe.anchor else None
        self._parameters = trainable_parameters(self._model)
        self._optimizer = torch.optim.AdamW(
            self._parameters.values(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._position, self._best_weights = _Position(), copy_weights(self._parameters)
        self._seconds, self._validation_seconds = options.seconds, 0.0
        fitted = Fitted(**found.state["fitted"]) if found else self._fit(lesson, recipe)
        self._fitted = fitted
        self._recipe = recipe.model_copy(update={"epochs": fitted.epochs})
        self._lesson = lesson if fitted.share >= 1 else lesson.shortened(fitted.share)
        self._steps = count_steps(self._lesson, self._recipe) * fitted.epochs
        if found:
            self._restore(found)

    def train(self) -> TrainedAdapter:
        """Learn what is left to learn."""
        while not self._is_over():
            steps = epoch_steps(self._lesson, self._recipe, self._position.epoch)
            self._model.train()
            is_late = False
            while self._position.step < len(steps) and not is_late:
                is_late = self._learn(steps[self._position.step])
                if time.monotonic() - self._saved >= self._options.checkpoint_seconds:
                    self._save()
            self._finish_epoch(cut_short=self._position.step < len(steps))
            self._save()
            if is_late:
                break
        position = self._position
        restore_weights(self._parameters, self._best_weights)
        tensors = get_peft_model_state_dict(self._model, adapter_name=TRAINED_ADAPTER)
        return TrainedAdapter(
            tensors=copy_weights({name: tensor.float() for name, tensor in tensors.items()}),
            config=self._model.peft_config[TRAINED_ADAPTER],
            recipe=self._recipe,
            inputs=self._inputs,
            epochs=position.epochs,
            best_epoch=position.best,
            losses=position.losses,
            fitted=self._fitted,
            dialogues=self._lesson.dialogues,
        )

    def _fit(self, lesson: Lesson, recipe: Recipe) -> Fitted:
        """What of the recipe there is time for."""
        if self._options.seconds is None:
            return Fitted(recipe.epochs)
        speed = measure_speed(self._model, lesson, recipe, self._hardware)
        loading = self._hardware.agree(time.monotonic() - self._began)
        left, most = (each - loading for each in (self._options.seconds, self._options.most_seconds or 0.0))
        fitted = fit(lesson, recipe, speed, left, most, self._hardware.processes)
        if fitted.share < 1:
            needed = loading + fitted.share * speed.epoch_seconds(lesson, recipe, self._hardware.processes)
            self._seconds = max(self._options.seconds, needed)
        learnt = lesson.shortened(fitted.share) if fitted.share < 1 else lesson
        self._validation_seconds = speed.validation_seconds(learnt, recipe, self._hardware.processes)
        self._options.on_fitted(fitted)
        return fitted

    def _is_over(self) -> bool:
        position = self._position
        if position.epoch > self._recipe.epochs:
            return True
        return bool(position.epochs) and len(position.epochs) - position.best >= self._recipe.patience

    def _learn(self, step: Step) -> bool:
        """Learn one step, and say whether the time is over."""
        position, recipe, hardware = self._position, self._recipe, self._hardware
        # Dropout follows from where the run is, so that it need not be remembered.
        seed = f"{recipe.seed}/{position.epoch}/{position.step}/{hardware.rank}"
        torch.manual_seed(int.from_bytes(blake3(seed.encode()).digest(7)))
        set_core_active(self._model, step.core_active)
        tokens = step.answer_tokens
        loss = 0.0
        share = share_examples(step.examples, hardware.processes, hardware.rank)
        for examples in pack_batches(share, recipe.batch_size, recipe.batch_tokens):
            summed = batch_loss(self._model, make_batch(examples).to(hardware.device))
            (summed / tokens).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            loss += summed.item()
        drift = self._hold_to_base()
        hardware.add_up_gradients([*self._parameters.values()])
        loss, drift, late = hardware.add_up(loss, drift, float(hardware.is_main and self._is_late()))
        norm = float(torch.nn.utils.clip_grad_norm_(self._parameters.values(), _MAX_GRADIENT_NORM))
        if not (math.isfinite(loss) and math.isfinite(drift) and math.isfinite(norm)):
            raise self._diverged(step.examples)
        factor = learning_rate_factor(len(position.losses), self._steps, recipe.warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.learning_rate * factor
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        position.step += 1
        position.loss, position.tokens = position.loss + loss, position.tokens + tokens
        position.drift += drift
        position.losses.append(loss / tokens)
        self._options.on_step(len(position.losses), position.losses[-1])
        return late > 0

    def _hold_to_base(self) -> float:
        """Add to the gradients what draws the step's adapters to the base model; this process's share of their
        drift."""
        if self._anchor is None:
            return 0.0
        drift = self._anchor.drift(self._model, len(self._position.losses))
        if drift.requires_grad:
            (self._recipe.anchor * drift).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return float(drift.item())

    def _finish_epoch(self, *, cut_short: bool) -> None:
        """Validate, and keep the weights if they are the best."""
        self._model.eval()
        set_core_active(self._model, active=True)
        position, lesson = self._position, self._lesson
        epoch = Epoch(
            position.epoch,
            training_loss=position.loss / position.tokens,
            validation_loss=self._validate(lesson.own_kept_back),
            core_validation_loss=self._validate(lesson.core_kept_back) if lesson.has_core else None,
            steps=len(position.losses),
            drift=position.drift / max(1, position.step) if self._anchor else None,
            cut_short=cut_short,
        )
        if not math.isfinite(epoch.stopping_loss):
            raise self._diverged([*flatten(lesson.own_kept_back), *flatten(lesson.core_kept_back)])
        position.epochs.append(epoch)
        if not position.best or epoch.stopping_loss < position.epochs[position.best - 1].stopping_loss:
            position.best = epoch.number
            self._best_weights = copy_weights(self._parameters)
        position.epoch, position.step = position.epoch + 1, 0
        position.loss, position.tokens, position.drift = 0.0, 0, 0.0
        self._options.on_epoch(epoch)

    def _validate(self, kept_back: ExamplesOfDialogues) -> float:
        """Mean loss on what is kept back, in nats per answer token."""
        examples = flatten(kept_back)
        batches = [*pack_batches(examples, max(8, self._recipe.batch_size), self._recipe.batch_tokens)]
        [loss] = self._hardware.add_up(
            summed_loss(self._model, batches[self._hardware.rank :: self._hardware.processes])
        )
        return loss / sum(example.answer_tokens for example in examples)

    def _is_late(self) -> bool:
        """Whether what is left of the time is needed for the validation."""
        if self._seconds is None:
            return False
        return time.monotonic() - self._began + self._validation_seconds >= self._seconds

    def _diverged(self, examples: Sequence[Example]) -> TrainingDiverged:
        of_core = {id(example) for example in (*flatten(self._lesson.core), *flatten(self._lesson.core_kept_back))}
        return TrainingDiverged(
            len(self._position.losses) + 1,
            self._position.epoch,
            [example.line for example in examples if id(example) not in of_core],
            [example.line for example in examples if id(example) in of_core],
        )

    def _find_checkpoint(self) -> Checkpoint | None:
        """The checkpoint to go on from; what there is of an earlier run is deleted where it shall begin anew."""
        if self._checkpoints is None:
            return None
        if self._options.fresh:
            if self._hardware.is_main:
                self._checkpoints.remove()
            return self._hardware.agree(None)
        return self._checkpoints.load()

    def _save(self) -> None:
        """Write a checkpoint, if checkpoints are wanted."""
        self._saved = time.monotonic()
        if self._checkpoints is None or not self._hardware.is_main:
            return
        tensors = {f"adapter/{name}": tensor for name, tensor in copy_weights(self._parameters).items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self._best_weights.items()}
        for name, parameter in self._parameters.items():
            moments = copy_weights(self._optimizer.state[parameter])
            tensors |= {f"optimizer.{key}/{name}": tensor for key, tensor in moments.items()}
        state = {"position": asdict(self._position), "fitted": asdict(self._fitted)}
        self._checkpoints.save(Checkpoint(len(self._position.losses), tensors, state))

    def _restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        parts: dict[str, dict[str, torch.Tensor]] = {}
        for key, tensor in checkpoint.tensors.items():
            part, _, name = key.partition("/")
            parts.setdefault(part, {})[name] = tensor
        restore_weights(self._parameters, parts.pop("adapter"))
        self._best_weights = parts.pop("best")
        state: dict[str, Any] = {
            "state": {
                number: {key.removeprefix("optimizer."): tensors[name] for key, tensors in parts.items()}
                for number, name in enumerate(self._parameters)
            },
            "param_groups": self._optimizer.state_dict()["param_groups"],
        }
        self._optimizer.load_state_dict(state)
        position = dict(checkpoint.state["position"])
        position["epochs"] = [Epoch(**epoch) for epoch in position["epochs"]]
        self._position = _Position(**position)
        log.info("training.continued", epoch=self._position.epoch, step=checkpoint.step)
        self._options.on_continued(self._position.epoch, checkpoint.step)
