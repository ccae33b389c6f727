"""Merges against PEFT's `add_weighted_adapter` in the same process, on a model small enough to look at dense.

The cases are those of PEFT's own tests of weighted adapters: every combination type, negation, subtraction, one and
several adapters, uneven ranks and alphas, patterns of ranks, and modules that only one of the adapters has.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, LoraModel
from peft.utils import merge_utils
from torch import nn

from inference.adapters.compose import compose
from inference.adapters.dtypes import Array, Dtype
from inference.adapters.errors import MergeRanksDiffer
from inference.adapters.merging.rules import random_mask
from inference.adapters.merging.settings import Merge, MergeMethod, MergeSpace
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, canonical_order
from inference.base_model import MODULE_PATHS
from tests.fakes.adapters import ATTENTION, TINY, FakeAdapter, read_tensors, tensor_name, write_adapter

LAYERS = 2
Written = tuple[FakeAdapter, Part]
Deltas = dict[tuple[int, str], Array]
"""Dense deltas by layer and module."""
PEFT_TYPES: Mapping[tuple[MergeMethod, MergeSpace], str] = {
    (MergeMethod.SUM, MergeSpace.FACTORS): "linear",
    (MergeMethod.TIES, MergeSpace.FACTORS): "ties",
    (MergeMethod.DARE, MergeSpace.FACTORS): "dare_linear",
    (MergeMethod.DARE_TIES, MergeSpace.FACTORS): "dare_ties",
    (MergeMethod.PRUNE, MergeSpace.FACTORS): "magnitude_prune",
    (MergeMethod.TIES, MergeSpace.DELTA): "ties_svd",
    (MergeMethod.DARE, MergeSpace.DELTA): "dare_linear_svd",
    (MergeMethod.DARE_TIES, MergeSpace.DELTA): "dare_ties_svd",
    (MergeMethod.PRUNE, MergeSpace.DELTA): "magnitude_prune_svd",
}
"""What PEFT calls a method in a space."""
FACTORS = [kind for kind in PEFT_TYPES if kind[1] is MergeSpace.FACTORS]
DELTAS = [kind for kind in PEFT_TYPES if kind[1] is MergeSpace.DELTA]


@dataclass(frozen=True)
class Case:
    """Adapters with random weights, and how much of each."""

    weights: Sequence[float]
    made: Sequence[dict[str, Any]] = field(default=({}, {}, {}))

    @property
    def is_even(self) -> bool:
        """Whether all modules have one rank in all adapters."""
        return not any("rank" in each or "ranks" in each for each in self.made)


CASES: Mapping[str, Case] = {
    "one": Case([1.0]),
    "one, negated": Case([-1.0]),
    "sum": Case([1.0, 1.0]),
    "mean of three": Case([0.33, 0.33, 0.34]),
    "subtraction": Case([1.0, -1.0]),
    "negation of three": Case([-0.5, -1.25, -3.0]),
    "adapter minus half of itself": Case([1.0, -0.5], [{"seed": 1}, {"seed": 1}]),
    "uneven alphas": Case([0.7, 1.3, -0.2], [{"alpha": 16}, {"alpha": 3}, {"alpha": 1}]),
    "alpha patterns": Case([1.0, 0.5], [{"alphas": {"q_proj": 2}}, {"alphas": {"o_proj": 11}}]),
    "rslora": Case([1.0, 0.5], [{"use_rslora": True}, {}]),
    "uneven ranks": Case([1.0, 0.5, -0.75], [{"rank": 2}, {"rank": 6}, {"rank": 4, "alpha": 11}]),
    "rank patterns": Case([0.4, 0.9], [{"ranks": {"q_proj": 2}}, {"ranks": {"q_proj": 6, "v_proj": 1}}]),
    "other modules": Case([1.0, 0.6], [{"modules": ["q_proj", "k_proj", "v_proj"]}, {}]),
}


SEVERAL = [name for name, case in CASES.items() if len(case.weights) > 1]


class Linears(nn.Module):
    """The linear modules of `TINY`'s first layers, at their paths; it computes nothing."""

    def __init__(self) -> None:
        super().__init__()
        for layer in range(LAYERS):
            for module in ATTENTION:
                self._add(f"model.layers.{layer}.{MODULE_PATHS[module]}", nn.Linear(*TINY.modules[module], bias=False))

    def _add(self, path: str, linear: nn.Linear) -> None:
        *parents, name = path.split(".")
        owner: nn.Module = self
        for parent in parents:
            if parent not in dict(owner.named_children()):
                owner.add_module(parent, nn.Module())
            owner = owner.get_submodule(parent)
        owner.add_module(name, linear)


def write_parts(root: Path, case: Case) -> list[Written]:
    """The adapters of a case, in the order in which they are merged."""
    written = []
    for number, weight in enumerate(case.weights):
        settings = {"seed": number, "dtype": Dtype.F32, "layers": range(LAYERS), **case.made[number]}
        fake = write_adapter(root / str(number), **settings)
        written.append((fake, Part(AdapterPackage.open(fake.folder), weight)))
    order = canonical_order([part for _, part in written], TINY)
    return sorted(written, key=lambda each: order.index(each[1]))


