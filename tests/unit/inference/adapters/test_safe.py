"""What a server may be given: all that composing writes, and nothing a server could misread or die of."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.adapters.compose import compose
from inference.adapters.dtypes import Array, Dtype
from inference.adapters.errors import AdapterError, NotSafeForm, PackageUnreadable, WeightsOverflow, WrongBaseModel
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.safe_form import check_safe_form
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import ATTENTION, TINY, tensor_name, write_adapter, write_config, write_tensors
from tests.fakes.hostile.seeded import sound

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
MODULES = list(TINY.modules)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "good", rank=4, alpha=4).folder


def rewrite_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | changes))


def write_pair(folder: Path, a: Array, b: Array) -> Path:
    """An adapter of one module, `o_proj` of layer 0."""
    folder.mkdir()
    factors = {"A": a, "B": b}
    tensors = {tensor_name(0, "o_proj", f): (np.asarray(v, np.float32), Dtype.F32) for f, v in factors.items()}
    write_tensors(folder / WEIGHTS, tensors)
    write_config(folder, r=len(a), lora_alpha=len(a), target_modules=["o_proj"], layers_to_transform=[0])
    return folder


def test_tells_what_the_server_gets(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "in", rank=3, alpha=3, layers=[2, 10], layers_to_transform=[10, 2]).folder
    safe = check_safe_form(folder, TINY)
    assert safe.rank == 3
    assert safe.modules == set(ATTENTION)
    assert safe.layers == (2, 10)
    assert safe.digest == AdapterPackage.open(folder).digest
    assert safe.size == (folder / WEIGHTS).stat().st_size
    assert not safe.is_zero


@pytest.mark.parametrize("seed", range(20))
def test_what_hostile_packages_are_made_of_is_safe(tmp_path: Path, seed: int) -> None:
    """Otherwise their being refused would show nothing."""
    sound(seed)(tmp_path / "sound")
    check_safe_form(tmp_path / "sound", TINY)


@st.composite
def recipes(draw: st.DrawFn) -> tuple[dict[str, Any], float, range | None]:
    rank = draw(st.integers(1, 5))
    modules = draw(st.lists(st.sampled_from(MODULES), min_size=1, unique=True))
    settings: dict[str, Any] = {
        "rank": rank,
        "seed": draw(st.integers(0, 99)),
        "modules": modules,
        "layers": sorted(draw(st.sets(st.integers(0, TINY.layers - 1), min_size=1))),
        "alpha": draw(st.sampled_from([1e-300, 1e-30, 0.1, 1.0, 3.0, 16.0, 1e6])),
        "dtype": draw(st.sampled_from(list(Dtype))),
        "b_dtype": draw(st.sampled_from(list(Dtype))),
        "use_rslora": draw(st.booleans()),
        "ranks": {module: draw(st.integers(1, 6)) for module in modules if draw(st.booleans())},
        "alphas": {module: draw(st.sampled_from([0.5, 8.0])) for module in modules if draw(st.booleans())},
        "size": draw(st.sampled_from([0.0, 1e-20, 0.05, 2.0])),
    }
    first = draw(st.integers(0, TINY.layers - 1))
    band = draw(st.one_of(st.none(), st.just(range(first, draw(st.integers(first + 1, TINY.layers))))))
    return settings, draw(st.sampled_from([0.05, 0.5, 0.7, 1.0, 2.0])), band


@settings(max_examples=120)
@given(chosen=st.lists(recipes(), min_size=1, max_size=3), max_rank=st.one_of(st.none(), st.integers(1, 6)))
def test_every_composition_is_safe(
    chosen: list[tuple[dict[str, Any], float, range | None]], max_rank: int | None
) -> None:
    with tempfile.TemporaryDirectory() as root:
        parts = []
        for number, (made, weight, band) in enumerate(chosen):
            package = AdapterPackage.open(write_adapter(Path(root, str(number)), **made).folder)
            parts.append(Part(package, weight, band if band and not set(band).isdisjoint(package.layers) else None))
        try:
            report = compose(parts, TINY, Path(root, "out"), max_rank=max_rank)
        except WeightsOverflow:
            assert any(made["alpha"] == 1e6 for made, _, _ in chosen)
            return
        safe = check_safe_form(Path(root, "out"), TINY)
        assert (safe.rank, set(safe.modules), safe.layers) == (report.rank, set(report.modules), report.layers)


def test_a_composition_in_the_store_is_safe_until_its_record_is_of_another(tmp_path: Path, good: Path) -> None:
    composition = CompositionStore(tmp_path / "store").get_or_compose([Part(AdapterPackage.open(good))], TINY)
    assert check_safe_form(composition.path, TINY).digest == composition.record.digest
    record = json.loads((composition.path / "composition.json").read_text())
    (composition.path / "composition.json").write_text(json.dumps(record | {"digest": "0" * 64}))
    with pytest.raises(NotSafeForm, match="other weights"):
        check_safe_form(composition.path, TINY)


@pytest.mark.parametrize(
    ("a", "b", "inert"),
    [
        (np.ones((2, 32)), np.ones((24, 2)), False),
        (np.zeros((2, 32)), np.ones((24, 2)), True),
        (np.ones((2, 32)), np.zeros((24, 2)), True),
        (np.ones((2, 32)), np.full((24, 2), [1, -1]), True),
        (np.eye(2, 32), np.full((24, 2), [1, 0]), False),
        (np.full((2, 32), [[0.3], [0]]), np.full((24, 2), [0, 0.7]), True),
        (np.full((1, 32), 1e-12), np.full((24, 1), 1e-12), False),
    ],
)
def test_inert_means_that_every_delta_is_zero(tmp_path: Path, a: Array, b: Array, inert: bool) -> None:
    assert check_safe_form(write_pair(tmp_path / "in", a, b), TINY).is_zero is inert


def test_one_delta_among_many_zeros_is_not_inert(tmp_path: Path) -> None:
    write_adapter(tmp_path / "zeros", size=0)
    write_adapter(tmp_path / "one", layers=[11], modules=["down_proj"])
    parts = [Part(AdapterPackage.open(tmp_path / name)) for name in ("zeros", "one")]
    compose(parts[:1], TINY, tmp_path / "inert")
    compose(parts, TINY, tmp_path / "alive")
    assert check_safe_form(tmp_path / "inert", TINY).is_zero
    assert not check_safe_form(tmp_path / "alive", TINY).is_zero


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lora_alpha": 8}, "“lora_alpha” in adapter_config.json is 8 and has to be 4"),
        ({"use_rslora": True}, "“use_rslora” in adapter_config.json is true and has to be false"),
        ({"rank_pattern": {"nowhere": 2}}, "“rank_pattern”"),
        ({"alpha_pattern": {"q_proj": 4}}, "“alpha_pattern”"),
        ({"target_modules": "all-linear"}, "“target_modules”"),
        ({"target_modules": [*ATTENTION, "lm_head"]}, "“target_modules”"),
        ({"layers_to_transform": list(range(TINY.layers))}, "“layers_to_transform”"),
        ({"megatron_config": None}, "sets “megatron_config”, which the safe form does not have"),
    ],
)
def test_settings_a_server_reads_otherwise_are_named(good: Path, changes: dict[str, Any], reason: str) -> None:
    check_safe_form(good, TINY)
    rewrite_config(good, **changes)
    with pytest.raises(NotSafeForm) as refused:
        check_safe_form(good, TINY)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        (["k_proj", "v_proj"], "layer 0 adapts k_proj without q_proj"),
        (["q_proj"], "layer 0 adapts q_proj without k_proj and v_proj"),
        (["up_proj", "down_proj"], "layer 0 adapts up_proj without gate_proj"),
    ],
)
def test_fused_modules_in_part_are_named(tmp_path: Path, modules: list[str], reason: str) -> None:
    folder = write_adapter(tmp_path / "in", alpha=4, modules=modules).folder
    with pytest.raises(NotSafeForm, match=reason):
        check_safe_form(folder, TINY)


def test_uneven_ranks_are_named(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "in", alpha=4, ranks={"q_proj": 2}).folder
    with pytest.raises(NotSafeForm, match="ranks from 2 to 4"):
        check_safe_form(folder, TINY)


@pytest.mark.parametrize("name", ["[ab]", "a*", "what?"])
def test_a_path_that_is_a_pattern_is_refused(tmp_path: Path, good: Path, name: str) -> None:
    good.rename(tmp_path / name)
    with pytest.raises(NotSafeForm, match="would look elsewhere"):
        check_safe_form(tmp_path / name, TINY)


def test_a_path_that_is_no_text_is_refused(tmp_path: Path, good: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff\xfe")
    good.rename(folder)
    with pytest.raises(NotSafeForm, match=r"not text") as refused:
        check_safe_form(folder, TINY)
    str(refused.value).encode()


def test_a_link_to_a_package_is_refused(tmp_path: Path, good: Path) -> None:
    (tmp_path / "link").symlink_to(good)
    with pytest.raises(NotSafeForm, match="it is a link"):
        check_safe_form(tmp_path / "link", TINY)


@pytest.mark.parametrize("path", ["nowhere", "x" * 300, "x/" * 3000])
def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(PackageUnreadable):
        check_safe_form(tmp_path / path, TINY)


def test_files_with_a_second_name_elsewhere_are_files(tmp_path: Path, good: Path) -> None:
    os.link(good / WEIGHTS, tmp_path / "elsewhere")
    check_safe_form(good, TINY)


def test_a_name_for_the_base_that_is_its_own_is_taken(good: Path) -> None:
    rewrite_config(good, base_model_name_or_path="someone/Tiny")
    check_safe_form(good, TINY)
    rewrite_config(good, base_model_name_or_path="Qwen/Qwen3-0.6B")
    with pytest.raises(WrongBaseModel):
        check_safe_form(good, TINY)


@pytest.mark.parametrize(
    ("a", "b", "refused"),
    [(9e4, 1.0, False), (1.1e5, 1.0, True), (1.0, 9e4, False), (1.0, -1.1e5, True), (3e38, 1e-38, True)],
)
def test_numbers_a_model_overflows_with_are_refused_before_and_after_composing(
    tmp_path: Path, a: float, b: float, refused: bool
) -> None:
    folder = write_pair(tmp_path / "in", a * np.eye(1, 32), b * np.eye(24, 1))
    tries: list[Callable[[], object]] = [
        lambda: check_safe_form(folder, TINY),
        lambda: compose([Part(AdapterPackage.open(folder))], TINY, tmp_path / "out"),
    ]
    for attempt in tries:
        if refused:
            with pytest.raises(WeightsOverflow):
                attempt()
        else:
            attempt()


def test_what_is_cut_from_large_numbers_is_safe(tmp_path: Path) -> None:
    """A cut spreads the numbers of both factors anew; they must not get larger than what was let through."""
    random = np.random.default_rng(0)
    a, b = random.standard_normal((8, 32)), random.standard_normal((24, 8))
    folder = write_pair(tmp_path / "in", a * 9.9e4 / np.linalg.norm(a), b * 9.9e4 / np.linalg.norm(b))
    compose([Part(AdapterPackage.open(folder))], TINY, tmp_path / "out", max_rank=3)
    assert check_safe_form(tmp_path / "out", TINY).rank == 3


@settings(max_examples=150)
@given(data=st.data())
def test_a_flipped_bit_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as root:
        write_adapter(Path(root, "in"), layers=[0, 7])
        store = CompositionStore(Path(root, "store"))
        path = store.get_or_compose([Part(AdapterPackage.open(Path(root, "in")))], TINY).path
        digest = check_safe_form(path, TINY).digest
        file = path / data.draw(st.sampled_from([CONFIG, WEIGHTS, "composition.json"]))
        damaged = bytearray(file.read_bytes())
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        file.unlink()
        file.write_bytes(damaged)
        with suppress(AdapterError):
            assert check_safe_form(path, TINY).digest == digest
