"""Order, steps and learning rate: nothing is lost or doubled, and nothing has to be remembered."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_cosine_schedule_with_warmup

from inference.training.encoding import IGNORE_INDEX, Example
from inference.training.lesson import Lesson
from inference.training.recipe import Recipe
from inference.training.schedule import (
    epoch_steps,
    learning_rate_factor,
    pack_batches,
    padded_tokens,
    share_examples,
)

lengths = st.lists(st.integers(2, 60), min_size=1, max_size=40)


def examples(sizes: list[int], first: int = 0) -> list[Example]:
    """Each with a token of its own, so that they can be told apart."""
    return [Example([first + n] * size, [IGNORE_INDEX] + [0] * (size - 1)) for n, size in enumerate(sizes)]


def names(some: list[Example]) -> list[int]:
    return sorted(example.ids[0] for example in some)


@given(lengths, st.integers(1, 7), st.integers(2, 200))
def test_batches_have_every_example_once_and_keep_both_limits(sizes: list[int], size: int, tokens: int) -> None:
    made = examples(sizes)
    batches = list(pack_batches(made, size, tokens))
    assert names([example for batch in batches for example in batch]) == names(made)
    for batch in batches:
        assert len(batch) <= size
        assert padded_tokens([batch]) <= tokens or len(batch) == 1


@given(lengths, st.integers(1, 5))
def test_processes_share_a_step_without_rest_and_about_evenly(sizes: list[int], processes: int) -> None:
    made = examples(sizes)
    shares = [share_examples(made, processes, rank) for rank in range(processes)]
    assert names([example for share in shares for example in share]) == names(made)
    loads = [sum(len(example.ids) for example in share) for share in shares]
    assert max(loads) - min(loads) <= max(sizes)


@given(
    own=lengths,
    core=lengths,
    seed=st.integers(0, 99),
    epoch=st.integers(1, 9),
    batch=st.integers(1, 5),
    accumulate=st.integers(1, 3),
    rehearsal=st.sampled_from([0.0, 0.5, 1.0]),
    silence=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_an_epoch_has_every_own_example_once_and_the_cores_share(
    own: list[int],
    core: list[int],
    seed: int,
    epoch: int,
    batch: int,
    accumulate: int,
    rehearsal: float,
    silence: float,
) -> None:
    of_own, of_core = examples(own), examples(core, 1000)
    lesson = Lesson([[e] for e in of_own], [of_own[:1]], [[e] for e in of_core], [of_core[:1]])
    recipe = Recipe(seed=seed, batch_size=batch, accumulate=accumulate, rehearsal=rehearsal, core_dropout=silence)
    steps = epoch_steps(lesson, recipe, epoch)
    assert steps == epoch_steps(lesson, recipe, epoch)
    seen = [example for step in steps for example in step.examples]
    assert names([e for e in seen if e.ids[0] < 1000]) == names(of_own)
    assert len([e for e in seen if e.ids[0] >= 1000]) == round(len(core) * rehearsal)
    silent = [example for step in steps if not step.core_active for example in step.examples]
    assert len(silent) == round(len(own) * silence)
    assert all(example.ids[0] < 1000 for example in silent)
    assert all(len(step.examples) <= batch * accumulate for step in steps)
    assert len(steps) == len(epoch_steps(lesson, recipe, epoch + 1))


def test_without_a_core_nothing_is_silent_and_epochs_differ() -> None:
    made = examples(list(range(2, 40)))
    lesson = Lesson([[e] for e in made], [made[:1]])
    first, second = (epoch_steps(lesson, Recipe(), epoch) for epoch in (1, 2))
    assert all(step.core_active for step in first)
    assert [names(list(step.examples)) for step in first] != [names(list(step.examples)) for step in second]
    assert first != epoch_steps(lesson, Recipe(seed=8), 1)


def test_examples_of_a_step_are_of_similar_length() -> None:
    """A tenth of the padding that random groups have, or less."""
    rng = random.Random(3)
    made = examples([rng.randint(10, 1000) for _ in range(320)])
    lesson = Lesson([[e] for e in made], [made[:1]])

    def padding(groups: list[list[Example]]) -> int:
        return padded_tokens(groups) - sum(len(example.ids) for example in made)

    at_random = [made[at : at + 4] for at in range(0, len(made), 4)]
    grouped = [list(step.examples) for step in epoch_steps(lesson, Recipe(), 1)]
    assert padding(grouped) < 0.2 * padding(at_random)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (7, 0.1), (40, 0.25), (100, 0.1)])
def test_the_learning_rate_is_the_librarys(steps: int, warmup: float) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, round(steps * warmup), steps)
    for step in range(steps):
        assert learning_rate_factor(step, steps, warmup) == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
