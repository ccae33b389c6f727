from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from inference.adapters.composition import Composition
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.pruning import prune
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import TINY, write_adapter

HOUR = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> CompositionStore:
    return CompositionStore(tmp_path / "store")


@pytest.fixture
def made(store: CompositionStore, tmp_path: Path) -> list[Composition]:
    """Four, used 5, 4, 3 hours and half an hour ago."""
    package = AdapterPackage.open(write_adapter(tmp_path / "in").folder)
    compositions = [store.get_or_compose([Part(package, weight)], TINY) for weight in (0.4, 0.1, 0.3, 0.2)]
    for composition, hours in zip(compositions, (5, 4, 3, 0.5), strict=True):
        used(composition, hours)
    return compositions


def used(composition: Composition, hours_ago: float) -> None:
    when = time.time() - hours_ago * HOUR
    composition.mark_used()
    os.utime(composition.path.parent / ".used" / composition.name, (when, when))


def test_the_least_recently_used_go_first(store: CompositionStore, made: list[Composition]) -> None:
    first, second, third, fourth = made
    sizes = {composition.name: composition.size for composition in made}
    assert prune(store, store.size) == {}
    assert prune(store, store.size - 1) == {first.name: sizes[first.name]}
    assert prune(store, store.size - sizes[second.name] - 1) == {
        second.name: sizes[second.name],
        third.name: sizes[third.name],
    }
    assert [composition.name for composition in store.list()] == [fourth.name]


def test_what_was_used_within_the_hour_stays(store: CompositionStore, made: list[Composition]) -> None:
    used(made[0], 0.9)
    assert set(prune(store, 0)) == {made[1].name, made[2].name}
    assert {composition.name for composition in store.list()} == {made[0].name, made[3].name}


def test_one_that_was_never_used_counts_from_its_making(store: CompositionStore, made: list[Composition]) -> None:
    for composition in made:
        (store.root / ".used" / composition.name).unlink()
    assert prune(store, 0) == {}
    os.utime(made[2].path / "composition.json", (0, 0))
    assert set(prune(store, 0)) == {made[2].name}


def test_nothing_to_prune(store: CompositionStore) -> None:
    assert prune(store, 0) == {}
