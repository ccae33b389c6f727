"""The adapters that ship: each one matters, and composing keeps what each has learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.train import dialogues_of
from bot.mind import Mind, load_mind
from bot.modes.composer import Composer
from bot.modes.expression import parse
from bot.modes.resolve import resolve
from bot.settings import DEMO_MIND
from inference.adapters.manifest import AdapterKind
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModel
from inference.training.evaluate import HeldOutLoss, gain, kept

TOPICS = ("sport", "physics")


@pytest.fixture(scope="module")
def mind() -> Mind:
    return load_mind(DEMO_MIND)


@pytest.fixture(scope="module")
def composer(mind: Mind, base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Composer:
    base = BaseModel.from_config(base_model_dir / "config.json", mind.base_model)
    return Composer.open(mind, base, CompositionStore(tmp_path_factory.mktemp("compositions")))


@pytest.fixture(scope="module")
def loss(mind: Mind, base_model_dir: Path) -> HeldOutLoss:
    return HeldOutLoss(base_model_dir, {name: dialogues_of(mind, name, heldout=True) for name in mind.adapters})


@pytest.fixture(scope="module")
def losses(composer: Composer, loss: HeldOutLoss) -> dict[str, tuple[float, float]]:
    """By adapter: loss on its own held-out dialogues of the base, and of the adapter alone."""

    def alone(name: str) -> Path:
        return composer.store.ensure([Part(composer.packages[name])], composer.base).path

    return {name: (loss.of(None, name), loss.of(alone(name), name)) for name in composer.packages}


@pytest.mark.parametrize("name", ["core", "sport", "physics", "classical"])
def test_an_adapter_takes_a_tenth_off_the_loss_on_what_it_never_saw(
    losses: dict[str, tuple[float, float]], name: str
) -> None:
    assert gain(*losses[name]) >= 0.10


@pytest.mark.parametrize("topic", TOPICS)
def test_a_composition_keeps_nine_tenths_of_each_gain(
    composer: Composer, loss: HeldOutLoss, losses: dict[str, tuple[float, float]], mind: Mind, topic: str
) -> None:
    parts = composer.parts(resolve(parse(topic), mind))
    package = composer.store.ensure(parts, composer.base).path
    for name in ("core", topic):
        assert kept(*losses[name], loss.of(package, name)) >= 0.90, name


def test_the_manifests_tell_which_core_a_topic_was_trained_on(composer: Composer) -> None:
    core = composer.packages["core"].digest
    for name, manifest in composer.manifests.items():
        assert manifest.trained_on == (core if manifest.kind is AdapterKind.TOPIC else None), name


def test_weights_are_one_for_topics_of_this_core(composer: Composer, mind: Mind) -> None:
    assert composer.weights(resolve(parse("sport+physics"), mind)) == {"core": 1.0, "sport": 1.0, "physics": 1.0}


def test_every_adapter_is_small_enough_to_be_committed(mind: Mind) -> None:
    for adapter in mind.adapters.values():
        assert (adapter.path / "adapter_model.safetensors").stat().st_size <= 2_500_000


def test_no_held_out_question_was_trained_on(mind: Mind) -> None:
    for name in mind.adapters:
        trained = {d.questions for d in dialogues_of(mind, name)}
        held_out = [d.questions for d in dialogues_of(mind, name, heldout=True)]
        assert len(trained) >= 50
        assert len(held_out) >= 12
        assert trained.isdisjoint(held_out)
