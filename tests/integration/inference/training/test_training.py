"""Training for real, on a handful of dialogues: what it must learn, keep frozen, and write."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.adapters.compatibility import check_compatible
from inference.adapters.manifest import AdapterKind, read_manifest
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec
from inference.training.dialogues import Dialogue
from inference.training.loss import HeldOutLoss, relative_gain
from inference.training.message import DialogueMessage
from inference.training.recipe import Recipe
from inference.training.trainer import Epoch, FrozenCore, TrainedAdapter, save_adapter, train

RECIPE = Recipe(rank=4, alpha=8, epochs=2, batch_size=4, learning_rate=5e-3, rehearsal=0.5)


def dialogues(ending: str) -> list[Dialogue]:
    subjects = ["sleep", "bread", "iron", "rain", "salt", "fire", "wood", "stone"]
    return [
        Dialogue((DialogueMessage("user", f"What of {s}?"), DialogueMessage("assistant", f"The {s} is {ending}.")))
        for s in subjects
    ]


@pytest.fixture(scope="module")
def core(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    trained = train(base_model_dir, dialogues("counted in the grey ledger"), RECIPE)
    return save(trained, tmp_path_factory.mktemp("mind") / "core", AdapterKind.CORE)


def save(trained: TrainedAdapter, folder: Path, kind: AdapterKind, core_digest: str | None = None) -> Path:
    save_adapter(
        trained,
        folder,
        name=folder.name,
        kind=kind,
        base_model="SmolLM2-135M-Instruct",
        recipe=RECIPE,
        core_digest=core_digest,
    )
    return folder


def test_an_adapter_is_a_sound_package_with_a_manifest(core: Path, base_model_dir: Path) -> None:
    package = AdapterPackage.open(core)
    check_compatible(package, BaseModelSpec.from_config(base_model_dir / "config.json", "SmolLM2-135M-Instruct"))
    manifest = read_manifest(core)
    assert manifest.digest == package.digest
    assert manifest.recipe["seed"] == RECIPE.seed
    assert manifest.trained_on is None
    assert package.rank == RECIPE.rank
    assert str(base_model_dir) not in (core / "adapter_config.json").read_text()


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
    trained = train(
        base_model_dir,
        dialogues("hotter than the sun"),
        RECIPE,
        core=FrozenCore(core, dialogues("counted in the grey ledger")),
        on_epoch=epochs.append,
    )
    topic = save(trained, tmp_path / "topic", AdapterKind.TOPIC, before)
    assert AdapterPackage.open(core).digest == before
    assert read_manifest(topic).trained_on == before
    assert all(epoch.core_validation_loss is not None for epoch in epochs)
    assert epochs[trained.best_epoch - 1].stopping_loss == min(epoch.stopping_loss for epoch in epochs)
    assert all("lora_" in name for name in trained.tensors)
