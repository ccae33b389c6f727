"""Merge methods against dense references written here, and what holds for every method."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from inference.adapters.compose import CompositionReport, compose
from inference.adapters.dtypes import Array, Dtype
from inference.adapters.errors import MergeRanksDiffer, NothingToCompose, WeightsOverflow
from inference.adapters.merging.rules import merge_tensors, random_mask
from inference.adapters.merging.settings import Merge, MergeMethod, MergeSpace
from inference.adapters.merging.spaces import _leading_factors
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, canonical_order
from inference.adapters.safe_form import check_safe_form
from inference.adapters.store import CompositionStore
from inference.base_model import MODULE_PATHS
from tests.fakes.adapters import TINY, FakeAdapter, read_tensors, tensor_name, write_adapter

Deltas = dict[tuple[int, str], Array]

adapters = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 99),
        "rank": st.integers(1, 5),
        "alpha": st.sampled_from([1, 8, 11]),
        "modules": st.lists(st.sampled_from(sorted(TINY.modules)), min_size=1, unique=True),
        "layers": st.sets(st.integers(0, 11), min_size=1, max_size=3).map(sorted),
        "dtype": st.sampled_from(list(Dtype)),
        "use_rslora": st.booleans(),
    }
)
weights = st.integers(-300, 300).filter(bool).map(lambda steps: steps / 100)
merges = st.builds(
    Merge,
    method=st.sampled_from(MergeMethod),
    space=st.sampled_from(MergeSpace),
    density=st.integers(1, 10).map(lambda tenths: tenths / 10),
    sign=st.sampled_from(["total", "frequency"]),
    seed=st.integers(0, 3),
    rank=st.none() | st.integers(1, 12),
    off=st.sampled_from(["overlap", "inputs", "outputs"]),
)


def several(least: int) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(adapters, weights), min_size=least, max_size=3)


def write_parts(root: Path, recipe: Sequence[tuple[dict[str, Any], float]]) -> list[tuple[FakeAdapter, Part]]:
    """The adapters of a recipe in canonical order; the first one written is the core."""
    written = []
    for number, (made, weight) in enumerate(recipe):
        fake = write_adapter(root / str(number), **made)
        written.append((fake, Part(AdapterPackage.open(fake.folder), weight, is_core=number == 0)))
    order = canonical_order([part for _, part in written], TINY)
    return sorted(written, key=lambda each: next(at for at, part in enumerate(order) if part is each[1]))


def merged(
    folder: Path, parts: Sequence[Part], merge: Merge, max_rank: int | None = None
) -> tuple[Deltas, CompositionReport]:
    report = compose(parts, TINY, folder, merge=merge, max_rank=max_rank)
    package = AdapterPackage.open(folder)
    tensors = read_tensors(package.file.path)
    deltas = {
        (layer, module): tensors[tensor_name(layer, module, "B")].astype(np.float64)
        @ tensors[tensor_name(layer, module, "A")].astype(np.float64)
        for layer, pairs in package.layers.items()
        for module in pairs
    }
    return deltas, report


def with_module(parts: Sequence[tuple[FakeAdapter, Part]], place: tuple[int, str]) -> list[tuple[FakeAdapter, Part]]:
    return [(fake, part) for fake, part in parts if place in fake.factors]


@settings(max_examples=30, deadline=None)
@given(several(1), merges, st.none() | st.integers(1, 8), st.randoms())
def test_every_merge_is_a_safe_package_of_its_recipe(
    recipe: Any, merge: Merge, max_rank: int | None, random: Any
) -> None:
    """In the safe form, within the rank limit, the same to the byte in any order, and of the name of its content."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        parts = [part for _, part in write_parts(root, recipe)]
        try:
            _, report = merged(root / "out", parts, merge, max_rank)
        except MergeRanksDiffer:
            assert merge.space is MergeSpace.FACTORS
            return
        except NothingToCompose:
            return
        safe = check_safe_form(root / "out", TINY)
        limits = [rank for rank in (max_rank, merge.rank) if rank is not None]
        assert safe.rank == report.rank <= min([report.rank_before, *limits])
        assert 0 <= report.truncation_error <= 1
        assert (report.truncation_error > 0) == bool(report.module_errors)
        random.shuffle(parts)
        merged(root / "again", parts, merge, max_rank)
        file = "adapter_model.safetensors"
        assert (root / "again" / file).read_bytes() == (root / "out" / file).read_bytes()
        store = CompositionStore(root / "store")
        composition = store.get_or_compose(parts, TINY, max_rank=max_rank, merge=merge)
        assert (composition.path / file).read_bytes() == (root / "out" / file).read_bytes()
        assert composition.name == store.composition_name(parts[::-1], TINY, max_rank, merge)
        assert composition.record.merge == (merge if merge.of_adapters(len(parts)).recipe else None)


