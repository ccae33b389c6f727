"""Settings of `adapter_config.json`: what every PEFT writes is known, what nobody knows is named."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapters.config import AdapterConfig
from inference.adapters.config_fields import INERT, PLAIN_VALUES
from inference.adapters.errors import AdapterUnsupported, SettingUnknown

PLAIN = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
KNOWN = INERT | PLAIN_VALUES.keys() | AdapterConfig.model_fields.keys()

not_null = st.one_of(st.booleans(), st.integers(), st.text(max_size=9), st.lists(st.integers(), max_size=2))


def read(folder: Path, settings: dict[str, Any]) -> AdapterConfig:
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return AdapterConfig.load(folder)


@given(name=st.from_regex(r"[a-z_]{1,40}", fullmatch=True).filter(lambda name: name not in KNOWN), value=not_null)
def test_an_unknown_setting_is_always_named(name: str, value: Any) -> None:
    config = AdapterConfig.model_validate(PLAIN | {name: value})
    with pytest.raises(SettingUnknown, match=f"“{name}”"):
        config.check(Path("folder"))


@given(names=st.sets(st.from_regex(r"new_[a-z]{1,9}", fullmatch=True), min_size=2, max_size=12))
def test_all_unknown_settings_are_named_together(names: set[str]) -> None:
    config = AdapterConfig.model_validate(PLAIN | dict.fromkeys(names, 1))
    with pytest.raises(SettingUnknown) as refused:
        config.check(Path("folder"))
    assert all(f"“{name}”" in str(refused.value) for name in names)


def test_a_setting_that_is_null_is_not_set(tmp_path: Path) -> None:
    read(tmp_path, PLAIN | {"setting_of_next_year": None})


def test_every_setting_of_the_installed_peft_is_known(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    assert {field.name for field in fields(peft.LoraConfig)} <= KNOWN
    peft.LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"]).save_pretrained(tmp_path)
    AdapterConfig.load(tmp_path)


def test_an_initialisation_that_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(AdapterUnsupported, match="not known here \\(spectral\\)"):
        read(tmp_path, PLAIN | {"init_lora_weights": "spectral"})


@pytest.mark.parametrize("init", [True, False, "gaussian", "eva", "orthogonal", "mica", None])
def test_initialisations_that_leave_the_base_alone_are_taken(tmp_path: Path, init: object) -> None:
    read(tmp_path, PLAIN | {"init_lora_weights": init})


def test_a_pattern_for_every_module_is_taken(tmp_path: Path) -> None:
    """As EVA writes them, and with a choice of modules for each layer."""
    paths = {f"model.layers.{layer}.self_attn.q_proj": 4 for layer in range(126)}
    choices = {rf"model\.layers\.{layer}\..*\.(gate|up|down)_proj": 4 for layer in range(126)}
    config = read(tmp_path, PLAIN | {"rank_pattern": paths | choices, "alpha_pattern": choices})
    assert config.rank_of("model.layers.7.self_attn.q_proj") == 4
    assert config.rank_of("model.layers.7.mlp.up_proj") == 4
    assert config.rank_of("model.layers.7.self_attn.k_proj") == 8


def test_the_tables_do_not_overlap() -> None:
    assert not INERT & PLAIN_VALUES.keys()
    assert not AdapterConfig.model_fields.keys() & (INERT | PLAIN_VALUES.keys())
