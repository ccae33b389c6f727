"""What names of modules stand for, by the family of the base model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.base_model import BaseModelSpec
from inference.training.modules import ModuleUnknown, choose_modules

NUMBERS: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
QKVO = ("q_proj", "k_proj", "v_proj", "o_proj")


def base(folder: Path, model_type: str) -> BaseModelSpec:
    (folder / "config.json").write_text(json.dumps(NUMBERS | {"model_type": model_type}))
    return BaseModelSpec.from_config(folder / "config.json", "tiny")


@pytest.mark.parametrize(
    ("model_type", "choice", "expected"),
    [
        ("llama", ["attention"], QKVO),
        ("llama", ["all-linear"], (*QKVO, "gate_proj", "up_proj", "down_proj")),
        ("llama", ["v_proj", "q_proj", "v_proj"], ("q_proj", "v_proj")),
        ("llama", ["attention", "down_proj"], (*QKVO, "down_proj")),
        ("qwen3_moe", ["all-linear"], QKVO),
        ("phi3", ["attention"], ("qkv_proj", "o_proj")),
        ("phi3", ["all-linear"], ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")),
        ("lfm2", ["attention"], ("q_proj", "k_proj", "v_proj", "self_attn.out_proj")),
    ],
)
def test_choices(tmp_path: Path, model_type: str, choice: list[str], expected: tuple[str, ...]) -> None:
    assert choose_modules(choice, base(tmp_path, model_type)) == expected


def test_linear_attention_is_attention(tmp_path: Path) -> None:
    chosen = choose_modules(["attention"], base(tmp_path, "qwen3_next"))
    assert {"q_proj", "in_proj_qkvz", "linear_attn.out_proj"} < set(chosen)


@pytest.mark.parametrize(("model_type", "name"), [("llama", "qproj"), ("qwen3_moe", "gate_proj"), ("llama", "lm_head")])
def test_what_is_not_there_is_refused_with_what_is(tmp_path: Path, model_type: str, name: str) -> None:
    with pytest.raises(ModuleUnknown, match=rf"“{name}”.*names of these: q_proj, k_proj, v_proj, o_proj"):
        choose_modules([name], base(tmp_path, model_type))
