"""The algebra of composing: whatever goes in, the dense delta that comes out is the weighted sum."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.adapters import plan
from inference.adapters.compose import CompositionReport, compose
from inference.adapters.dtypes import Array, Dtype
from inference.adapters.errors import BandOutOfRange, NothingToCompose, WeightOutOfRange, WeightsOverflow
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.base_model import MODULE_PATHS
from tests.fakes.adapters import ATTENTION, TINY, FakeAdapter, read_tensors, write_adapter

MODULES = list(TINY.modules)


def composed(
    folder: Path, parts: list[tuple[FakeAdapter, float, range | None]], max_rank: int | None = None
) -> tuple[AdapterPackage, CompositionReport]:
    opened = [Part(AdapterPackage.open(fake.folder), weight, layers) for fake, weight, layers in parts]
    report = compose(opened, TINY, folder, max_rank=max_rank)
    package = AdapterPackage.open(folder)
    package.verify()
    return package, report


def deltas_of(package: AdapterPackage) -> dict[tuple[int, str], Array]:
    """Dense deltas, read with the reference implementation of safetensors."""
    tensors = {name: values.astype(np.float64) for name, values in read_tensors(package.file.path).items()}
    scale = package.config.lora_alpha / package.config.r
    found = {}
    for layer, pairs in package.layers.items():
        for module in pairs:
            stem = f"base_model.model.model.layers.{layer}.{MODULE_PATHS[module]}.lora_"
            found[layer, module] = scale * tensors[f"{stem}B.weight"] @ tensors[f"{stem}A.weight"]
    return found


def expected(parts: list[tuple[FakeAdapter, float, range | None]], layer: int, module: str) -> Array | float:
    return sum(
        weight * fake.delta(layer, module) for fake, weight, layers in parts if layers is None or layer in layers
    )


def assert_is_sum(package: AdapterPackage, parts: list[tuple[FakeAdapter, float, range | None]]) -> None:
    found = deltas_of(package)
    for layer in range(TINY.layers):
        for module in MODULES:
            want = expected(parts, layer, module)
            np.testing.assert_allclose(
                found.get((layer, module), 0.0), want, rtol=0, atol=3e-7, err_msg=f"{layer} {module}"
            )


def assert_is_safe(package: AdapterPackage) -> None:
    """The safe form, as the rules for servers put it."""
    config = json.loads((package.folder / "adapter_config.json").read_text())
    assert config["lora_alpha"] == config["r"]
    assert not config["use_rslora"]
    assert not config["rank_pattern"]
    assert not config["alpha_pattern"]
    assert {pair.rank for pair in package.pairs()} == {config["r"]}
    for pairs in package.layers.values():
        for together in ({"q_proj", "k_proj", "v_proj"}, {"gate_proj", "up_proj"}):
            assert not pairs.keys() & together or together <= pairs.keys()
    assert {module for pairs in package.layers.values() for module in pairs} == set(config["target_modules"])


adapters = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 99),
        "rank": st.integers(1, 6),
        "alpha": st.sampled_from([1, 4, 8, 11, 16]),
        "modules": st.lists(st.sampled_from(MODULES), min_size=1, unique=True),
        "layers": st.one_of(st.none(), st.sets(st.integers(0, 11), min_size=1)),
        "dtype": st.sampled_from(list(Dtype)),
        "b_dtype": st.one_of(st.none(), st.sampled_from(list(Dtype))),
        "use_rslora": st.booleans(),
        "ranks": st.dictionaries(st.sampled_from(MODULES), st.integers(1, 5), max_size=2),
        "alphas": st.dictionaries(st.sampled_from(MODULES), st.sampled_from([2, 5, 8]), max_size=2),
    }
)
weights = st.integers(-300, 300).filter(bool).map(lambda steps: steps / 100)
bands = st.one_of(st.none(), st.tuples(st.integers(0, 11), st.integers(0, 11)).map(lambda b: range(min(b), max(b) + 1)))


def made(
    root: Path, recipe: list[tuple[dict[str, Any], float, range | None]]
) -> list[tuple[FakeAdapter, float, range | None]]:
    return [
        (write_adapter(root / str(number), **{**settings, "layers": layers and sorted(layers)}), weight, band)
        for number, (settings, weight, band) in enumerate(recipe)
        for layers in [settings["layers"]]
    ]


def is_empty(parts: list[tuple[FakeAdapter, float, range | None]]) -> bool:
    return not any(band is None or layer in band for fake, _, band in parts for layer, _ in fake.factors)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(adapters, weights, bands), min_size=1, max_size=3), st.randoms())
def test_composition_is_the_weighted_sum_in_the_safe_form_whatever_the_order(recipe: Any, random: Any) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        parts = made(root, recipe)
        if is_empty(parts):
            with pytest.raises(NothingToCompose):
                composed(root / "out", parts)
            return
        package, report = composed(root / "out", parts)
        assert_is_sum(package, parts)
        assert_is_safe(package)
        assert report.rank == report.rank_before == package.config.r
        assert report.truncation_error == 0
        assert report.size == package.file.path.stat().st_size
        assert report.layers == tuple(package.layers)

        random.shuffle(parts)
        again, _ = composed(root / "again", parts)
        assert again.file.path.read_bytes() == package.file.path.read_bytes()
        assert (again.folder / "adapter_config.json").read_bytes() == (
            package.folder / "adapter_config.json"
        ).read_bytes()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(adapters, weights, bands), min_size=1, max_size=3), st.integers(1, 6))
def test_a_cut_composition_is_the_best_of_its_rank_and_says_what_is_lost(recipe: Any, max_rank: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        parts = made(root, recipe)
        if is_empty(parts):
            return
        package, report = composed(root / "out", parts, max_rank)
        assert_is_safe(package)
        assert package.config.r == report.rank <= max_rank
        found = deltas_of(package)
        lost = whole = 0.0
        for (layer, module), delta in found.items():
            want = np.zeros((TINY.modules[module][1], TINY.modules[module][0])) + expected(parts, layer, module)
            values = np.linalg.svd(want, compute_uv=False)
            best = math.sqrt(np.square(values[report.rank :]).sum())
            assert np.linalg.norm(want - delta) <= best + 1e-6
            said = report.module_errors.get(f"model.layers.{layer}.{MODULE_PATHS[module]}", 0.0)
            assert said * np.linalg.norm(want) == pytest.approx(best, abs=1e-6)
            lost += best**2
            whole += np.square(want).sum()
        assert report.truncation_error == pytest.approx(math.sqrt(lost / whole) if whole else 0, abs=1e-5)


def test_no_limit_is_the_same_as_one_that_is_not_reached(tmp_path: Path) -> None:
    parts = [(write_adapter(tmp_path / str(seed), seed=seed), 1.0, None) for seed in (1, 2)]
    free, _ = composed(tmp_path / "free", parts)
    limited, report = composed(tmp_path / "limited", parts, 8)
    assert limited.file.path.read_bytes() == free.file.path.read_bytes()
    assert report.module_errors == {}


def test_one_part_is_brought_to_the_safe_form(tmp_path: Path) -> None:
    fake = write_adapter(tmp_path / "in", modules=["q_proj", "up_proj"], ranks={"up_proj": 2}, use_rslora=True, alpha=6)
    parts = [(fake, 1.0, None)]
    package, _ = composed(tmp_path / "out", parts)
    assert_is_sum(package, parts)
    assert_is_safe(package)
    assert set(package.layers[0]) == {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"}


def test_a_composition_composes_again(tmp_path: Path) -> None:
    parts = [(write_adapter(tmp_path / str(seed), seed=seed), 0.7, None) for seed in (1, 2)]
    once, _ = composed(tmp_path / "once", parts)
    twice = compose([Part(once, 0.5)], TINY, tmp_path / "twice")
    found = deltas_of(AdapterPackage.open(tmp_path / "twice"))
    for place, delta in deltas_of(once).items():
        np.testing.assert_allclose(found[place], 0.5 * delta, atol=1e-7)
    assert twice.dtypes == (Dtype.BF16, Dtype.F32)


def test_bands_apart_share_rank_and_leave_other_layers_alone(tmp_path: Path) -> None:
    early = write_adapter(tmp_path / "early", seed=1, rank=4), 1.0, range(4)
    late = write_adapter(tmp_path / "late", seed=2, rank=6), 1.0, range(8, 12)
    package, report = composed(tmp_path / "out", [early, late])
    assert report.rank == 6
    assert report.layers == (0, 1, 2, 3, 8, 9, 10, 11)
    assert_is_sum(package, [early, late])


def test_modules_missing_in_some_layers_are_excluded_by_path(tmp_path: Path) -> None:
    attention = write_adapter(tmp_path / "a", modules=ATTENTION), 1.0, range(2)
    mlp = write_adapter(tmp_path / "m", modules=["down_proj"]), 1.0, range(1, 3)
    package, _ = composed(tmp_path / "out", [attention, mlp])
    config = json.loads((package.folder / "adapter_config.json").read_text())
    assert config["layers_to_transform"] == [0, 1, 2]
    assert set(config["exclude_modules"]) == {"model.layers.0.mlp.down_proj"} | {
        f"model.layers.2.self_attn.{module}" for module in ATTENTION
    }


@pytest.mark.parametrize(
    ("dtype", "alpha", "weight", "formats"),
    [
        (Dtype.BF16, 8, 1.0, (Dtype.BF16, Dtype.BF16)),
        (Dtype.BF16, 8, 0.5, (Dtype.BF16, Dtype.BF16)),
        (Dtype.BF16, 1, 0.25, (Dtype.BF16, Dtype.BF16)),
        (Dtype.BF16, 8, 0.7, (Dtype.BF16, Dtype.F32)),
        (Dtype.F16, 4, 1.0, (Dtype.F16, Dtype.F16)),
        (Dtype.F16, 8, 1.0, (Dtype.F16, Dtype.F32)),
        (Dtype.F32, 8, 0.7, (Dtype.F32, Dtype.F32)),
    ],
)
def test_formats_stay_narrow_only_where_nothing_is_lost(
    tmp_path: Path, dtype: Dtype, alpha: float, weight: float, formats: tuple[Dtype, Dtype]
) -> None:
    fake = write_adapter(tmp_path / "in", dtype=dtype, alpha=alpha)
    package, report = composed(tmp_path / "out", [(fake, weight, None)])
    assert report.dtypes == formats
    for (layer, module), delta in deltas_of(package).items():
        want = weight * np.asarray(fake.delta(layer, module))
        if formats[1] is dtype and dtype is not Dtype.F32:
            np.testing.assert_array_equal(delta, want)
        np.testing.assert_allclose(delta, want, atol=1e-7)


@pytest.mark.parametrize("chunk", [1, 300, 5000, 1 << 20])
def test_the_size_of_a_chunk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    parts = [
        (write_adapter(tmp_path / "a", seed=1, modules=MODULES, dtype=Dtype.BF16), 0.7, None),
        (
            write_adapter(tmp_path / "b", seed=2, modules=["q_proj", "down_proj"], dtype=Dtype.F16, rank=3),
            1.0,
            range(3, 9),
        ),
    ]
    want, _ = composed(tmp_path / "want", parts)
    want_cut, _ = composed(tmp_path / "want-cut", parts, 5)
    monkeypatch.setattr(plan, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(plan, "MAX_CHUNK_BYTES", 2 * chunk)
    found, _ = composed(tmp_path / "found", parts)
    found_cut, _ = composed(tmp_path / "found-cut", parts, 5)
    assert found.file.path.read_bytes() == want.file.path.read_bytes()
    for place, delta in deltas_of(found_cut).items():
        np.testing.assert_allclose(delta, deltas_of(want_cut)[place], atol=1e-6)


def test_zeros_stay_zeros_when_scaled_in_bfloat16(tmp_path: Path) -> None:
    fake = write_adapter(tmp_path / "in", size=0.0, alpha=16)
    package, _ = composed(tmp_path / "out", [(fake, 2.0, None)])
    assert all(not delta.any() for delta in deltas_of(package).values())


@pytest.mark.parametrize("weight", [0.0, 0.004, -0.004, 3.01, -3.01, float("nan"), float("inf")])
def test_weights_out_of_range_are_refused(tmp_path: Path, weight: float) -> None:
    package = AdapterPackage.open(write_adapter(tmp_path / "in").folder)
    with pytest.raises(WeightOutOfRange):
        Part(package, weight)


@pytest.mark.parametrize("band", [range(0), range(5, 5), range(13), range(12, 13), range(-1, 3), range(0, 9, 2)])
def test_bands_out_of_range_are_refused(tmp_path: Path, band: range) -> None:
    package = AdapterPackage.open(write_adapter(tmp_path / "in").folder)
    with pytest.raises(BandOutOfRange):
        compose([Part(package, 1.0, band)], TINY, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_numbers_that_would_overflow_are_refused(tmp_path: Path) -> None:
    fake = write_adapter(tmp_path / "in", size=1e35, alpha=1e5, rank=1)
    with pytest.raises(WeightsOverflow):
        compose([Part(AdapterPackage.open(fake.folder))], TINY, tmp_path / "out")
