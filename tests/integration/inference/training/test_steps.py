"""What a step comes to, whatever it is computed in: parts, processes, another device, less memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.training.hardware import Hardware
from inference.training.outcome import TrainedAdapter
from inference.training.recipe import Recipe
from inference.training.trainer import TrainingOptions, train
from tests.fixtures.forked_training import ELSEWHERE, Work, train_apart, train_together
from tests.fixtures.tiny_base import grey_dialogues, tiny_lesson, write_tiny_base

LONG = os.environ.get("CONSILIUM_LONG") == "1"
RECIPE = Recipe(rank=4, epochs=2, batch_size=4, patience=2, precision="float32")
NOISE = 2e-4
"""Nats; sums in another order differ in float32."""


def run(base: Path, core: Path | None = None, options: TrainingOptions | None = None, **changes: Any) -> TrainedAdapter:
    recipe = Recipe.model_validate(RECIPE.model_dump(exclude_unset=True) | changes)
    rehearsed = grey_dialogues(ending="weighed by the old scale") if core else None
    return train(base, tiny_lesson(base, recipe, rehearsed), recipe, core=core, options=options)


def assert_same_course(found: TrainedAdapter, expected: TrainedAdapter) -> None:
    assert found.losses == pytest.approx(expected.losses, abs=NOISE)
    assert [e.validation_loss for e in found.epochs] == pytest.approx(
        [e.validation_loss for e in expected.epochs], abs=NOISE
    )
    for name, tensor in expected.tensors.items():
        assert torch.allclose(found.tensors[name], tensor, atol=5e-4), name


@pytest.fixture(scope="module")
def expected(tiny_base: Path, tiny_core: Path) -> TrainedAdapter:
    return run(tiny_base, tiny_core)


def test_it_learns(expected: TrainedAdapter) -> None:
    assert expected.losses[-1] < expected.losses[0] - 0.1


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 1, "accumulate": 4},
        {"batch_size": 2, "accumulate": 2},
        {"batch_tokens": 300},
        {"batch_tokens": 16},
        {"gradient_checkpointing": True},
    ],
    ids=str,
)
def test_a_step_computed_in_parts_is_the_same_step(
    tiny_base: Path, tiny_core: Path, expected: TrainedAdapter, changes: dict[str, Any]
) -> None:
    assert_same_course(run(tiny_base, tiny_core, **changes), expected)


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 3] if LONG else [2])
def test_processes_that_share_a_step_make_the_same_step(
    tiny_base: Path, tiny_core: Path, expected: TrainedAdapter, processes: int, tmp_path: Path
) -> None:
    found = train_together(Work(tiny_base, RECIPE, tiny_core, tmp_path / "run"), processes)
    assert len(found) == processes
    assert all(course == found[0] for course in found), "all processes have the same adapter"
    assert found[0].losses == pytest.approx(expected.losses, abs=NOISE)
    assert found[0].validation == pytest.approx([e.validation_loss for e in expected.epochs], abs=NOISE)


def test_on_another_device_nothing_is_left_behind(
    tiny_base: Path, tiny_core: Path, expected: TrainedAdapter, tmp_path: Path
) -> None:
    work = Work(tiny_base, RECIPE, tiny_core, tmp_path / "run", ELSEWHERE)
    found = train_apart(work)
    assert found.losses == pytest.approx(expected.losses, abs=NOISE)
    assert found.validation == pytest.approx([e.validation_loss for e in expected.epochs], abs=NOISE)
    # The checkpoint that it left is one for any device.
    assert train_apart(work) == found
    assert run(tiny_base, tiny_core, TrainingOptions(checkpoints=tmp_path / "run")).losses == found.losses


def test_a_mixture_of_experts_is_trained_on_its_attention(tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "moe", "qwen3_moe")
    trained = run(base, modules="all-linear", batch_tokens=300)
    assert trained.recipe.modules == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert all(".self_attn." in name for name in trained.tensors)
    assert trained.losses[-1] < trained.losses[0]


def test_the_frozen_core_is_heard_without_the_dropout_it_was_trained_with(tiny_base: Path, tiny_core: Path) -> None:
    """The core of the fixture has dropout in its configuration; with it, two passes would differ."""
    from inference.training.encoding import make_batch
    from inference.training.lesson import flatten
    from inference.training.loss import batch_loss
    from inference.training.trainable import add_adapter, load_base
    from inference.training.trainer import resolve_recipe

    hardware = Hardware(torch.device("cpu"))
    recipe = resolve_recipe(tiny_base, RECIPE, hardware)
    model = add_adapter(load_base(tiny_base, hardware, recipe), recipe, tiny_core).train()
    batch = make_batch(flatten(tiny_lesson(tiny_base, RECIPE).own)[:2])
    assert batch_loss(model, batch).item() == batch_loss(model, batch).item()
