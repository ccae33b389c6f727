"""The checkpoint made from the bundled weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from safetensors import safe_open

from inference.checkpoint import BUNDLED_BASE_MODEL, PreparationStep, resolve_base_model

if TYPE_CHECKING:
    from pathlib import Path


def test_answers_end_where_the_chat_template_ends_them(base_model_dir: Path) -> None:
    settings = json.loads((base_model_dir / "generation_config.json").read_text())
    tokenizer = json.loads((base_model_dir / "tokenizer_config.json").read_text())
    assert settings["eos_token_id"] == settings["pad_token_id"] == 2
    assert tokenizer["eos_token"] == tokenizer["pad_token"] == "<|im_end|>"


def test_weights_are_whole_numbers_of_sixteen_bits(base_model_dir: Path) -> None:
    with safe_open(base_model_dir / "model.safetensors", framework="np") as weights:
        kinds = {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118 - no mapping
    assert kinds == {"BF16"}


def test_what_is_made_is_found_again(base_model_dir: Path) -> None:
    waited: list[PreparationStep] = []
    assert resolve_base_model(BUNDLED_BASE_MODEL, base_model_dir.parent, on_slow_step=waited.append) == base_model_dir
    assert waited == []
