"""A composition answers as PEFT does with all its adapters active: the same logits, to float32's last digits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from peft.utils.other import get_pattern_key
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.adapters.compose import compose
from inference.adapters.config import AdapterConfig
from inference.adapters.dtypes import Dtype
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.base_model import BaseModelSpec
from tests.fakes.adapters import write_adapter
from tests.fixtures import peft_reference
from tests.fixtures.peft_reference import speaking

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")]

TEXT = "After a hard day of training I slept nine hours, and the next morning my pulse was 52. What should I do today?"


@dataclass(frozen=True)
class Voice:
    """A random adapter of a composition."""

    weight: float = 1.0
    layers: range | None = None
    made: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def base(base_model_dir: Path) -> BaseModelSpec:
    return BaseModelSpec.from_config(base_model_dir / "config.json", "SmolLM2-135M-Instruct")


@pytest.fixture(scope="module")
def model(base_model_dir: Path) -> Iterator[torch.nn.Module]:
    model = AutoModelForCausalLM.from_pretrained(base_model_dir, dtype=torch.float32).eval()
    yield model
    del model


@pytest.fixture(scope="module")
def tokens(base_model_dir: Path) -> torch.Tensor:
    return torch.tensor([AutoTokenizer.from_pretrained(base_model_dir)(TEXT)["input_ids"]])


@torch.inference_mode()
def logits(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    return model(tokens).logits[0]


def logits_together(
    model: torch.nn.Module, folders: Sequence[Path], voices: Sequence[Voice], tokens: torch.Tensor
) -> torch.Tensor:
    """Logits with every adapter active in PEFT, each at its weight and in its band."""
    pairs = zip(folders, voices, strict=True)
    with speaking(
        model, [peft_reference.Voice(folder, voice.weight, voice.layers) for folder, voice in pairs]
    ) as together:
        return logits(together, tokens)


def logits_alone(model: torch.nn.Module, folder: Path, tokens: torch.Tensor) -> torch.Tensor:
    """Logits with one package loaded as anyone would load it; a tensor too many or too few is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        alone = PeftModel.from_pretrained(model, folder)
    state = {name for name in alone.state_dict() if "lora_" in name}
    held = {name.replace(".weight", ".default.weight") for name in AdapterPackage.open(folder).file.tensors}
    assert state == held
    try:
        return logits(alone, tokens)
    finally:
        alone.unload()


CASES = {
    "two at weight one": [Voice(), Voice()],
    "weights": [Voice(0.7), Voice(1.35)],
    "one over the root of three": [Voice(0.58), Voice(0.58), Voice(0.58)],
    "unequal ranks": [Voice(1.0, made={"rank": 4}), Voice(0.8, made={"rank": 16, "alpha": 8})],
    "rsLoRA beside plain": [Voice(0.9, made={"use_rslora": True, "alpha": 6}), Voice()],
    "ranks and scales by module": [Voice(0.6, made={"ranks": {"v_proj": 3}, "alphas": {"o_proj": 5}}), Voice()],
    "bands": [Voice(1.0, range(10)), Voice(0.7, range(20, 30))],
    "bands that overlap": [Voice(1.0, range(20)), Voice(0.7, range(10, 30)), Voice(0.5)],
    "attention here, all modules there": [
        Voice(1.0, range(4, 9)),
        Voice(0.7, range(7, 12), made={"modules": ["up_proj", "down_proj", "q_proj"]}),
    ],
    "some layers trained": [Voice(made={"layers": [0, 3, 29]}), Voice(0.5, made={"modules": ["q_proj", "v_proj"]})],
    "formats": [Voice(made={"dtype": Dtype.F16}), Voice(0.7, made={"dtype": Dtype.F32}), Voice()],
    "one alone": [Voice(0.65, made={"modules": ["v_proj", "gate_proj"], "use_rslora": True})],
}


@pytest.mark.parametrize("case", CASES)
def test_logits_equal_those_of_all_adapters_active(
    case: str, base: BaseModelSpec, model: torch.nn.Module, tokens: torch.Tensor, tmp_path: Path
) -> None:
    voices = CASES[case]
    folders = []
    for seed, voice in enumerate(voices):
        made = {"rank": 8, "alpha": 16, "size": 0.03} | voice.made
        if "layers" in made:
            made["layers_to_transform"] = made["layers"]
        folders.append(write_adapter(tmp_path / str(seed), base, seed=seed, **made).folder)
    parts = [
        Part(AdapterPackage.open(folder), voice.weight, voice.layers)
        for folder, voice in zip(folders, voices, strict=True)
    ]
    compose(parts, base, tmp_path / "composition")
    plain = logits(model, tokens)
    want = logits_together(model, folders, voices, tokens)
    found = logits_alone(model, tmp_path / "composition", tokens)
    assert (want - plain).abs().max() > 0.5, "adapters so weak that nothing is shown"
    assert (found - want).abs().max() <= 1e-3
    assert torch.equal(logits(model, tokens), plain), "the model is as it was"


PATTERNS = [
    "q_proj",
    "self_attn.q_proj",
    "model.layers.1.self_attn.q_proj",
    r".*\.1\..*",
    "^model.layers.1.*",
    "j",
    "q_proj|v_proj",
]
PATHS = [f"model.layers.{layer}.self_attn.{module}" for layer in (0, 1, 11) for module in ("q_proj", "v_proj")]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_mean_what_they_mean_to_peft(pattern: str) -> None:
    config = AdapterConfig(r=8, lora_alpha=8.0, rank_pattern={pattern: 2})
    for path in PATHS:
        assert config.rank_of(path) == {pattern: 2}.get(get_pattern_key([pattern], path), 8)
