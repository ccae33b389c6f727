"""The strength of a mind's adapters: a factor of every weight, and part of what a composition is named by."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference.adapters.compose import compose
from inference.adapters.dtypes import Dtype
from inference.adapters.errors import WeightOutOfRange
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.plan import plan_composition
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import TINY, write_adapter


@pytest.fixture
def one(tmp_path: Path) -> AdapterPackage:
    return AdapterPackage.open(write_adapter(tmp_path / "one", seed=1).folder)


def test_every_weight_is_multiplied_in_the_plan(one: AdapterPackage) -> None:
    plan = plan_composition([Part(one, 0.7, strength=0.5), Part(one, strength=0.5)], TINY, None)
    multipliers = {piece.part: piece.multiplier for run in plan.runs for slot in run.modules for piece in slot.parts}
    scale = next(one.pairs()).scale
    assert multipliers == {0: 0.35 * scale, 1: 0.5 * scale}


def test_strength_one_leaves_names_as_they_were(one: AdapterPackage, tmp_path: Path) -> None:
    recipe = {
        "format": 1,
        "base": [TINY.layers, TINY.prefix, sorted((name, *shape) for name, shape in TINY.modules.items())],
        "parts": [(one.digest, 70, (0, 3))],
        "max_rank": None,
    }
    name = CompositionStore(tmp_path).composition_name([Part(one, 0.7, range(4), 1.0)], TINY)
    assert name == f"c-{blake3(json.dumps(recipe).encode()).hexdigest(16)}"


def test_a_composition_is_named_by_the_product(one: AdapterPackage, tmp_path: Path) -> None:
    def name(weight: float, strength: float) -> str:
        return CompositionStore(tmp_path).composition_name([Part(one, weight, strength=strength)], TINY)

    assert name(0.7, 0.5) == name(0.35, 1)
    assert name(2, 0.5) == name(1, 1)
    assert len({name(0.05, 0.5), name(0.05, 0.6), name(0.05, 1), name(0.07, 0.35), name(0.71, 0.5)}) == 5


def test_the_record_tells_what_the_delta_is_multiplied_by(one: AdapterPackage, tmp_path: Path) -> None:
    composition = CompositionStore(tmp_path / "store").get_or_compose([Part(one, 0.05, strength=0.5)], TINY)
    assert [part.weight for part in composition.record.parts] == [0.025]


@pytest.mark.parametrize("strength", [0.0, 0.09, 2.01, -1.0, float("nan"), float("inf")])
def test_strengths_out_of_range_are_refused(one: AdapterPackage, strength: float) -> None:
    with pytest.raises(WeightOutOfRange):
        Part(one, strength=strength)


tenths = st.integers(1, 20)


@settings(max_examples=40, deadline=None)
@given(weights=st.lists(tenths, min_size=1, max_size=3), strength=tenths, dtype=st.sampled_from(list(Dtype)))
def test_composing_at_a_strength_is_composing_with_every_weight_times_it(
    weights: list[int], strength: int, dtype: Dtype
) -> None:
    """Down to the byte, wherever the products are weights that a mode can have."""
    assume(all(5 <= weight * strength <= 200 for weight in weights))
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        packages = [
            AdapterPackage.open(write_adapter(root / str(seed), seed=seed, dtype=dtype).folder)
            for seed in range(len(weights))
        ]
        pairs = list(zip(packages, weights, strict=True))
        compose(
            [Part(package, weight / 10, strength=strength / 10) for package, weight in pairs], TINY, root / "scaled"
        )
        compose([Part(package, weight * strength / 100) for package, weight in pairs], TINY, root / "multiplied")
        scaled, multiplied = (
            (root / name / "adapter_model.safetensors").read_bytes() for name in ("scaled", "multiplied")
        )
        assert scaled == multiplied
