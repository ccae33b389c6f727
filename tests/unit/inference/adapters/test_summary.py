"""What `inspect` tells of a package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.adapters.compose import compose
from inference.adapters.dtypes import Dtype
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.summary import UnsafeReason, summarise
from tests.fakes.adapters import ATTENTION, TINY, write_adapter


def test_sums_a_package_up(tmp_path: Path) -> None:
    fake = write_adapter(
        tmp_path / "in", rank=4, layers=[2, 10], modules=["q_proj", "up_proj"], base_model_name_or_path="owner/tiny"
    )
    package = AdapterPackage.open(fake.folder)
    summary = summarise(package)
    assert summary.base == "owner/tiny"
    assert summary.digest == package.digest
    assert summary.ranks == (4,)
    assert summary.modules == ("up_proj", "q_proj")
    assert summary.layers == (2, 10)
    assert summary.parameters == 2 * 4 * (24 + 32 + 24 + 40)
    assert summary.dtypes == (Dtype.BF16,)
    assert summary.size == (fake.folder / "adapter_model.safetensors").stat().st_size
    for module in summary.modules:
        want = np.sqrt(sum(np.square(fake.delta(layer, module)).sum() for layer in (2, 10)))
        assert summary.norms[module] == pytest.approx(want)
    assert summary.norm == pytest.approx(np.sqrt(sum(norm**2 for norm in summary.norms.values())))


@pytest.mark.parametrize(
    ("settings", "unsafe"),
    [
        ({"alpha": 4}, ()),
        ({"alpha": 8}, (UnsafeReason.SCALED,)),
        ({"alpha": 2, "use_rslora": True}, (UnsafeReason.RSLORA,)),
        ({"alpha": 4, "ranks": {"q_proj": 2}, "alphas": {"q_proj": 2}}, (UnsafeReason.PATTERNS, UnsafeReason.RANKS)),
        ({"alpha": 4, "alphas": {"q_proj": 2}}, (UnsafeReason.PATTERNS, UnsafeReason.SCALED)),
        ({"alpha": 4, "modules": ["q_proj", "v_proj"]}, (UnsafeReason.QKV,)),
        ({"alpha": 4, "modules": ["down_proj", "up_proj"]}, (UnsafeReason.GATE_UP,)),
        ({"alpha": 4, "modules": ["down_proj", "o_proj"]}, ()),
    ],
)
def test_says_why_a_package_is_not_in_the_safe_form(
    tmp_path: Path, settings: dict[str, Any], unsafe: tuple[UnsafeReason, ...]
) -> None:
    assert summarise(AdapterPackage.open(write_adapter(tmp_path / "in", **settings).folder)).unsafe_reasons == unsafe


def test_a_composition_is_in_the_safe_form(tmp_path: Path) -> None:
    fake = write_adapter(tmp_path / "in", modules=["k_proj", "up_proj"], ranks={"k_proj": 2}, use_rslora=True)
    compose([Part(AdapterPackage.open(fake.folder), 0.7)], TINY, tmp_path / "out")
    assert summarise(AdapterPackage.open(tmp_path / "out")).unsafe_reasons == ()


def test_modules_are_listed_in_the_order_of_their_paths(tmp_path: Path) -> None:
    summary = summarise(AdapterPackage.open(write_adapter(tmp_path / "in", modules=ATTENTION).folder))
    assert summary.modules == ("k_proj", "o_proj", "q_proj", "v_proj")
