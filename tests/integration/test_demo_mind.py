"""The adapters that ship: each one matters, and composing keeps what each has learnt.

The ordinary run looks at some of each adapter's held-out dialogues; with CONSILIUM_LONG=1 at all of them, as
`consilium eval adapters` does.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.answering.composer import Composer
from bot.app.settings import DEMO_MIND
from bot.cli.dialogues import load_adapter_dialogues
from bot.minds import Mind, load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.manifest import AdapterKind
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from inference.training.loss import HeldOutLoss, relative_gain, retained_gain

TOPICS = ("sport", "physics")
HELD_OUT = None if os.environ.get("CONSILIUM_LONG") == "1" else 6
"""Dialogues that a loss is measured on."""


@pytest.fixture(scope="module")
def mind() -> Mind:
    return load_mind(DEMO_MIND)


@pytest.fixture(scope="module")
def composer(mind: Mind, base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Composer:
    base = BaseModelSpec.from_config(base_model_dir / "config.json", mind.base_model)
    return Composer.open(mind, base, CompositionStore(tmp_path_factory.mktemp("compositions")))


@pytest.fixture(scope="module")
def loss(mind: Mind, base_model_dir: Path) -> HeldOutLoss:
    return HeldOutLoss(
        base_model_dir, {name: load_adapter_dialogues(mind, name, heldout=True)[:HELD_OUT] for name in mind.adapters}
    )


@pytest.fixture(scope="module")
def losses(composer: Composer, loss: HeldOutLoss) -> dict[str, tuple[float, float]]:
    """By adapter: loss on its own held-out dialogues of the base, and of the adapter alone."""

    def alone(name: str) -> Path:
        return composer.store.get_or_compose([Part(composer.packages[name])], composer.base).path

    return {name: (loss.evaluate(None, name), loss.evaluate(alone(name), name)) for name in composer.packages}


@pytest.mark.long
@pytest.mark.parametrize("name", ["core", "sport", "physics", "classical"])
def test_an_adapter_takes_a_tenth_off_the_loss_on_what_it_never_saw(
    losses: dict[str, tuple[float, float]], name: str
) -> None:
    assert relative_gain(*losses[name]) >= 0.10


@pytest.mark.long
@pytest.mark.parametrize("topic", TOPICS)
def test_a_composition_keeps_nine_tenths_of_each_gain(
    composer: Composer, loss: HeldOutLoss, losses: dict[str, tuple[float, float]], mind: Mind, topic: str
) -> None:
    # As they were trained, which is not as strong as they are served.
    parts = [replace(part, strength=1.0) for part in composer.parts(resolve_mode(parse_expression(topic), mind))]
    package = composer.store.get_or_compose(parts, composer.base).path
    for name in ("core", topic):
        assert retained_gain(*losses[name], loss.evaluate(package, name)) >= 0.90, name


def test_the_manifests_tell_which_core_a_topic_was_trained_on(composer: Composer) -> None:
    core = composer.packages["core"].digest
    for name, manifest in composer.manifests.items():
        assert manifest.trained_on == (core if manifest.kind is AdapterKind.TOPIC else None), name


def test_weights_are_one_for_topics_of_this_core(composer: Composer, mind: Mind) -> None:
    assert composer.weights(resolve_mode(parse_expression("sport+physics"), mind)) == {
        "core": 1.0,
        "sport": 1.0,
        "physics": 1.0,
    }


def test_every_adapter_is_small_enough_to_be_committed(mind: Mind) -> None:
    for adapter in mind.adapters.values():
        assert (adapter.path / "adapter_model.safetensors").stat().st_size <= 5_000_000


def test_no_held_out_question_was_trained_on(mind: Mind) -> None:
    for name in mind.adapters:
        trained = {d.questions for d in load_adapter_dialogues(mind, name)}
        held_out = [d.questions for d in load_adapter_dialogues(mind, name, heldout=True)]
        assert len(trained) >= 50
        assert len(held_out) >= 12
        assert trained.isdisjoint(held_out)
