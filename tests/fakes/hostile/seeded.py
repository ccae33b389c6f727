"""Hostile packages without end, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inference.base_model import BaseModelSpec
from tests.fakes.adapters import TINY
from tests.fakes.hostile import files, headers, settings, weights
from tests.fakes.hostile.draft import Bar, Draft, Family, Mutation

FAMILIES: tuple[Family, ...] = (weights.FAMILY, settings.FAMILY, headers.FAMILY, files.FAMILY)
"""In the order in which they are applied: settings are made for the tensors there are, and files come last."""


@dataclass(frozen=True, slots=True)
class HostilePackage:
    label: str
    """What is wrong with it."""
    bar: Bar
    """What must refuse it, `check_safe` apart, which must refuse all."""
    write: Callable[[Path], None]
    """Writes it into a folder that does not exist yet, and at most something of that name and `-outside` beside it."""


def hostile(seed: int, count: int, base: BaseModelSpec = TINY) -> Iterator[HostilePackage]:
    """Spoil sound packages for `base`, each by one mutation and some by a second one of another family.

    All mutations are gone through in turn, so a `count` of a few hundred has each of them more than once.
    """
    mutations = [(place, mutation) for place, family in enumerate(FAMILIES) for mutation in family.mutations]
    random.Random(seed).shuffle(mutations)
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        chosen = [mutations[number % len(mutations)]]
        if chance.random() < 0.3:
            chosen.append(chance.choice([it for it in mutations if it[0] != chosen[0][0]]))
        ordered = [mutation for _, mutation in sorted(chosen, key=lambda it: it[0])]
        yield _package(base, f"{seed}/{number}/draft", ordered)


def sound(seed: int, base: BaseModelSpec = TINY) -> Callable[[Path], None]:
    """Writes the package that is spoilt otherwise: in the safe form, with nothing wrong."""
    return Draft(base, random.Random(seed)).write


def _package(base: BaseModelSpec, seed: str, mutations: list[Mutation]) -> HostilePackage:
    bar = Bar.SOUND if any(mutation.bar is Bar.SOUND for mutation in mutations) else Bar.SAFE

    def write(folder: Path) -> None:
        draft = Draft(base, random.Random(seed))
        for mutation in mutations:
            mutation.apply(draft)
        draft.write(folder)

    return HostilePackage(", and ".join(mutation.label for mutation in mutations), bar, write)
