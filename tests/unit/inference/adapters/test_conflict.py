"""Conflicts told through the factors, against the same told from the dense deltas."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

from inference.adapters.compose import compose
from inference.adapters.conflict import Comparison, measure_conflict
from inference.adapters.dtypes import Array, Dtype
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from tests.fakes.adapters import ATTENTION, TINY, FakeAdapter, write_adapter

Deltas = dict[tuple[int, str], Array]


def part_of(fake: FakeAdapter, weight: float = 1.0, layers: range | None = None) -> Part:
    return Part(AdapterPackage.open(fake.folder), weight, layers)


def dense(fake: FakeAdapter, part: Part) -> Deltas:
    return {
        place: part.scaled_weight * np.asarray(fake.delta(*place))
        for place in fake.factors
        if part.layers is None or place[0] in part.layers
    }


def compare(first: Deltas, second: Deltas) -> tuple[float, float, tuple[float, float]]:
    """Cosine, sign conflict and norms of dense deltas."""
    places = sorted(first.keys() | second.keys())
    pairs = [(first.get(place), second.get(place)) for place in places]
    both = [(x, y) for x, y in pairs if x is not None and y is not None]
    norms = [float(np.sqrt(sum(np.square(it).sum() for it in side.values()))) for side in (first, second)]
    product = sum((x * y).sum() for x, y in both)
    smaller = [np.minimum(abs(x), abs(y)) for x, y in both]
    common = sum(it.sum() for it in smaller)
    opposite = sum(it[np.sign(x) != np.sign(y)].sum() for it, (x, y) in zip(smaller, both, strict=True))
    whole = norms[0] * norms[1]
    return (product / whole if whole else 0.0), (opposite / common if common else 0.0), (norms[0], norms[1])


def at(deltas: Deltas, layer: int | None = None, module: str | None = None) -> Deltas:
    return {place: it for place, it in deltas.items() if layer in (None, place[0]) and module in (None, place[1])}


adapters = st.fixed_dictionaries(
    {
        "rank": st.integers(1, 5),
        "modules": st.lists(st.sampled_from(sorted(TINY.modules)), min_size=1, unique=True),
        "layers": st.sets(st.integers(0, 11), min_size=1, max_size=4).map(sorted),
        "dtype": st.sampled_from(list(Dtype)),
        "use_rslora": st.booleans(),
    }
)
weights = st.sampled_from([1.0, 0.35, -0.5, 3.0, -3.0])
bands = st.none() | st.just(range(6))


@settings(max_examples=12, deadline=None)
@given(st.tuples(adapters, weights, bands), st.tuples(adapters, weights, bands))
def test_agrees_with_the_dense_deltas_in_every_module_layer_and_in_total(one: Any, two: Any) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        fakes = [write_adapter(Path(scratch) / str(n), seed=n, **made) for n, (made, _, _) in enumerate((one, two))]
        parts = [part_of(fake, weight, band) for fake, (_, weight, band) in zip(fakes, (one, two), strict=True)]
        found = measure_conflict(*parts)
        back = measure_conflict(*parts[::-1])
        first, second = (dense(fake, part) for fake, part in zip(fakes, parts, strict=True))

    def check(comparison: Comparison, layer: int | None = None, module: str | None = None) -> None:
        cosine, signs, norms = compare(at(first, layer, module), at(second, layer, module))
        assert comparison.cosine == pytest.approx(cosine, abs=1e-9)
        assert comparison.sign_conflict == pytest.approx(signs, abs=1e-5)
        assert comparison.norms == pytest.approx(norms)

    shared = first.keys() & second.keys()
    assert {(it.layer, it.module) for it in found.modules} == shared
    for it in found.modules:
        check(it, it.layer, it.module)
        a, b = first[it.layer, it.module], second[it.layer, it.module]
        ranks = min(one[0]["rank"], two[0]["rank"])
        for angles, overlap, x, y in (
            (it.output_angles, it.output_overlap, a, b),
            (it.input_angles, it.input_overlap, a.T, b.T),
        ):
            bases = [np.linalg.svd(d)[0][:, : r[0]["rank"]] for d, r in ((x, one), (y, two))]
            want = np.sort(np.degrees(subspace_angles(*bases)))
            assert angles == pytest.approx(want, abs=1e-4)
            assert overlap == pytest.approx(np.square(np.cos(np.radians(want))).sum() / ranks, abs=1e-6)
    assert found.by_layer.keys() == {layer for layer, _ in first.keys() | second.keys()}
    assert found.by_module.keys() == {module for _, module in first.keys() | second.keys()}
    for layer, comparison in found.by_layer.items():
        check(comparison, layer)
    for module, comparison in found.by_module.items():
        check(comparison, None, module)
    check(found.total)
    assert back.total.norms == found.total.norms[::-1]
    assert (back.total.cosine, back.total.input_overlap, back.total.sign_conflict) == pytest.approx(
        (found.total.cosine, found.total.input_overlap, found.total.sign_conflict)
    )


def test_an_adapter_against_itself_is_all_conflict_and_against_its_opposite_more(tmp_path: Path) -> None:
    fake = write_adapter(tmp_path / "1")
    alike = measure_conflict(part_of(fake), part_of(fake)).total
    assert (alike.cosine, alike.input_overlap, alike.output_overlap) == pytest.approx((1, 1, 1))
    assert alike.sign_conflict == 0
    assert alike.norm_ratio == pytest.approx(1)
    opposite = measure_conflict(part_of(fake), part_of(fake, -0.5)).total
    assert (opposite.cosine, opposite.input_overlap, opposite.sign_conflict) == pytest.approx((-1, 1, 1))
    assert opposite.norm_ratio == pytest.approx(2)


def test_signs_of_a_large_module_are_told_from_some_of_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (write_adapter(tmp_path / str(seed), seed=seed) for seed in (1, 2))
    exact = measure_conflict(part_of(one), part_of(two)).total
    monkeypatch.setattr("inference.adapters.conflict.MAX_SIGN_ROWS", 8)
    sampled = measure_conflict(part_of(one), part_of(two)).total
    assert sampled.sign_conflict != exact.sign_conflict
    assert sampled.sign_conflict == pytest.approx(exact.sign_conflict, abs=0.05)
    assert sampled.cosine == exact.cosine


def test_padding_is_no_direction(tmp_path: Path) -> None:
    """Zeros that fill a composition up to one rank must not count as directions."""
    narrow = write_adapter(tmp_path / "1", seed=1, rank=2, layers=[0])
    wide = write_adapter(tmp_path / "2", seed=2, rank=6, layers=[1])
    compose([part_of(narrow), part_of(wide)], TINY, tmp_path / "sum")
    padded = Part(AdapterPackage.open(tmp_path / "sum"))
    other = part_of(write_adapter(tmp_path / "3", seed=3, rank=3, layers=[0]))
    direct, through = (measure_conflict(it, other).modules for it in (part_of(narrow), padded))
    for it, again in zip(direct, through, strict=True):
        assert (it.cosine, it.input_overlap, it.output_overlap) == pytest.approx(
            (again.cosine, again.input_overlap, again.output_overlap), abs=1e-6
        )


@pytest.mark.parametrize("settings", [{"modules": ["down_proj"]}, {"size": 0.0}])
def test_what_shares_nothing_or_adds_nothing_has_no_conflict(tmp_path: Path, settings: dict[str, Any]) -> None:
    one = part_of(write_adapter(tmp_path / "1", modules=ATTENTION))
    found = measure_conflict(one, part_of(write_adapter(tmp_path / "2", **settings))).total
    assert (found.cosine, found.input_overlap, found.output_overlap, found.sign_conflict) == (0, 0, 0, 0)