@settings(max_examples=20, deadline=None)
@given(several(2), merges)
def test_core_space_is_the_dense_reference(recipe: Any, merge: Merge) -> None:
    """The bases, the cores and what is made of them, from the dense deltas: within 1e-4, and in truth within 1e-5."""
    method = merge.method if merge.method is not MergeMethod.PROJECT else MergeMethod.TIES
    merge = merge.model_copy(update={"space": MergeSpace.CORE, "method": method, "rank": None})
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        parts = write_parts(root, recipe)
        found, report = merged(root / "out", [part for _, part in parts], merge)
        assert report.truncation_error == 0
        for place, delta in found.items():
            mine = with_module(parts, place)
            if not mine:
                assert not delta.any()
                continue
            a = np.concatenate([fake.factors[place][0].astype(np.float64) for fake, _ in mine])
            b = np.concatenate([fake.factors[place][1].astype(np.float64) for fake, _ in mine], axis=1)
            v = np.linalg.svd(a, full_matrices=False)[2]
            u = np.linalg.svd(b, full_matrices=False)[0]
            cores = [u.T @ np.asarray(fake.delta(*place)) @ v.T for fake, _ in mine]
            keys = [f"{part.package.digest}.{place[0]}.{place[1]}" for _, part in mine]
            want = u @ merge_tensors(cores, [part.weight for _, part in mine], keys, merge) @ v
            np.testing.assert_allclose(delta, want, rtol=0, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(several(2), st.sampled_from(["overlap", "inputs", "outputs"]))
def test_projecting_leaves_the_core_whole_and_takes_from_topics_what_they_share_with_it(recipe: Any, off: Any) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        parts = write_parts(root, recipe)
        found, report = merged(root / "out", [part for _, part in parts], Merge(method=MergeMethod.PROJECT, off=off))
        assert report.truncation_error == 0
        for place, delta in found.items():
            mine = with_module(parts, place)
            dense = {part.is_core: np.zeros(delta.shape) for _, part in parts}
            for fake, part in mine:
                dense[part.is_core] += part.weight * np.asarray(fake.delta(*place))
            core = dense.get(True, np.zeros(delta.shape))
            topics = dense.get(False, np.zeros(delta.shape))
            u, values, v = np.linalg.svd(core, full_matrices=False)
            kept = values > 1e-6 * max(values[0], 1e-30)
            u, v = u[:, kept], v[kept]
            reads, writes = topics @ v.T @ v, u @ (u.T @ topics)
            taken = {"overlap": u @ (u.T @ topics @ v.T) @ v, "inputs": reads, "outputs": writes}[off]
            np.testing.assert_allclose(delta, core + topics - taken, rtol=0, atol=1e-5)
            assert abs(np.vdot(delta - core, core)) <= 1e-4 * max(np.linalg.norm(core), 1)


def test_without_a_core_projecting_is_the_sum(tmp_path: Path) -> None:
    parts = [Part(AdapterPackage.open(write_adapter(tmp_path / str(seed), seed=seed).folder)) for seed in (1, 2)]
    found, _ = merged(tmp_path / "projected", parts, Merge(method=MergeMethod.PROJECT))
    want, _ = merged(tmp_path / "summed", parts, Merge())
    for place, delta in want.items():
        np.testing.assert_allclose(found[place], delta, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), st.integers(0, 99))
def test_leading_factors_through_the_gram_matrix_are_those_of_the_svd(
    rows: int, columns: int, rank: int, seed: int
) -> None:
    delta = np.random.default_rng(seed).standard_normal((rows, columns))
    u, values, v = np.linalg.svd(delta, full_matrices=False)
    want = (u[:, :rank] * values[:rank]) @ v[:rank]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inference.adapters.merging.spaces._MAX_DENSE_SVD", 0)
        a, b = _leading_factors(delta, rank)
    assert len(a) == b.shape[1] == min(rank, rows, columns)
    np.testing.assert_allclose(b @ a, want, atol=1e-8)


