"""Adapters with random weights, written by the reference serializer of safetensors rather than by our own code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import TensorSpec, deserialize, serialize_file

from inference.adapters.dtypes import Array, Dtype
from inference.base_model import MODULE_PATHS, BaseModelSpec

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")

TINY = BaseModelSpec(
    name="tiny",
    layers=12,
    modules={
        "q_proj": (24, 32),
        "k_proj": (24, 8),
        "v_proj": (24, 8),
        "o_proj": (32, 24),
        "gate_proj": (24, 40),
        "up_proj": (24, 40),
        "down_proj": (40, 24),
    },
    prefix="model.layers",
    context_length=128,
)
"""A base model small enough to look at its deltas dense; twelve layers, so that 10 sorts before 2."""

SMOLLM2 = BaseModelSpec(
    name="SmolLM2-135M-Instruct",
    layers=30,
    modules={
        "q_proj": (576, 576),
        "k_proj": (576, 192),
        "v_proj": (576, 192),
        "o_proj": (576, 576),
        "gate_proj": (576, 1536),
        "up_proj": (576, 1536),
        "down_proj": (1536, 576),
    },
    prefix="model.layers",
    context_length=8192,
)

QWEN3_30B_A3B = BaseModelSpec(
    name="Qwen3-30B-A3B",
    layers=48,
    modules={"q_proj": (2048, 4096), "k_proj": (2048, 512), "v_proj": (2048, 512), "o_proj": (4096, 2048)},
    prefix="model.layers",
    context_length=40960,
)

_FORMATS = {Dtype.F32: "float32", Dtype.F16: "float16", Dtype.BF16: "bfloat16"}


@dataclass
class FakeAdapter:
    """What was written, kept to compare with."""

    folder: Path
    factors: dict[tuple[int, str], tuple[Array, Array]] = field(default_factory=dict)
    """A and B as float32, by layer and module."""
    scales: dict[tuple[int, str], float] = field(default_factory=dict)

    def delta(self, layer: int, module: str) -> Array | float:
        """The dense delta, or 0 where the adapter has none."""
        if (layer, module) not in self.factors:
            return 0.0
        a, b = self.factors[layer, module]
        return self.scales[layer, module] * (b.astype(np.float64) @ a.astype(np.float64))


def from_float32(values: Array, dtype: Dtype) -> Array:
    """float32 numbers, none of them a NaN, rounded to `dtype`, half to even."""
    if dtype is not Dtype.BF16:
        return values.astype(dtype.storage)
    bits = values.view(np.uint32)
    # Just under half of the last kept bit, plus that bit itself, carries exactly when rounding half to even does.
    return ((bits + ((bits >> 16) & 1) + 0x7FFF) >> 16).astype(np.uint16)


def rounded(values: Array, dtype: Dtype) -> Array:
    """What is left of float32 numbers when they are kept in `dtype`, as float32."""
    kept = from_float32(values, dtype)
    return (kept.astype(np.uint32) << 16).view(np.float32) if dtype is Dtype.BF16 else kept.astype(np.float32)


def tensor_name(layer: int, module: str, factor: str) -> str:
    return f"base_model.model.model.layers.{layer}.{MODULE_PATHS[module]}.lora_{factor}.weight"


def write_tensors(path: Path, tensors: Mapping[str, tuple[Array, Dtype]]) -> None:
    """Write float32 arrays in the given formats."""
    kept = {
        name: (np.ascontiguousarray(from_float32(values, dtype)), dtype) for name, (values, dtype) in tensors.items()
    }
    specs = {
        name: TensorSpec(
            dtype=_FORMATS[dtype], shape=list(values.shape), data_ptr=values.ctypes.data, data_len=values.nbytes
        )
        for name, (values, dtype) in kept.items()
    }
    serialize_file(specs, str(path), {"format": "pt"})


def read_tensors(path: Path) -> dict[str, Array]:
    """Read a file with the reference implementation, into float32."""
    tensors = {}
    for name, entry in deserialize(path.read_bytes()):
        dtype = Dtype(entry["dtype"])
        values = np.frombuffer(entry["data"], dtype.storage)
        wide = (values.astype(np.uint32) << 16).view(np.float32) if dtype is Dtype.BF16 else values.astype(np.float32)
        tensors[name] = wide.reshape(entry["shape"])
    return tensors


def write_config(folder: Path, **settings: Any) -> None:
    plain = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": None, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(plain | settings, indent=2))


def write_adapter(
    folder: Path,
    base: BaseModelSpec = TINY,
    *,
    seed: int = 0,
    rank: int = 4,
    alpha: float = 8,
    modules: Iterable[str] = ATTENTION,
    layers: Iterable[int] | None = None,
    dtype: Dtype = Dtype.BF16,
    b_dtype: Dtype | None = None,
    use_rslora: bool = False,
    ranks: Mapping[str, int] | None = None,
    alphas: Mapping[str, float] | None = None,
    size: float = 0.05,
    **settings: Any,
) -> FakeAdapter:
    """Write an adapter with random weights into `folder`.

    Args:
        layers: those adapted; all when None.
        b_dtype: format of B when it is not that of A.
        ranks, alphas: by module, written as `rank_pattern` and `alpha_pattern`.
        size: standard deviation of the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    modules, ranks, alphas = list(modules), dict(ranks or {}), dict(alphas or {})
    made = FakeAdapter(folder)
    tensors: dict[str, tuple[Array, Dtype]] = {}
    for layer in range(base.layers) if layers is None else layers:
        for module in modules:
            inputs, outputs = base.modules[module]
            r, scale = ranks.get(module, rank), alphas.get(module, alpha)
            pair = []
            for factor, shape, kind in (("A", (r, inputs), dtype), ("B", (outputs, r), b_dtype or dtype)):
                values = (size * random.standard_normal(shape)).astype(np.float32)
                tensors[tensor_name(layer, module, factor)] = values, kind
                pair.append(rounded(values, kind))
            made.factors[layer, module] = pair[0], pair[1]
            made.scales[layer, module] = scale / (r**0.5 if use_rslora else r)
    write_tensors(folder / "adapter_model.safetensors", tensors)
    write_config(
        folder,
        r=rank,
        lora_alpha=alpha,
        target_modules=modules,
        use_rslora=use_rslora,
        rank_pattern=ranks,
        alpha_pattern=alphas,
        **settings,
    )
    return made
