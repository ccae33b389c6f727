"""A training that is killed and continued gives the bytes of one that was left alone.

The ordinary run kills a few times, the long form (CONSILIUM_LONG=1) ten times in each of several runs.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from inference.training.checkpoints import Checkpoint, CheckpointFolder, CheckpointMismatch, Inputs
from inference.training.recipe import Recipe
from inference.training.trainer import TrainingOptions, train
from tests.fixtures.forked_training import Work, train_and_kill, train_apart
from tests.fixtures.tiny_base import grey_dialogues, tiny_lesson

LONG = os.environ.get("CONSILIUM_LONG") == "1"
KILLS = 10
RECIPE = Recipe(rank=4, epochs=3, batch_size=2, accumulate=2, dropout=0.3, patience=3)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5 if LONG else 1))
@pytest.mark.parametrize("on_core", [False, True] if LONG else [True])
def test_killed_at_ten_random_moments_and_continued_it_is_the_undisturbed_adapter(
    tiny_base: Path, tiny_core: Path, tmp_path: Path, on_core: bool, seed: int
) -> None:
    work = Work(tiny_base, RECIPE, tiny_core if on_core else None)
    rng = random.Random(seed)
    undisturbed = train_apart(work)
    killed: list[int] = []
    unsteady = replace(work, checkpoints=tmp_path / "run")
    while len(killed) < KILLS:
        step = train_and_kill(unsteady, rng, rng.randint(1, 2))
        if step is None:
            break
        killed.append(step)
    assert len(killed) >= (KILLS if on_core else 5), killed
    assert killed == sorted(killed), "it goes on and does not begin anew"
    assert train_apart(unsteady) == undisturbed


def test_a_finished_run_is_continued_to_the_same_end(tiny_base: Path, tmp_path: Path) -> None:
    lesson, options = tiny_lesson(tiny_base, RECIPE), TrainingOptions(checkpoints=tmp_path / "run")
    first = train(tiny_base, lesson, RECIPE, options=options)
    steps: list[int] = []
    again = train(
        tiny_base,
        lesson,
        RECIPE,
        options=TrainingOptions(checkpoints=tmp_path / "run", on_step=lambda step, _: steps.append(step)),
    )
    assert not steps
    assert again.epochs == first.epochs
    assert again.losses == first.losses
    assert all((again.tensors[name] == tensor).all() for name, tensor in first.tensors.items())


class Stopped(Exception):
    pass


def stop_after(steps: int, folder: Path) -> TrainingOptions:
    def stop(step: int, _: float) -> None:
        if step == steps + 1:
            raise Stopped

    return TrainingOptions(checkpoints=folder, checkpoint_seconds=0, on_step=stop)


@pytest.mark.parametrize("what", ["recipe", "dialogues", "core", "base"])
def test_other_inputs_are_refused_by_name_and_begun_anew_on_request(
    tiny_base: Path, tiny_core: Path, tmp_path: Path, what: str
) -> None:
    with pytest.raises(Stopped):
        train(tiny_base, tiny_lesson(tiny_base, RECIPE), RECIPE, options=stop_after(2, tmp_path / "run"))
    base, recipe, core, number = tiny_base, RECIPE.model_copy(update={"epochs": 1}), None, 24
    if what != "recipe":
        recipe = RECIPE
    if what == "dialogues":
        number = 23
    if what == "base":
        base = tmp_path / "base"
        base.mkdir()
        for file in tiny_base.iterdir():
            (base / file.name).write_bytes(file.read_bytes())
        (base / "config.json").write_text((base / "config.json").read_text() + "\n")
    lesson = tiny_lesson(base, recipe, number=number)
    if what == "core":
        core = tiny_core
    options = TrainingOptions(checkpoints=tmp_path / "run")
    expected = {"recipe": "another recipe", "core": "another core", "base": "another base model"}
    with pytest.raises(CheckpointMismatch, match=expected.get(what, "other dialogues")):
        train(base, lesson, recipe, core=core, options=options)
    if what == "recipe":
        fresh = TrainingOptions(checkpoints=tmp_path / "run", fresh=True)
        assert train(base, lesson, recipe, options=fresh).epochs[0].steps == len(train(base, lesson, recipe).losses)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    import torch

    folder = CheckpointFolder(tmp_path / "run", Inputs("a", "b", "c", "d"))
    for step in (1, 2, 3):
        folder.save(Checkpoint(step, {"x": torch.full((4,), float(step))}, {"position": step}))
    newest = tmp_path / "run" / "step-00000003.safetensors"
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["step-00000002.safetensors", newest.name]
    for damage in (newest.read_bytes()[:-3], b"", b"{}", newest.read_bytes().replace(b'"state', b'"stale')):
        newest.write_bytes(damage)
        found = folder.load()
        assert found is not None
        assert (found.step, found.state, found.tensors["x"][0].item()) == (2, {"position": 2}, 2.0)
    folder.remove()
    assert folder.load() is None


def test_the_cores_dialogues_are_part_of_the_inputs(tiny_base: Path) -> None:
    digests = {
        tiny_lesson(tiny_base, RECIPE, core).digest
        for core in (None, grey_dialogues(), grey_dialogues(ending="weighed"))
    }
    assert len(digests) == 3
