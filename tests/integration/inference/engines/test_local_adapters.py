"""Adapters in the local engine: one a request, few in memory, and none that can break it."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from inference.adapters.dtypes import Dtype
from inference.adapters.usage import AdapterRef
from inference.engines.errors import AdapterNotLoadable
from inference.engines.local import LocalEngine
from inference.engines.port import GenerationRequest, Message, Sampling, TextDelta
from tests.fakes.adapters import tensor_name, write_adapter, write_tensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from inference.base_model import BaseModelSpec

    Write = Callable[..., AdapterRef]

HELLO = (Message("user", "How do I rest?"),)


@pytest.fixture
def write(small_model: BaseModelSpec, tmp_path: Path) -> Write:
    def written(name: str, seed: int = 0, **settings: object) -> AdapterRef:
        settings = {"dtype": Dtype.F32, "size": 0.3} | settings
        write_adapter(tmp_path / name, small_model, seed=seed, **settings)  # type: ignore[arg-type]  # by name
        return AdapterRef(name, tmp_path / name)

    return written


async def test_each_request_has_its_own(small_engine: LocalEngine, write: Write) -> None:
    core, sport = write("core", 1), write("sport", 2)
    base = await small_engine.logits(HELLO)
    with_core = await small_engine.logits(HELLO, core)
    with_sport = await small_engine.logits(HELLO, sport)
    assert np.abs(with_core - base).max() > 1e-2
    assert np.abs(with_sport - with_core).max() > 1e-2
    assert np.array_equal(await small_engine.logits(HELLO, core), with_core)
    assert np.array_equal(await small_engine.logits(HELLO), base)


async def test_an_answer_is_the_adapters(small_engine: LocalEngine, write: Write) -> None:
    async def answer(adapter: AdapterRef | None) -> str:
        request = GenerationRequest(HELLO, adapter, Sampling(max_tokens=20, temperature=0))
        return "".join([e.text async for e in small_engine.generate(request) if isinstance(e, TextDelta)])

    core = write("core")
    plain = await answer(None)
    adapted = await answer(core)
    assert adapted != plain
    assert await answer(None) == plain
    assert await answer(core) == adapted


async def test_the_least_recently_used_leaves(small_engine: LocalEngine, write: Write) -> None:
    a, b, c = (write(name, seed) for seed, name in enumerate("abc"))
    first = await small_engine.logits(HELLO, a)
    await small_engine.logits(HELLO, b)
    await small_engine.logits(HELLO, a)
    await small_engine.logits(HELLO, c)
    assert await small_engine.loaded_adapters() == ("a", "c")
    await small_engine.logits(HELLO, b)
    assert await small_engine.loaded_adapters() == ("c", "b")
    assert np.array_equal(await small_engine.logits(HELLO, a), first)


async def test_what_leaves_leaves_memory(small_engine: LocalEngine, write: Write) -> None:
    def weights() -> int:
        gc.collect()
        return sum(isinstance(thing, torch.nn.Parameter) for thing in gc.get_objects())

    adapters = [write(f"adapter-{seed}", seed) for seed in range(6)]
    await small_engine.logits(HELLO, adapters[0])
    await small_engine.logits(HELLO, adapters[1])
    full = weights()
    for adapter in adapters:
        await small_engine.logits(HELLO, adapter)
    assert weights() == full


async def test_a_package_for_some_layers_only(small_engine: LocalEngine, write: Write) -> None:
    band = write("band", layers=[1, 2], layers_to_transform=[1, 2])
    other = write("other", seed=1)
    alone = await small_engine.logits(HELLO, band)
    await small_engine.logits(HELLO, other)
    assert np.array_equal(await small_engine.logits(HELLO, band), alone)


async def test_adapters_are_converted_to_what_the_engine_computes_in(
    small_model_dir: Path, small_engine: LocalEngine, write: Write
) -> None:
    adapter = write("half", dtype=Dtype.BF16, size=0.05)
    exact = await small_engine.logits(HELLO, adapter)
    async with LocalEngine(small_model_dir, dtype="bfloat16") as engine:
        rough = await engine.logits(HELLO, adapter)
    assert rough.dtype == np.float32
    assert 0 < np.abs(rough - exact).max() < 0.1


def _no_config(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


def _no_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()


def _cut_off(folder: Path) -> None:
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _not_json(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{")


def _set(**settings: object) -> Callable[[Path], None]:
    def setting(folder: Path) -> None:
        config = folder / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | settings))

    return setting


def _with(layer: int, module: str, factor: str, shape: tuple[int, int]) -> Callable[[Path], None]:
    def writing(folder: Path) -> None:
        tensors = {tensor_name(layer, module, factor): (np.ones(shape, np.float32), Dtype.F32)}
        write_tensors(folder / "adapter_model.safetensors", tensors)

    return writing


def _other_base(folder: Path) -> None:
    pair = {"A": (4, 32), "B": (32, 4)}
    write_tensors(
        folder / "adapter_model.safetensors",
        {tensor_name(0, "q_proj", f): (np.ones(shape, np.float32), Dtype.F32) for f, shape in pair.items()},
    )


def _other_depth(folder: Path) -> None:
    pair = {"A": (4, 64), "B": (64, 4)}
    write_tensors(
        folder / "adapter_model.safetensors",
        {tensor_name(9, "q_proj", f): (np.ones(shape, np.float32), Dtype.F32) for f, shape in pair.items()},
    )


@pytest.mark.parametrize(
    "spoil",
    [
        _no_config,
        _no_weights,
        _cut_off,
        _not_json,
        _set(peft_type="LOHA"),
        _set(r=5),
        _set(use_dora=True),
        _with(0, "q_proj", "A", (4, 64)),
        _other_base,
        _other_depth,
    ],
    ids=[
        "no-config", "no-weights", "cut-off", "not-json", "not-lora", "wrong-rank", "dora", "unpaired", "other-width",
        "other-depth",
    ],
)  # fmt: skip
async def test_a_broken_package_breaks_nothing_else(
    spoil: Callable[[Path], None], small_engine: LocalEngine, write: Write
) -> None:
    good, bad = write("good", 1), write("bad", 2)
    spoil(bad.path)
    base, adapted = await small_engine.logits(HELLO), await small_engine.logits(HELLO, good)
    with pytest.raises(AdapterNotLoadable, match="'bad'"):
        await small_engine.logits(HELLO, bad)
    with pytest.raises(AdapterNotLoadable, match="'bad'"):
        _ = [event async for event in small_engine.generate(GenerationRequest(HELLO, bad))]
    assert await small_engine.loaded_adapters() == ("good",)
    assert np.array_equal(await small_engine.logits(HELLO, good), adapted)
    assert np.array_equal(await small_engine.logits(HELLO), base)