def test_what_a_cut_of_whole_deltas_loses_is_reported(tmp_path: Path) -> None:
    written = write_parts(tmp_path, [({"seed": 1, "layers": [0]}, 1.0), ({"seed": 2, "layers": [0]}, 1.0)])
    parts = [part for _, part in written]
    merge = Merge(method=MergeMethod.TIES, space=MergeSpace.DELTA)
    whole, _ = merged(tmp_path / "whole", parts, merge.model_copy(update={"rank": 24}))
    cut, report = merged(tmp_path / "cut", parts, merge)
    assert report.rank == 8
    assert report.rank_before == 24
    lost = sum(np.square(whole[place] - cut[place]).sum() for place in whole)
    energy = sum(np.square(delta).sum() for delta in whole.values())
    assert report.truncation_error == pytest.approx(np.sqrt(lost / energy), rel=1e-4)
    for (layer, module), delta in whole.items():
        error = report.module_errors.get(f"model.layers.{layer}.{MODULE_PATHS[module]}", 0.0)
        assert error == pytest.approx(np.linalg.norm(delta - cut[layer, module]) / np.linalg.norm(delta), rel=1e-4)


def test_only_what_a_method_looks_at_is_in_a_compositions_name(tmp_path: Path) -> None:
    parts = [Part(AdapterPackage.open(write_adapter(tmp_path / str(seed), seed=seed).folder)) for seed in (1, 2)]

    def name(parts: Sequence[Part] = parts, max_rank: int | None = None, **settings: Any) -> str:
        return CompositionStore(tmp_path).composition_name(parts, TINY, max_rank, Merge(**settings))

    plain = CompositionStore(tmp_path).composition_name(parts, TINY)
    assert name(seed=3, density=0.2, sign="frequency", space="delta", off="inputs") == name(rank=8) == plain
    assert name(rank=4) == name(max_rank=4) == CompositionStore(tmp_path).composition_name(parts, TINY, 4)
    assert name(method="ties", seed=3) == name(method="ties", off="inputs") == name(method="ties", max_rank=8)
    assert name(method="dare", sign="frequency") == name(method="dare")
    assert name(parts[:1], method="ties") == CompositionStore(tmp_path).composition_name(parts[:1], TINY)
    delta = {"method": "ties", "space": "delta"}
    assert name(**delta) == name(**delta, max_rank=32)
    different = [
        plain,
        name(rank=4),
        *(name(method=method) for method in MergeMethod if method is not MergeMethod.SUM),
        name(method="ties", space="factors"),
        name(**delta),
        name(**delta, rank=12),
        name(method="ties", density=0.4),
        name(method="ties", sign="frequency"),
        name(method="dare", seed=1),
        name(method="project", off="inputs"),
        name([Part(parts[0].package, is_core=True), parts[1]], method="project"),
    ]
    assert len(set(different)) == len(different)


def test_random_masks_depend_on_seed_and_key_alone_and_are_as_dense_as_asked() -> None:
    mask = random_mask((200, 300), 0.3, 7, "key")
    assert mask.mean() == pytest.approx(0.3, abs=0.01)
    assert (mask == random_mask((200, 300), 0.3, 7, "key")).all()
    assert (mask != random_mask((200, 300), 0.3, 8, "key")).any()
    assert (mask != random_mask((200, 300), 0.3, 7, "other")).any()
    assert random_mask((4, 5), 1.0, 0, "").all()


def test_numbers_beyond_what_engines_take_are_refused_after_the_merge(tmp_path: Path) -> None:
    """DARE scales up what it keeps."""
    parts = [
        Part(AdapterPackage.open(write_adapter(tmp_path / str(seed), seed=seed, size=900.0, alpha=4).folder), 3.0)
        for seed in (1, 2)
    ]
    with pytest.raises(WeightsOverflow):
        compose(parts, TINY, tmp_path / "out", merge=Merge(method=MergeMethod.DARE, density=0.01))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong",
    [{"density": 0}, {"density": 1.1}, {"density": float("nan")}, {"rank": 0}, {"seed": -1}, {"method": "mean"}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Merge(**wrong)
