"""In which order examples are learnt, and how fast: a pure function of seed, epoch and step.

Nothing here remembers where it was. A run that is continued after its process died, or that several processes share,
finds the same steps again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from inference.training.encoding import Example
from inference.training.lesson import Lesson, flatten
from inference.training.recipe import Recipe

_POOL_STEPS: Final = 8
"""Steps whose examples are sorted by length together. Longer pools pad less and repeat their groups more often."""


@dataclass(frozen=True, slots=True)
class Step:
    """The examples of one step of the optimizer."""

    examples: Sequence[Example]
    core_active: bool
    """Whether the frozen core is heard while they are learnt."""

    @property
    def answer_tokens(self) -> int:
        """Tokens that are learnt: what the step's loss is the mean over."""
        return sum(example.answer_tokens for example in self.examples)


def epoch_steps(lesson: Lesson, recipe: Recipe, epoch: int) -> list[Step]:
    """The steps of an epoch, counted from 1. The adapter's own examples are all in it, each once."""
    order = random.Random(f"{recipe.seed}/{epoch}")  # noqa: S311 - a shuffle that a seed repeats
    learnt, core = flatten(lesson.own), flatten(lesson.core)
    silent = round(len(learnt) * recipe.core_dropout) if lesson.has_core else 0
    own = order.sample(learnt, len(learnt))
    heard = own[silent:] + order.sample(core, round(len(core) * recipe.rehearsal))
    steps = [
        Step(group, core_active)
        for examples, core_active in ((heard, True), (own[:silent], False))
        for group in _group_by_length(examples, recipe.examples_a_step, order)
    ]
    order.shuffle(steps)
    return steps


def count_steps(lesson: Lesson, recipe: Recipe) -> int:
    """Steps of each epoch."""
    return len(epoch_steps(lesson, recipe, 1))


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """What the learning rate of a step, counted from 0, is multiplied by: a linear rise, then half a cosine."""
    rising = round(steps * warmup)
    if step < rising:
        return step / max(1, rising)
    progress = (step - rising) / max(1, steps - rising)
    return max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))


def share_examples(examples: Sequence[Example], processes: int, rank: int) -> list[Example]:
    """What one of several processes computes of a step: about as many tokens as each of the others."""
    shares: list[list[Example]] = [[] for _ in range(processes)]
    tokens = [0] * processes
    for example in sorted(examples, key=_length, reverse=True):
        least = min(range(processes), key=lambda process: (tokens[process], process))
        shares[least].append(example)
        tokens[least] += len(example.ids)
    return shares[rank]


def pack_batches(examples: Sequence[Example], size: int, tokens: int) -> Iterator[list[Example]]:
    """Groups of similar lengths: at most `size` examples and `tokens` padded tokens, or one example that is longer."""
    group: list[Example] = []
    for example in sorted(examples, key=_length, reverse=True):
        if group and (len(group) == size or (len(group) + 1) * len(group[0].ids) > tokens):
            yield group
            group = []
        group.append(example)
    if group:
        yield group


def padded_tokens(batches: Sequence[Sequence[Example]]) -> int:
    """Tokens that are computed for batches, padding included."""
    return sum(len(batch) * max(map(_length, batch)) for batch in batches)


def _group_by_length(examples: Sequence[Example], size: int, order: random.Random) -> list[list[Example]]:
    """Groups of `size` examples, the last smaller; examples of a group are near in length, and otherwise random."""
    shuffled = order.sample(examples, len(examples))
    groups = []
    for start in range(0, len(shuffled), size * _POOL_STEPS):
        pool = sorted(shuffled[start : start + size * _POOL_STEPS], key=_length)
        groups += [pool[at : at + size] for at in range(0, len(pool), size)]
    return groups


def _length(example: Example) -> int:
    return len(example.ids)
