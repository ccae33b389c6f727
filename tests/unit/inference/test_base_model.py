"""The base model's shape, read from configurations as transformers writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.base_model import BaseConfigInvalid, BaseModelSpec, BaseNotAdaptable

LLAMA = {
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "max_position_embeddings": 8192,
}

QWEN3_MOE = {
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "max_position_embeddings": 40960,
}


def read(folder: Path, config: Any, name: str = "base") -> BaseModelSpec:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return BaseModelSpec.from_config(folder / "config.json", name)


def test_a_dense_model_has_seven_modules(tmp_path: Path) -> None:
    base = read(tmp_path, LLAMA, "SmolLM2")
    assert base.name == "SmolLM2"
    assert base.layers == 30
    assert base.context_length == 8192
    assert base.prefix == "model.layers"
    assert base.modules == {
        "q_proj": (576, 576),
        "k_proj": (576, 192),
        "v_proj": (576, 192),
        "o_proj": (576, 576),
        "gate_proj": (576, 1536),
        "up_proj": (576, 1536),
        "down_proj": (1536, 576),
    }


def test_a_mixture_of_experts_is_adapted_in_its_attention_and_by_its_own_head_size(tmp_path: Path) -> None:
    base = read(tmp_path, QWEN3_MOE)
    assert base.modules == {
        "q_proj": (2048, 4096),
        "k_proj": (2048, 512),
        "v_proj": (2048, 512),
        "o_proj": (4096, 2048),
    }


def test_without_key_heads_there_are_as_many_as_query_heads(tmp_path: Path) -> None:
    config = {key: value for key, value in LLAMA.items() if key != "num_key_value_heads"}
    assert read(tmp_path, config).modules["k_proj"] == (576, 576)
    assert read(tmp_path, config | {"num_key_value_heads": None}).modules["k_proj"] == (576, 576)


def test_equal_configurations_make_equal_bases(tmp_path: Path) -> None:
    assert read(tmp_path, LLAMA) == read(tmp_path, LLAMA)
    assert hash(read(tmp_path, LLAMA)) == hash(read(tmp_path, LLAMA))
    assert read(tmp_path, LLAMA) != read(tmp_path, LLAMA | {"hidden_size": 1152})


@pytest.mark.parametrize(
    "key", ["model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"]
)
def test_what_is_missing_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(BaseConfigInvalid, match=f"“{key}” is missing"):
        read(tmp_path, {name: value for name, value in LLAMA.items() if name != key})


@pytest.mark.parametrize("value", [0, -1, 1.5, "576", True, [576]])
def test_what_is_no_size_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(BaseConfigInvalid, match="hidden_size"):
        read(tmp_path, LLAMA | {"hidden_size": value})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", "[" * 100_000])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BaseConfigInvalid):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BaseConfigInvalid, match="No such file"):
        BaseModelSpec.from_config(tmp_path / "config.json", "base")


@pytest.mark.parametrize("model_type", ["gpt2", "phimoe", "deepseek_v3", "bert"])
def test_models_with_other_modules_are_refused_with_those_that_work(tmp_path: Path, model_type: str) -> None:
    with pytest.raises(BaseNotAdaptable, match=r"llama.*qwen3_moe"):
        read(tmp_path, LLAMA | {"model_type": model_type})
