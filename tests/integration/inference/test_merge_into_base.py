"""A composition merged into its base model: a checkpoint that answers as the base with the adapter does."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from inference.adapters.compose import compose
from inference.adapters.dtypes import Dtype
from inference.adapters.errors import DiskFull, WeightsOverflow
from inference.adapters.into_base import BaseNotMergeable, DestinationOccupied, merge_into_base
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.base_model import MODULE_PATHS, BaseModelSpec
from inference.model_files import ModelUnusable
from tests.fakes.adapters import rounded, write_adapter, write_tensors
from tests.fixtures.tiny_base import write_tiny_base

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

TOKENS = torch.tensor([[3, 14, 15, 92, 65, 35, 89, 79]])
MODULES = ("q_proj", "v_proj", "o_proj", "down_proj")


def spec_of(folder: Path) -> BaseModelSpec:
    return BaseModelSpec.from_config(folder / "config.json", "tiny")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def package(base: Path, tmp_path_factory: pytest.TempPathFactory) -> AdapterPackage:
    """Two adapters, one of them taken away."""
    folder = tmp_path_factory.mktemp("composition")
    spec = spec_of(base)
    fakes = [write_adapter(folder / str(seed), spec, seed=seed, modules=MODULES, size=0.2) for seed in (1, 2)]
    parts = [Part(AdapterPackage.open(fake.folder), weight) for fake, weight in zip(fakes, (1.3, -0.45), strict=True)]
    compose(parts, spec, folder / "sum")
    return AdapterPackage.open(folder / "sum")


@torch.inference_mode()
def logits(model: torch.nn.Module) -> torch.Tensor:
    return model.eval()(TOKENS).logits[0]


def load(folder: Path, dtype: torch.dtype) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)


@pytest.mark.parametrize("shard", ["1GB", "60KB"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_logits_are_those_of_the_composition(
    base: Path, package: AdapterPackage, tmp_path: Path, dtype: torch.dtype, shard: str
) -> None:
    sharded = tmp_path / "base"
    load(base, dtype).save_pretrained(sharded, max_shard_size=shard)
    shutil.copy(base / "tokenizer.json", sharded)
    merged = merge_into_base(package, spec_of(base), sharded, tmp_path / "merged")
    files = sorted(path.name for path in sharded.glob("*.safetensors"))
    assert sorted(path.name for path in (tmp_path / "merged").glob("*.safetensors")) == files
    assert merged.shards == len(files) >= (4 if shard == "60KB" else 1)
    assert (tmp_path / "merged" / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    assert not list(tmp_path.glob(".*"))

    reference = load(sharded, torch.float32)
    bare = logits(reference)
    # In float32 on both sides, so that only the rounding of the written weights is between them.
    with_adapter = logits(PeftModel.from_pretrained(reference, package.folder))
    own = logits(load(tmp_path / "merged", torch.float32))
    step = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}[dtype]
    assert (with_adapter - bare).abs().max() > 20 * step
    torch.testing.assert_close(own, with_adapter, rtol=0, atol=step)


@pytest.mark.parametrize("dtype", list(Dtype))
def test_every_weight_is_the_sum_rounded_once_and_the_others_are_untouched(
    base: Path, package: AdapterPackage, tmp_path: Path, dtype: Dtype
) -> None:
    formats = {Dtype.F32: torch.float32, Dtype.BF16: torch.bfloat16, Dtype.F16: torch.float16}
    load(base, formats[dtype]).save_pretrained(tmp_path / "base")
    merge_into_base(package, spec_of(base), tmp_path / "base", tmp_path / "merged")
    before, after = (dict(load(tmp_path / name, formats[dtype]).named_parameters()) for name in ("base", "merged"))
    changed = {
        f"model.layers.{layer}.{MODULE_PATHS[module]}.weight": pair
        for layer, pairs in package.layers.items()
        for module, pair in pairs.items()
    }
    with package.file.reader() as reader:
        for name, weight in before.items():
            if name not in changed:
                assert torch.equal(weight, after[name]), name
                continue
            a, b = (reader.read_tensor(tensor) for tensor in (changed[name].a, changed[name].b))
            want = rounded(weight.detach().float().numpy() + b @ a, dtype)
            found = after[name].detach().float().numpy()
            # The order of a sum may turn its last bit, and with it the rounding of a number in the middle.
            apart = np.abs(found - want) > 1e-6
            assert apart.mean() < (0.001 if dtype is not Dtype.F32 else 1e-9)


def test_memory_is_some_rows_of_one_weight_and_not_a_shard(tmp_path: Path) -> None:
    """A shard of 48 MB is merged with less than 12 MB, told by tracemalloc, which sees numpy's arrays and buffers."""
    spec = BaseModelSpec("wide", 1, {"o_proj": (2048, 2048), "down_proj": (4096, 2048)}, "model.layers", 128)
    write_adapter(tmp_path / "adapter", spec, modules=["o_proj", "down_proj"], rank=8, dtype=Dtype.F32)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    weights = {
        f"model.layers.0.{MODULE_PATHS[module]}.weight": (np.ones((outputs, inputs), np.float32), Dtype.F32)
        for module, (inputs, outputs) in spec.modules.items()
    }
    write_tensors(tmp_path / "base" / "model.safetensors", weights)
    del weights
    package = AdapterPackage.open(tmp_path / "adapter")
    tracemalloc.start()
    try:
        merged = merge_into_base(package, spec, tmp_path / "base", tmp_path / "merged")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert merged.size > 48e6
    assert peak < 12e6


def test_what_cannot_be_merged_into_is_refused_and_leaves_nothing(
    base: Path, package: AdapterPackage, tmp_path: Path
) -> None:
    spec, out = spec_of(base), tmp_path / "out"

    def changed(name: str, **config: Any) -> Path:
        folder = shutil.copytree(base, tmp_path / name)
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(settings | config))
        return folder

    with pytest.raises(BaseNotMergeable, match="it is quantized"):
        merge_into_base(package, spec, changed("quantized", quantization_config={"bits": 4}), out)
    missing = changed("missing")
    write_tensors(missing / "model.safetensors", {"model.norm.weight": (np.ones((1, 4), np.float32), Dtype.F32)})
    with pytest.raises(BaseNotMergeable, match=r"it has no “model\.layers\.0"):
        merge_into_base(package, spec, missing, out)
    broken = changed("broken")
    (broken / "model.safetensors").write_bytes((base / "model.safetensors").read_bytes()[:-7])
    with pytest.raises(ModelUnusable):
        merge_into_base(package, spec, broken, out)
    other = write_tiny_base(tmp_path / "other", hidden_size=32)
    with pytest.raises(BaseNotMergeable, match="has the shape"):
        merge_into_base(package, spec, other, out)
    assert not out.exists()
    out.mkdir()
    with pytest.raises(DestinationOccupied):
        merge_into_base(package, spec, base, out)
    assert not list(out.iterdir())


def test_weights_beyond_the_format_of_the_base_are_refused(base: Path, tmp_path: Path) -> None:
    load(base, torch.float16).save_pretrained(tmp_path / "base")
    write_adapter(tmp_path / "huge", spec_of(base), modules=["q_proj"], size=150.0, dtype=Dtype.F32)
    with pytest.raises(WeightsOverflow):
        merge_into_base(AdapterPackage.open(tmp_path / "huge"), spec_of(base), tmp_path / "base", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(
    base: Path, package: AdapterPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inference.adapters.into_base.write_at", full)
    with pytest.raises(DiskFull):
        merge_into_base(package, spec_of(base), base, tmp_path / "out")
    assert not list(tmp_path.iterdir())
