"""Weights that are written well and are not what they should be: numbers, names, ranks, widths."""

from __future__ import annotations

import numpy as np

from inference.adapters.dtypes import Dtype
from inference.base_model import MODULE_PATHS
from tests.fakes.adapters import tensor_name
from tests.fakes.hostile.draft import Bar, Draft, Family

FAMILY = Family("tensors")

STRAYS = (
    "base_model.model.model.embed_tokens.lora_embedding_A",
    "base_model.model.model.embed_tokens.weight",
    "base_model.model.lm_head.lora_A.weight",
    "base_model.model.lm_head.weight",
    "base_model.model.unembed_tokens.lora_A.weight",
    "base_model.model.model.norm.weight",
    "base_model.model.input_embeddings.weight",
    "base_model.model.model.layers.0.mlp.experts.3.up_proj.lora_A.weight",
    "base_model.model.model.layers.0.mlp.experts.w1.lora_A.weight",
    "base_model.model.model.layers.0.mlp.gate.lora_A.weight",
    "base_model.model.model.layers.0.self_attn.qkv_proj.lora_A.weight",
    "base_model.model.model.layers.0.mlp.gate_up_proj.lora_A.weight",
    "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector",
    "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
    "base_model.model.model.layers.0.self_attn.q_proj.lora_A.bias",
    "base_model.model.model.layers.0.self_attn.q_proj.bias",
    "base_model.model.model.layers.0.self_attn.q_proj.lora_C.weight",
    "base_model.model.model.layers.00.self_attn.q_proj.lora_A.weight",
    "base_model.model.model.layers.٠.self_attn.q_proj.lora_A.weight",
    "base_model.model.model.layers.-1.self_attn.q_proj.lora_A.weight",
    "base_model.model.model.layers.99999999999999999999.self_attn.q_proj.lora_A.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "vision_tower.layers.0.q_proj.lora_A.weight",
    "../../../etc/passwd",
    "",
    " ",
    "\x1b[2J\x1b]0;owned\x07",
    "name\nWARNING: all is well",
    "\u202egnp.exe",
    "x" * 200_000,
    "\ud800",
    "a.b." * 20_000 + "layers.0.self_attn.q_proj.lora_A.weight",
    "base_model.model." + "a." * 50_000 + "layers.0.self_attn.q_proj.lora_A.weight",
    "base_model.model." + "a" * 100_000 + ".layers.0.self_attn.q_proj.lora_A.weight",
)


@FAMILY.mutation(Bar.SOUND)
def a_number_is_none(draft: Draft) -> None:
    name = draft.pick()
    dtype = draft.chance.choice(list(Dtype))
    values = draft.tensors[name][0].copy()
    value = draft.chance.choice((np.nan, np.inf, -np.inf))
    # The fake rounds to bfloat16 without regard to NaN.
    values.flat[draft.chance.randrange(values.size)] = np.inf if dtype is Dtype.BF16 and np.isnan(value) else value
    draft.tensors[name] = values, dtype


@FAMILY.mutation(Bar.SOUND)
def all_bits_of_a_tensor_set(draft: Draft) -> None:
    """All ones are NaN in every format."""
    last = list(draft.tensors)[-1]
    size = draft.tensors[last][0].size * draft.tensors[last][1].size
    draft.raw_edits.append(lambda raw: raw[:-size] + b"\xff" * size)


@FAMILY.mutation(Bar.SOUND)
def a_stray_tensor(draft: Draft) -> None:
    draft.tensors[draft.chance.choice(STRAYS)] = np.ones((draft.rank, 24), np.float32), draft.dtype


@FAMILY.mutation(Bar.SOUND)
def a_tensor_renamed(draft: Draft) -> None:
    name = draft.pick()
    draft.tensors[draft.chance.choice(STRAYS)] = draft.tensors.pop(name)


@FAMILY.mutation(Bar.SOUND)
def one_tensor_of_another_model(draft: Draft) -> None:
    name = draft.pick()
    prefix = draft.chance.choice(("model.language_model.layers", "transformer.layers", "layers", "Model.layers"))
    draft.tensors[name.replace("model.layers", prefix, 1)] = draft.tensors.pop(name)


@FAMILY.mutation(Bar.SOUND)
def all_tensors_of_another_model(draft: Draft) -> None:
    prefix = draft.chance.choice(("model.language_model.layers", "decoder.layers", "layers", "model.layers.layers"))
    draft.tensors = {name.replace("model.model.layers", f"model.{prefix}"): it for name, it in draft.tensors.items()}


@FAMILY.mutation(Bar.SOUND)
def a_factor_is_missing(draft: Draft) -> None:
    del draft.tensors[draft.pick()]


