"""Conflicts told through the factors, against the same told from the dense deltas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.adapters.compose import compose
from inference.adapters.conflict import measure_conflict
from inference.adapters.dtypes import Dtype
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from tests.fakes.adapters import ATTENTION, TINY, FakeAdapter, write_adapter


def whole(fake: FakeAdapter) -> dict[tuple[int, str], np.ndarray]:
    return {place: np.asarray(fake.delta(*place)) for place in fake.factors}


def test_agrees_with_the_dense_deltas(tmp_path: Path) -> None:
    one = write_adapter(tmp_path / "1", seed=1, rank=3, layers=range(8), modules=["q_proj", "up_proj"])
    two = write_adapter(tmp_path / "2", seed=2, rank=5, layers=range(4, 12), use_rslora=True, dtype=Dtype.F32)
    found = measure_conflict(AdapterPackage.open(one.folder), AdapterPackage.open(two.folder))
    first, second = whole(one), whole(two)
    shared = first.keys() & second.keys()
    assert {(it.layer, it.module) for it in found.modules} == shared
    for it in found.modules:
        a, b = first[it.layer, it.module], second[it.layer, it.module]
        assert it.norms == pytest.approx((np.linalg.norm(a), np.linalg.norm(b)))
        assert it.cosine == pytest.approx((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-9)
        (u, _, v), (u2, _, v2) = (np.linalg.svd(delta, full_matrices=False) for delta in (a, b))
        assert it.output_overlap == pytest.approx(np.square(u[:, :3].T @ u2[:, :5]).sum() / 3)
        assert it.input_overlap == pytest.approx(np.square(v[:3] @ v2[:5].T).sum() / 3)
    norms = tuple(np.sqrt(sum(np.square(delta).sum() for delta in deltas.values())) for deltas in (first, second))
    assert found.norms == pytest.approx(norms)
    assert found.cosine == pytest.approx(sum((first[p] * second[p]).sum() for p in shared) / norms[0] / norms[1])


def test_an_adapter_against_itself_is_all_conflict(tmp_path: Path) -> None:
    package = AdapterPackage.open(write_adapter(tmp_path / "1").folder)
    found = measure_conflict(package, package)
    assert (found.cosine, found.input_overlap, found.output_overlap) == pytest.approx((1, 1, 1))


def test_is_symmetric(tmp_path: Path) -> None:
    one, two = (AdapterPackage.open(write_adapter(tmp_path / str(s), seed=s, rank=s).folder) for s in (2, 4))
    there, back = measure_conflict(one, two), measure_conflict(two, one)
    assert (there.cosine, there.input_overlap, there.output_overlap) == pytest.approx(
        (back.cosine, back.input_overlap, back.output_overlap)
    )
    assert there.norms == back.norms[::-1]


def test_padding_is_no_direction(tmp_path: Path) -> None:
    """Zeros that fill a composition up to one rank must not count as directions."""
    narrow = AdapterPackage.open(write_adapter(tmp_path / "1", seed=1, rank=2, layers=[0]).folder)
    wide = AdapterPackage.open(write_adapter(tmp_path / "2", seed=2, rank=6, layers=[1]).folder)
    compose([Part(narrow), Part(wide)], TINY, tmp_path / "sum")
    padded = AdapterPackage.open(tmp_path / "sum")
    other = AdapterPackage.open(write_adapter(tmp_path / "3", seed=3, rank=3, layers=[0]).folder)
    for direct, through in zip(
        measure_conflict(narrow, other).modules, measure_conflict(padded, other).modules, strict=True
    ):
        assert (direct.cosine, direct.input_overlap, direct.output_overlap) == pytest.approx(
            (through.cosine, through.input_overlap, through.output_overlap), abs=1e-6
        )


def test_adapters_that_share_nothing_have_no_conflict(tmp_path: Path) -> None:
    one = AdapterPackage.open(write_adapter(tmp_path / "1", modules=ATTENTION).folder)
    two = AdapterPackage.open(write_adapter(tmp_path / "2", modules=["down_proj"]).folder)
    found = measure_conflict(one, two)
    assert found.modules == ()
    assert (found.cosine, found.input_overlap, found.output_overlap) == (0, 0, 0)


def test_untrained_adapters_have_no_conflict(tmp_path: Path) -> None:
    zero = AdapterPackage.open(write_adapter(tmp_path / "0", size=0.0).folder)
    other = AdapterPackage.open(write_adapter(tmp_path / "1").folder)
    found = measure_conflict(zero, other)
    assert (found.cosine, found.input_overlap, found.output_overlap) == (0, 0, 0)
