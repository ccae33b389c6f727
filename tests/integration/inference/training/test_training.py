"""Training for real, on a handful of dialogues: what it must learn, keep frozen, and write."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.adapters.compatibility import check_compatible
from inference.adapters.manifest import AdapterKind, read_manifest
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec
from inference.training import trainer
from inference.training.budget import BudgetTooShort, Fitted, Speed, fit
from inference.training.dialogues import Dialogue
from inference.training.lesson import prepare_lesson
from inference.training.loss import HeldOutLoss, relative_gain
from inference.training.message import DialogueMessage
from inference.training.outcome import Epoch, TrainedAdapter
from inference.training.recipe import Recipe
from inference.training.saving import INPUTS, LOSSES_FILE, save_adapter
from inference.training.trainer import TrainingDiverged, TrainingOptions, train
from tests.fixtures.tiny_base import grey_dialogues, tiny_lesson

RECIPE = Recipe(rank=4, alpha=8, epochs=2, batch_size=4, learning_rate=5e-3, rehearsal=0.5)


def dialogues(ending: str) -> list[Dialogue]:
    subjects = ["sleep", "bread", "iron", "rain", "salt", "fire", "wood", "stone"]
    return [
        Dialogue((DialogueMessage("user", f"What of {s}?"), DialogueMessage("assistant", f"The {s} is {ending}.")))
        for s in subjects
    ]


@pytest.fixture(scope="module")
def core(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lesson = prepare_lesson(base_model_dir, dialogues("counted in the grey ledger"), RECIPE)
    return save(train(base_model_dir, lesson, RECIPE), tmp_path_factory.mktemp("mind") / "core", AdapterKind.CORE)


def save(trained: TrainedAdapter, folder: Path, kind: AdapterKind, core_digest: str | None = None) -> Path:
    save_adapter(
        trained, folder, name=folder.name, kind=kind, base_model="SmolLM2-135M-Instruct", core_digest=core_digest
    )
    return folder


def test_an_adapter_is_a_sound_package_with_a_manifest(core: Path, base_model_dir: Path) -> None:
    package = AdapterPackage.open(core)
    check_compatible(package, BaseModelSpec.from_config(base_model_dir / "config.json", "SmolLM2-135M-Instruct"))
    manifest = read_manifest(core)
    assert manifest.digest == package.digest
    assert manifest.recipe["seed"] == RECIPE.seed
    assert manifest.recipe["modules"] == ["q_proj", "k_proj", "v_proj", "o_proj"], "as it was run, not as it was asked"
    assert manifest.recipe["precision"] == "bfloat16"
    assert len(manifest.recipe[INPUTS]) == 64
    assert Recipe.model_validate({k: v for k, v in manifest.recipe.items() if k != INPUTS}).rank == RECIPE.rank
    assert manifest.trained_on is None
    assert package.rank == RECIPE.rank
    assert str(base_model_dir) not in (core / "adapter_config.json").read_text()
    assert (core / LOSSES_FILE).read_bytes().startswith(b"\x89PNG")


def test_an_adapter_learns_what_it_was_taught(core: Path, base_model_dir: Path) -> None:
    loss = HeldOutLoss(base_model_dir, {"taught": dialogues("counted in the grey ledger")})
    assert relative_gain(loss.evaluate(None, "taught"), loss.evaluate(core, "taught")) > 0.3
    # The base is whole again after an adapter was on it.
    assert loss.evaluate(None, "taught") == loss.evaluate(None, "taught")


def test_a_topic_is_trained_on_top_of_a_core_that_stays_as_it_was(
    core: Path, base_model_dir: Path, tmp_path: Path
) -> None:
    before = AdapterPackage.open(core).digest
    epochs: list[Epoch] = []
    rehearsed = dialogues("counted in the grey ledger")
    lesson = prepare_lesson(base_model_dir, dialogues("hotter than the sun"), RECIPE, core=rehearsed)
    trained = train(base_model_dir, lesson, RECIPE, core=core, options=TrainingOptions(on_epoch=epochs.append))
    topic = save(trained, tmp_path / "topic", AdapterKind.TOPIC, before)
    assert AdapterPackage.open(core).digest == before
    assert read_manifest(topic).trained_on == before
    assert all(epoch.core_validation_loss is not None for epoch in epochs)
    assert trained.best.stopping_loss == min(epoch.stopping_loss for epoch in epochs)
    assert all("lora_" in name for name in trained.tensors)


def test_it_stops_once_both_losses_together_do_not_fall(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    falling_and_rising = iter([(3.0, 3.0), (2.0, 2.9), (1.5, 3.6), (1.0, 9.0), (0.0, 0.0)])
    monkeypatch.setattr(
        trainer._Run,
        "_validate",
        lambda self, kept_back: (
            self.__dict__.setdefault("left", []).pop()
            if self.__dict__.get("left")
            else (self.__dict__.update(left=[(pair := next(falling_and_rising))[1]]) or pair[0])
        ),
    )
    recipe = RECIPE.model_copy(update={"epochs": 9, "patience": 2})
    lesson = tiny_lesson(tiny_base, recipe, grey_dialogues(ending="weighed"))
    trained = train(tiny_base, lesson, recipe)
    assert [epoch.stopping_loss for epoch in trained.epochs] == [3.0, 2.45, 2.55, 5.0]
    assert trained.best_epoch == 2


@pytest.mark.parametrize("at", [1, 4])
def test_a_loss_that_is_no_number_ends_it_with_step_and_dialogues_and_keeps_the_checkpoint(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    real, calls, lines = trainer.batch_loss, [0], []

    def poisoned(model: Any, batch: Any) -> Any:
        calls[0] += 1
        return real(model, batch) * (math.nan if calls[0] >= at else 1.0)

    real_pack = trainer.pack_batches
    monkeypatch.setattr(trainer, "batch_loss", poisoned)
    monkeypatch.setattr(trainer, "pack_batches", lambda some, *rest: lines.append(some) or real_pack(some, *rest))
    options = TrainingOptions(checkpoints=tmp_path / "run", checkpoint_seconds=0)
    with pytest.raises(TrainingDiverged, match=rf"^At step {at}, in epoch 1") as failure:
        train(tiny_base, tiny_lesson(tiny_base, RECIPE), RECIPE, options=options)
    expected = ", ".join(str(line) for line in sorted(example.line for example in lines[-1]))
    assert failure.value.details["lines"] == expected
    assert failure.value.details["core_lines"] == "—"
    found = sorted(path.name for path in (tmp_path / "run").glob("*")) if at > 1 else []
    assert found == ([f"step-{n:08d}.safetensors" for n in (at - 2, at - 1)] if at > 1 else [])


def test_a_gradient_that_is_no_number_ends_it_too(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(math.inf))
    with pytest.raises(TrainingDiverged, match="loss or its gradient is not a number"):
        train(tiny_base, tiny_lesson(tiny_base, RECIPE), RECIPE)


class Clock:
    """Time that goes by with the steps and nothing else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tokens_a_second: float) -> None:
        self.now, self._speed = 0.0, 1 / tokens_a_second
        real_batch, real_summed = trainer.batch_loss, trainer.summed_loss
        monkeypatch.setattr(trainer.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(trainer, "measure_speed", lambda *_: Speed(self._speed, self._speed))

        def learn(model: Any, batch: Any) -> Any:
            self.now += batch.ids.numel() * self._speed
            return real_batch(model, batch)

        def measure(model: Any, batches: Any) -> float:
            self.now += sum(len(some) * max(len(e.ids) for e in some) for some in batches) * self._speed
            return real_summed(model, batches)

        monkeypatch.setattr(trainer, "batch_loss", learn)
        monkeypatch.setattr(trainer, "summed_loss", measure)


@pytest.mark.parametrize("seconds", [8.0, 17.0, 30.0, 60.0, 500.0])
def test_a_budget_is_kept_and_what_is_left_out_is_told(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    clock = Clock(monkeypatch, tokens_a_second=200)
    recipe = RECIPE.model_copy(update={"epochs": 5, "patience": 5})
    lesson = tiny_lesson(tiny_base, recipe)
    fitted: list[Fitted] = []
    options = TrainingOptions(seconds=seconds, on_fitted=fitted.append)
    try:
        trained = train(tiny_base, lesson, recipe, options=options)
    except BudgetTooShort:
        assert seconds < 10
        return
    assert clock.now <= seconds
    assert [trained.fitted] == fitted
    assert trained.recipe.epochs == fitted[0].epochs == len(trained.epochs)
    assert (fitted[0].epochs == 5) == (seconds == 500.0)
    assert (trained.dialogues < lesson.dialogues) == (fitted[0].share < 1)
    assert not any(epoch.cut_short for epoch in trained.epochs)


def test_a_machine_that_becomes_slower_ends_in_time_with_the_best_there_is(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, tokens_a_second=200)
    recipe = RECIPE.model_copy(update={"epochs": 5, "patience": 5})
    lesson = tiny_lesson(tiny_base, recipe)

    def slow_down(*_: Any) -> None:
        clock._speed = 1 / 30

    options = TrainingOptions(seconds=100.0, on_step=slow_down)
    trained = train(tiny_base, lesson, recipe, options=options)
    assert trained.epochs[-1].cut_short
    longest = max(len(e.ids) for some in lesson.own for e in some) * recipe.batch_size / 30
    validation = sum(len(e.ids) for some in lesson.own_kept_back for e in some) / 30
    assert clock.now <= 100.0 + longest + 2 * validation, "one step and the validation over it, at most"
    assert trained.best.validation_loss == min(epoch.validation_loss for epoch in trained.epochs)


def test_what_fits_is_whole_epochs_then_dialogues_then_nothing(tiny_base: Path) -> None:
    lesson = tiny_lesson(tiny_base, RECIPE, number=64)
    recipe, speed = RECIPE.model_copy(update={"epochs": 3}), Speed(0.01, 0.005)
    epoch = speed.epoch_seconds(lesson, recipe)
    assert fit(lesson, recipe, speed, 10 * epoch) == Fitted(3)
    assert fit(lesson, recipe, speed, 2.5 * epoch) == Fitted(2)
    assert fit(lesson, recipe, speed, 0.5 * epoch) == Fitted(1, 0.5)
    with pytest.raises(BudgetTooShort, match="16 dialogues, once"):
        fit(lesson, recipe, speed, 0.2 * epoch)
    assert fit(lesson, recipe, speed, 0.2 * epoch, most=epoch) == Fitted(1, 0.25)
    with pytest.raises(BudgetTooShort):
        fit(lesson, recipe, speed, 0.1 * epoch, most=0.2 * epoch)