def merge_with_peft(parts: Sequence[Written], kind: str, **options: Any) -> Deltas:
    """The dense deltas of PEFT's weighted adapter."""
    model: LoraModel | None = None
    for number, (fake, part) in enumerate(parts):
        config = part.package.config
        lora = LoraConfig(
            r=config.r,
            lora_alpha=config.lora_alpha,
            target_modules=sorted({module for _, module in fake.factors}),
            use_rslora=config.use_rslora,
            rank_pattern=config.rank_pattern or {},
            alpha_pattern=config.alpha_pattern or {},
        )
        if model is None:
            model = LoraModel(Linears(), lora, "0")
        else:
            model.peft_config[str(number)] = lora
            model.inject_adapter(model.model, str(number))
        for (layer, module), (a, b) in fake.factors.items():
            target: Any = model.model.get_submodule(f"model.layers.{layer}.{MODULE_PATHS[module]}")
            target.lora_A[str(number)].weight.data = torch.from_numpy(a.copy())
            target.lora_B[str(number)].weight.data = torch.from_numpy(b.copy())
    assert model is not None
    names = [str(number) for number in range(len(parts))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.add_weighted_adapter(names, [part.weight for _, part in parts], "merged", kind, **options)
    found = {}
    for layer in range(LAYERS):
        for module in ATTENTION:
            target = model.model.get_submodule(f"model.layers.{layer}.{MODULE_PATHS[module]}")
            if hasattr(target, "get_delta_weight"):
                found[layer, module] = target.get_delta_weight("merged").detach().numpy()
    return found


def merge_with_ours(parts: Sequence[Written], folder: Path, merge: Merge) -> Deltas:
    """The dense deltas of our package."""
    compose([part for _, part in parts], TINY, folder, merge=merge)
    package = AdapterPackage.open(folder)
    package.verify()
    tensors = read_tensors(package.file.path)
    return {
        (layer, module): tensors[tensor_name(layer, module, "B")] @ tensors[tensor_name(layer, module, "A")]
        for layer, pairs in package.layers.items()
        for module in pairs
    }


def assert_equal(ours: Deltas, theirs: Deltas) -> None:
    assert theirs.keys() <= ours.keys()
    assert any(delta.any() for delta in theirs.values())
    for place, delta in theirs.items():
        np.testing.assert_allclose(ours[place], delta, rtol=0, atol=2e-6, err_msg=str(place))


@pytest.fixture
def seeded_masks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let PEFT drop the entries that our seed says, in the order in which PEFT asks."""

    def use(parts: Sequence[Written], merge: Merge) -> None:
        suffixes = ("A", "B") if merge.space is MergeSpace.FACTORS else ("",)
        wanted = (
            random_mask(shape, merge.density, merge.seed, key)
            for layer in range(LAYERS)
            for module in ATTENTION
            for suffix in suffixes
            for fake, part in parts
            if (layer, module) in fake.factors
            for shape, key in [_place(fake, part, layer, module, suffix)]
        )

        def bernoulli(probabilities: torch.Tensor) -> torch.Tensor:
            mask = next(wanted)
            assert mask.shape == tuple(probabilities.shape)
            return torch.from_numpy(mask.astype(np.float32))

        monkeypatch.setattr(merge_utils.torch, "bernoulli", bernoulli)

    return use


def _place(fake: FakeAdapter, part: Part, layer: int, module: str, suffix: str) -> tuple[tuple[int, ...], str]:
    a, b = fake.factors[layer, module]
    key = f"{part.package.digest}.{layer}.{module}"
    shapes = {"A": a.shape, "B": b.shape, "": (len(b), a.shape[1])}
    return shapes[suffix], f"{key}.{suffix}" if suffix else key


@pytest.mark.parametrize("name", CASES)
def test_the_exact_sum_is_cat(tmp_path: Path, name: str) -> None:
    parts = write_parts(tmp_path, CASES[name])
    assert_equal(merge_with_ours(parts, tmp_path / "out", Merge()), merge_with_peft(parts, "cat"))


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("rank", [1, 3, 8])
def test_the_sum_at_a_rank_is_svd(tmp_path: Path, name: str, rank: int) -> None:
    parts = write_parts(tmp_path, CASES[name])
    ours = merge_with_ours(parts, tmp_path / "out", Merge(rank=rank))
    assert_equal(ours, merge_with_peft(parts, "svd", svd_rank=rank))


@pytest.mark.parametrize("name", [name for name in CASES if name not in SEVERAL])
@pytest.mark.parametrize("kind", ["svd", *PEFT_TYPES.values()])
def test_one_adapter_is_itself_whatever_the_method(tmp_path: Path, name: str, kind: str) -> None:
    """PEFT takes every method for `linear` then."""
    parts = write_parts(tmp_path, CASES[name])
    method, space = {peft: each for each, peft in PEFT_TYPES.items()}.get(kind, (MergeMethod.SUM, MergeSpace.CORE))
    ours = merge_with_ours(parts, tmp_path / "out", Merge(method=method, space=space))
    assert_equal(ours, merge_with_peft(parts, kind, density=0.5))


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("kind", FACTORS + DELTAS, ids=PEFT_TYPES.get)
@pytest.mark.parametrize(("density", "sign"), [(0.5, "total"), (0.2, "frequency")])
def test_methods_are_pefts(
    tmp_path: Path, name: str, kind: tuple[MergeMethod, MergeSpace], density: float, sign: Any, seeded_masks: Any
) -> None:
    case = CASES[name]
    method, space = kind
    rank = 7 if space is MergeSpace.DELTA else None
    merge = Merge(method=method, space=space, density=density, sign=sign, seed=5, rank=rank)
    parts = write_parts(tmp_path, case)
    if space is MergeSpace.FACTORS and not case.is_even:
        with pytest.raises(MergeRanksDiffer):
            merge_with_ours(parts, tmp_path / "out", merge)
        assert not (tmp_path / "out").exists()
        return
    ours = merge_with_ours(parts, tmp_path / "out", merge)
    seeded_masks(parts, merge)
    options: dict[str, Any] = {"density": density, "majority_sign_method": sign}
    assert_equal(ours, merge_with_peft(parts, PEFT_TYPES[kind], svd_rank=rank, **options))
