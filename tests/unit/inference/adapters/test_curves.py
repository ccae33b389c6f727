"""Weights that differ from layer to layer, composed exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapters.compose import compose
from inference.adapters.errors import CurveLengthDiffers, WeightOutOfRange
from inference.adapters.factors import read_factors
from inference.adapters.merging.settings import Merge, MergeMethod
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, curve_over_layers
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import TINY, FakeAdapter, write_adapter

CURVE = (0.0, 0.5, 1.0, 1.0, -0.5, 2.0, 0.25, 0.0, 1.5, 1.0, 3.0, -3.0)


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> list[FakeAdapter]:
    folder = tmp_path_factory.mktemp("curves")
    return [write_adapter(folder / str(seed), seed=seed, rank=2 + seed) for seed in (1, 2)]


@pytest.mark.parametrize("merge", [Merge(), Merge(method=MergeMethod.PRUNE, density=1.0)])
def test_each_layer_is_composed_with_its_own_weight(fakes: list[FakeAdapter], tmp_path: Path, merge: Merge) -> None:
    one, other = (AdapterPackage.open(fake.folder) for fake in fakes)
    compose([Part(one, 0.5, curve=CURVE), Part(other)], TINY, tmp_path / "made", merge=merge)
    made = AdapterPackage.open(tmp_path / "made")
    with made.file.reader() as reader:
        for layer in range(TINY.layers):
            a, b = read_factors(reader, made.layers[layer]["q_proj"])
            expected = 0.5 * CURVE[layer] * fakes[0].delta(layer, "q_proj") + fakes[1].delta(layer, "q_proj")
            np.testing.assert_allclose(b @ a, expected, atol=1e-6)


def test_a_layer_of_weight_0_is_left_out(fakes: list[FakeAdapter], tmp_path: Path) -> None:
    report = compose([Part(AdapterPackage.open(fakes[0].folder), curve=CURVE)], TINY, tmp_path / "made")
    assert report.layers == tuple(layer for layer in range(TINY.layers) if CURVE[layer])


def test_names_follow_the_curve_and_a_flat_one_changes_none(fakes: list[FakeAdapter], tmp_path: Path) -> None:
    store, package = CompositionStore(tmp_path), AdapterPackage.open(fakes[0].folder)
    plain, curved = Part(package), Part(package, curve=CURVE)
    assert store.composition_name([plain], TINY) != store.composition_name([curved], TINY)
    assert store.composition_name([plain], TINY) == store.composition_name([Part(package, curve=(1.0,) * 12)], TINY)
    assert store.get_or_compose([curved], TINY).record.parts[0].curve == CURVE


def test_a_curve_for_another_model_is_refused(fakes: list[FakeAdapter], tmp_path: Path) -> None:
    part = Part(AdapterPackage.open(fakes[0].folder), curve=CURVE[:5])
    with pytest.raises(CurveLengthDiffers):
        compose([part], TINY, tmp_path / "made")
    with pytest.raises(WeightOutOfRange):
        Part(part.package, curve=(3.5,) * 12)


@given(st.lists(st.floats(-3, 3).map(lambda it: round(it, 2)), min_size=1, max_size=6), st.integers(1, 40))
def test_points_spread_evenly_over_layers(points: list[float], layers: int) -> None:
    curve = curve_over_layers(points, layers)
    assert len(curve) == layers
    assert min(points) <= min(curve) <= max(curve) <= max(points)
    assert curve[0] == points[0]
    if layers > 1:
        assert curve[-1] == points[-1]
    if layers == len(points):
        assert curve == tuple(points)
