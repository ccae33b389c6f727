"""The modules known of each type of base model are the linear layers that transformers' model of it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

from inference.base_families import FAMILIES, MODULE_PATHS, WRAPPERS
from inference.base_model import BaseModelSpec

TINY: dict[str, Any] = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 64,
    "pad_token_id": 0,
    "max_position_embeddings": 128,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 16,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "shared_expert_intermediate_size": 24,
}
OF_ITS_TYPE: dict[str, dict[str, Any]] = {
    "phi3": {"pad_token_id": 0, "head_dim": 12},
    "lfm2": {"layer_types": ["conv", "conv", "full_attention", "conv", "full_attention"], "block_multiple_of": 32},
}
NO_HEAD_DIM = {"cohere", "exaone4", "granite", "lfm2", "olmo", "olmo2", "olmo3", "olmoe", "phi3", "qwen2", "smollm3"}
NO_HEAD_DIM |= {"apertus", "qwen2_moe", "qwen3_moe", "starcoder2"}
EXPERTS = ("expert", "router", "gate", "c_fc", "c_proj")
"""What is in the layers and is no adaptable module."""


def tiny_config(model_type: str) -> Any:
    settings = TINY | OF_ITS_TYPE.get(model_type, {})
    if model_type in NO_HEAD_DIM:
        settings = {key: value for key, value in settings.items() if key != "head_dim"}
    return AutoConfig.for_model(model_type, **settings)


def linear_shapes(model: torch.nn.Module, prefix: str) -> dict[str, tuple[int, int]]:
    return {
        path.removeprefix(f"{prefix}."): (module.in_features, module.out_features)
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and path.startswith(f"{prefix}.")
    }


def known_shapes(base: BaseModelSpec) -> dict[str, tuple[int, int]]:
    return {
        f"{layer}.{MODULE_PATHS[module]}": shape
        for layer in range(base.layers)
        for module, shape in base.modules.items()
        if base.has_module(layer, module)
    }


def check(config: Any, folder: Path, factory: Any) -> BaseModelSpec:
    (folder / "config.json").write_text(json.dumps(config.to_dict(), default=str))
    base = BaseModelSpec.from_config(folder / "config.json", "tiny")
    with torch.device("meta"):
        model = factory.from_config(config)
    there = linear_shapes(model, base.prefix)
    known = known_shapes(base)
    assert known, "it has adaptable modules"
    assert known == {path: shape for path, shape in there.items() if path in known}
    assert all(any(word in path for word in EXPERTS) or ".mlp." in path for path in there.keys() - known.keys())
    if FAMILIES.get(config.model_type, FAMILIES["llama"]).mlp != "none":
        assert there == known, "nothing of a dense model is left out"
    return base


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_modules_are_those_of_the_model(model_type: str, tmp_path: Path) -> None:
    base = check(tiny_config(model_type), tmp_path, AutoModelForCausalLM)
    assert base.layers == 5
    assert base.context_length == 128


# A Ministral's own default for head_dim is null, with which transformers builds no model.
@pytest.mark.parametrize("model_type", sorted(FAMILIES.keys() - {"ministral"}))
def test_what_a_configuration_leaves_out_is_what_transformers_takes(model_type: str, tmp_path: Path) -> None:
    """As a config.json that holds only what differs from the defaults of its class."""
    config = AutoConfig.for_model(model_type, num_hidden_layers=5, vocab_size=64, pad_token_id=0)
    left = {key: value for key, value in config.to_dict().items() if key not in ("head_dim", "layer_types")}
    if config.num_key_value_heads == config.num_attention_heads:
        left.pop("num_key_value_heads")
    (tmp_path / "config.json").write_text(json.dumps(left, default=str))
    without = BaseModelSpec.from_config(tmp_path / "config.json", "tiny")
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict(), default=str))
    assert without == BaseModelSpec.from_config(tmp_path / "config.json", "tiny")
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    there = linear_shapes(model, without.prefix)
    assert known_shapes(without).items() <= there.items()


TEXT_TYPES = {"gemma3": "gemma3_text", "mistral3": "mistral", "qwen3_5": "qwen3_5_text"}


@pytest.mark.parametrize("model_type", sorted(WRAPPERS))
def test_the_language_model_inside_is_found(model_type: str, tmp_path: Path) -> None:
    text = tiny_config(TEXT_TYPES[model_type]).to_dict()
    config = AutoConfig.for_model(model_type, text_config=text)
    factory = AutoModelForImageTextToText if model_type == "mistral3" else AutoModelForCausalLM
    check(config, tmp_path, factory)


def test_modules_stand_in_the_order_of_their_paths() -> None:
    assert list(MODULE_PATHS.values()) == sorted(MODULE_PATHS.values())
    assert all(path.endswith(name) for name, path in MODULE_PATHS.items())


def test_layers_of_a_hybrid_have_attention_or_what_stands_for_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(tiny_config("qwen3_5_text").to_dict(), default=str))
    base = BaseModelSpec.from_config(tmp_path / "config.json", "tiny")
    assert [base.has_module(layer, "q_proj") for layer in range(5)] == [False, False, False, True, False]
    assert [base.has_module(layer, "in_proj_qkv") for layer in range(5)] == [True, True, True, False, True]
    assert base.modules["q_proj"] == (48, 128)
