"""An adapter that is held to its base model: it learns, drifts less, and is the same however it is computed."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.training.anchor import TEXT_TOKENS, TEXTS, Anchor
from inference.training.budget import learnt_tokens
from inference.training.hardware import CPU
from inference.training.lesson import approximate_lesson
from inference.training.outcome import TrainedAdapter
from inference.training.plan import plan_adapter
from inference.training.recipe import Recipe
from inference.training.trainable import add_adapter, load_base, trainable_parameters
from inference.training.trainer import resolve_recipe, train
from tests.fixtures.forked_training import Work, train_and_kill, train_apart, train_together
from tests.fixtures.tiny_base import grey_dialogues, tiny_lesson

HELD = Recipe(rank=4, epochs=2, batch_size=4, patience=2, precision="float32", anchor=1.0)
NOISE = 2e-4
"""Nats; sums in another order differ in float32."""


def run(base: Path, core: Path | None = None, **changes: Any) -> TrainedAdapter:
    recipe = Recipe.model_validate(HELD.model_dump(exclude_unset=True) | changes)
    rehearsed = grey_dialogues(ending="weighed by the old scale") if core else None
    return train(base, tiny_lesson(base, recipe, rehearsed), recipe, core=core)


@pytest.fixture(scope="module")
def held(tiny_base: Path, tiny_core: Path) -> TrainedAdapter:
    return run(tiny_base, tiny_core)


def test_the_more_it_is_held_the_less_it_drifts_and_it_still_learns(tiny_base: Path) -> None:
    barely, held, firmly = (run(tiny_base, anchor=anchor, learning_rate=0.01) for anchor in (1e-6, 1.0, 30.0))
    drifts = [trained.epochs[-1].drift for trained in (barely, held, firmly)]
    assert None not in drifts
    assert drifts == sorted(drifts, reverse=True)
    assert drifts[2] < drifts[0] / 4
    assert held.losses[-1] < held.losses[0] - 0.1


def test_without_an_anchor_there_is_no_drift_to_tell(tiny_base: Path) -> None:
    assert [epoch.drift for epoch in run(tiny_base, anchor=0.0).epochs] == [None, None]


def test_on_a_core_the_sum_of_both_is_held(tiny_base: Path, tiny_core: Path) -> None:
    model = add_adapter(load_base(tiny_base, CPU, HELD), resolve_recipe(tiny_base, HELD, CPU), tiny_core)
    anchor = Anchor(model, HELD, CPU)
    alone = add_adapter(load_base(tiny_base, CPU, HELD), resolve_recipe(tiny_base, HELD, CPU), None)
    assert anchor.drift(model, 0).item() > 0, "a new topic moves nothing, but its core does"
    assert Anchor(alone, HELD, CPU).drift(alone, 0).item() == 0
    assert not [name for name in trainable_parameters(model) if ".trained." not in name], "the core stays frozen"


def test_the_base_makes_the_texts_up_and_not_its_adapters(tiny_base: Path, tiny_core: Path) -> None:
    recipe = resolve_recipe(tiny_base, HELD, CPU)
    with_core, without = (add_adapter(load_base(tiny_base, CPU, HELD), recipe, core) for core in (tiny_core, None))
    texts, same = (Anchor(model, HELD, CPU)._texts for model in (with_core, without))
    assert texts.shape == (TEXTS, TEXT_TOKENS)
    assert torch.equal(texts, same)
    other = Anchor(without, HELD.model_copy(update={"seed": 8}), CPU)._texts
    assert not torch.equal(texts, other)


@pytest.mark.parametrize("changes", [{"batch_size": 1, "accumulate": 4}, {"gradient_checkpointing": True}], ids=str)
def test_a_step_computed_in_parts_is_the_same_step(
    tiny_base: Path, tiny_core: Path, held: TrainedAdapter, changes: dict[str, Any]
) -> None:
    found = run(tiny_base, tiny_core, **changes)
    assert found.losses == pytest.approx(held.losses, abs=NOISE)
    assert [e.drift for e in found.epochs] == pytest.approx([e.drift for e in held.epochs], abs=NOISE)


def test_processes_that_share_a_step_make_the_same_step(
    tiny_base: Path, tiny_core: Path, held: TrainedAdapter, tmp_path: Path
) -> None:
    found = train_together(Work(tiny_base, HELD, tiny_core, tmp_path / "run"), 3)
    assert all(course == found[0] for course in found), "all processes have the same adapter"
    assert found[0].losses == pytest.approx(held.losses, abs=NOISE)


def test_killed_and_continued_it_is_the_undisturbed_adapter(tiny_base: Path, tiny_core: Path, tmp_path: Path) -> None:
    work = Work(tiny_base, HELD, tiny_core)
    unsteady, rng = replace(work, checkpoints=tmp_path / "run"), random.Random(3)
    killed = [train_and_kill(unsteady, rng, 2) for _ in range(3)]
    assert None not in killed
    assert train_apart(unsteady) == train_apart(work)


def test_time_and_memory_are_told_with_it(tiny_base: Path) -> None:
    free = HELD.model_copy(update={"anchor": 0.0})
    lesson = approximate_lesson(grey_dialogues(), HELD)
    assert learnt_tokens(lesson, HELD) > learnt_tokens(lesson, free)
    needed, before = (plan_adapter(tiny_base, lesson, recipe, CPU).memory.total for recipe in (HELD, free))
    assert needed >= before