@FAMILY.mutation(Bar.SOUND)
def a_factor_is_turned(draft: Draft) -> None:
    name = draft.pick()
    values, dtype = draft.tensors[name]
    draft.tensors[name] = np.ascontiguousarray(values.T), dtype


@FAMILY.mutation(Bar.SOUND)
def factors_of_unequal_rank(draft: Draft) -> None:
    name = draft.pick("A")
    values, dtype = draft.tensors[name]
    draft.tensors[name] = np.vstack([values, values[:1]]), dtype


@FAMILY.mutation(Bar.SOUND)
def a_module_of_another_rank(draft: Draft) -> None:
    draft.put(draft.chance.choice(draft.layers), draft.chance.choice(draft.modules), draft.rank + 3)


@FAMILY.mutation(Bar.SAFE)
def a_module_of_another_rank_by_a_pattern(draft: Draft) -> None:
    module = draft.chance.choice(draft.modules)
    for layer in draft.layers:
        draft.put(layer, module, draft.rank + 3)
    draft.settings["rank_pattern"] = {module: draft.rank + 3}


@FAMILY.mutation(Bar.SOUND)
def a_rank_of_zero(draft: Draft) -> None:
    name = draft.pick("A")
    draft.tensors[name] = np.zeros((0, 24), np.float32), draft.dtype


@FAMILY.mutation(Bar.SOUND)
def a_rank_beyond_all_bounds(draft: Draft) -> None:
    rank = draft.chance.choice((4097, 5000))
    module = min(draft.modules, key=lambda it: sum(draft.base.modules[it]))
    draft.tensors.clear()
    draft.put(draft.layers[0], module, rank)
    draft.settings |= {"r": rank, "lora_alpha": rank, "target_modules": [module]}


@FAMILY.mutation(Bar.SOUND)
def a_layer_the_base_does_not_have(draft: Draft) -> None:
    layer = draft.base.layers + draft.chance.choice((0, 1, 7, 900))
    for module in draft.modules:
        draft.put(layer, module)
    draft.layers.append(layer)
    draft.settle()


@FAMILY.mutation(Bar.SOUND)
def widths_of_another_base(draft: Draft) -> None:
    module, factor = draft.chance.choice(draft.modules), draft.chance.choice("AB")
    by = draft.chance.choice((-1, 1, 8))
    for layer in draft.layers:
        name = tensor_name(layer, module, factor)
        values, dtype = draft.tensors[name]
        shape = (draft.rank, values.shape[1] + by) if factor == "A" else (values.shape[0] + by, draft.rank)
        draft.tensors[name] = np.ones(shape, np.float32), dtype


@FAMILY.mutation(Bar.SOUND)
def a_module_in_the_wrong_place(draft: Draft) -> None:
    layer, module = draft.chance.choice(draft.layers), draft.chance.choice(draft.modules)
    place, _, leaf = MODULE_PATHS[module].partition(".")
    other = "mlp" if place == "self_attn" else "self_attn"
    for factor in "AB":
        name = tensor_name(layer, module, factor)
        draft.tensors[name.replace(f"{place}.{leaf}", f"{other}.{leaf}")] = draft.tensors.pop(name)


def _partial(draft: Draft, together: tuple[str, ...], layers: list[int]) -> None:
    left = draft.chance.sample(together, draft.chance.randint(1, len(together) - 1))
    for layer in layers:
        for module in together:
            if module in left and module not in draft.modules:
                draft.put(layer, module)
            if module not in left and module in draft.modules:
                draft.drop(layer, module)
    draft.modules = sorted({*draft.modules, *left})
    draft.settle()


@FAMILY.mutation(Bar.SAFE)
def query_key_and_value_in_part(draft: Draft) -> None:
    _partial(draft, ("q_proj", "k_proj", "v_proj"), draft.layers)


@FAMILY.mutation(Bar.SAFE)
def query_key_and_value_in_part_in_one_layer(draft: Draft) -> None:
    _partial(draft, ("q_proj", "k_proj", "v_proj"), [draft.chance.choice(draft.layers)])


@FAMILY.mutation(Bar.SAFE)
def gate_and_up_in_part(draft: Draft) -> None:
    together = ("gate_proj", "up_proj") if "gate_proj" in draft.base.modules else ("q_proj", "k_proj", "v_proj")
    _partial(draft, together, draft.layers)


@FAMILY.mutation(Bar.SAFE)
def numbers_that_overflow(draft: Draft) -> None:
    name = draft.pick()
    values = draft.tensors[name][0].copy()
    values.flat[draft.chance.randrange(values.size)] = draft.chance.choice((1e6, -1e10, 1e30, 3e38))
    draft.tensors[name] = values, Dtype.F32
