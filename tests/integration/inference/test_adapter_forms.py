"""Adapters of others: in each form they are imported with PEFT's logits, or refused with the reason."""

from __future__ import annotations

import os
import pickle
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import AutoConfig, AutoModelForCausalLM

from inference.adapters.errors import AdapterError, PathOutsideFolder, WeightsDamaged
from inference.adapters.importing import import_adapter
from inference.adapters.importing.errors import DestinationTaken, MoreThanLora
from inference.adapters.safe_form import check_safe_form
from inference.base_model import BaseModelSpec
from tests.fixtures.adapter_forms import ACCEPTED, BASE, REFUSED, pickled, tensors

pytestmark = [pytest.mark.filterwarnings("ignore")]

TOKENS = torch.tensor([[5, 17, 3, 42, 8, 30, 1, 63]])
TINY: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "pad_token_id": 0,
    "max_position_embeddings": 64,
}


def make_base(folder: Path, model_type: str, **more: Any) -> Path:
    torch.manual_seed(1)
    config = AutoConfig.for_model(model_type, **TINY | more)
    AutoModelForCausalLM.from_config(config).float().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("llama") / "tiny", "llama", tie_word_embeddings=False)


def load(base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()


@torch.inference_mode()
def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model(TOKENS).logits[0]
    return found


def train(
    base: Path, folder: Path, lora: dict[str, Any], *, head: bool = False, embeddings: bool = False
) -> torch.Tensor:
    """Save an adapter of random weights with PEFT, and give its logits."""
    torch.manual_seed(2)
    plain = {
        "r": 4,
        "lora_alpha": 6,
        "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "task_type": "CAUSAL_LM",
    }
    model = get_peft_model(load(base), LoraConfig(**plain | lora)).eval()
    for module in model.modules():
        if isinstance(module, LoraLayer):
            for factor in (*module.lora_A.values(), *module.lora_B.values()):
                torch.nn.init.normal_(factor.weight, std=0.3)
    if head:
        torch.nn.init.normal_(model.base_model.model.lm_head.modules_to_save["default"].weight)
    model.peft_config["default"].base_model_name_or_path = BASE
    model.save_pretrained(folder, save_embedding_layers=embeddings)
    return logits(model)


def loaded(base: Path, folder: Path) -> torch.Tensor:
    """Logits with what was imported, loaded as anyone would load it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        return logits(PeftModel.from_pretrained(load(base), folder).eval())


def widened(base: Path, source: Path, folder: Path) -> torch.Tensor:
    """PEFT's logits with the numbers as the source stores them, in float32."""
    shutil.copytree(source, folder)
    tensors(lambda found: {name: tensor.float() for name, tensor in found.items()})(folder)
    return loaded(base, folder)


def spec(base: Path, name: str = BASE) -> BaseModelSpec:
    return BaseModelSpec.from_config(base / "config.json", name)


def test_there_are_forty_forms_and_more() -> None:
    assert len(ACCEPTED) >= 40
    assert len(REFUSED) >= 40


@pytest.mark.parametrize("name", ACCEPTED)
def test_is_accepted_with_the_logits_of_peft(name: str, llama: Path, tmp_path: Path) -> None:
    form = ACCEPTED[name]
    wanted = train(llama, tmp_path / "trained", dict(form.lora), embeddings="embeddings saved" in name)
    source = form.change(tmp_path / "trained") or tmp_path / "trained"
    if form.rounds:
        wanted = widened(llama, source, tmp_path / "widened")
    report = import_adapter(source, tmp_path / "minds" / "it", spec(llama), base_folder=llama, **form.options)
    found = loaded(llama, report.folder)
    assert (wanted - logits(load(llama))).abs().max() > 0.1, "an adapter so weak that nothing is shown"
    assert (found - wanted).abs().max() <= 1e-3
    assert form.told in " ".join(report.changes)
    assert check_safe_form(report.folder, spec(llama)).rank == report.composition.rank
    assert [path.name for path in report.folder.parent.iterdir()] == ["it"], "nothing unfinished is left"


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_the_reason(name: str, llama: Path, tmp_path: Path) -> None:
    form = REFUSED[name]
    train(llama, tmp_path / "trained", dict(form.lora), head="head trained" in name)
    source = form.change(tmp_path / "trained") or tmp_path / "trained"
    with pytest.raises(AdapterError) as refused:
        import_adapter(source, tmp_path / "minds" / "it", spec(llama), base_folder=llama)
    assert form.reason in str(refused.value)
    assert str(tmp_path / "trained") in str(refused.value), "it tells of which adapter"
    assert not (tmp_path / "minds" / "it").exists()
    assert not any((tmp_path / "minds").glob("*")), "nothing unfinished is left"


def test_the_lora_part_alone_is_that_part_exactly(llama: Path, tmp_path: Path) -> None:
    alone = train(llama, tmp_path / "alone", {})
    with_head = train(llama, tmp_path / "whole", {"modules_to_save": ["lm_head"]}, head=True)
    with pytest.raises(MoreThanLora, match="--lora-part-only"):
        import_adapter(tmp_path / "whole", tmp_path / "it", spec(llama), base_folder=llama)
    report = import_adapter(tmp_path / "whole", tmp_path / "it", spec(llama), base_folder=llama, lora_part_only=True)
    found = loaded(llama, report.folder)
    assert (found - alone).abs().max() <= 1e-3
    assert (found - with_head).abs().max() > 0.1
    assert "Left out, as you asked: whole modules or biases (lm_head.weight)" in " ".join(report.changes)


def test_without_the_base_weights_nobody_can_tell_whether_a_head_was_trained(llama: Path, tmp_path: Path) -> None:
    train(llama, tmp_path / "whole", {"modules_to_save": ["lm_head"]})
    with pytest.raises(MoreThanLora, match="not on this machine"):
        import_adapter(tmp_path / "whole", tmp_path / "it", spec(llama))


def test_a_folder_for_a_base_takes_adapters_of_any_name(llama: Path, tmp_path: Path) -> None:
    wanted = train(llama, tmp_path / "trained", {})
    report = import_adapter(
        tmp_path / "trained", tmp_path / "it", spec(llama, "/data/checkpoints/7"), base_folder=llama
    )
    assert (loaded(llama, report.folder) - wanted).abs().max() <= 1e-3
    assert "tells no model" in " ".join(report.changes)


def test_a_pickle_that_would_run_something_runs_nothing(llama: Path, tmp_path: Path) -> None:
    train(llama, tmp_path / "trained", {})
    pickled(tmp_path / "trained")

    class Evil:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return os.system, (f"touch {tmp_path}/owned",)

    (tmp_path / "trained" / "adapter_model.bin").write_bytes(pickle.dumps({"a": Evil()}))
    with pytest.raises(WeightsDamaged, match="was not opened"):
        import_adapter(tmp_path / "trained", tmp_path / "it", spec(llama))
    assert not (tmp_path / "owned").exists()


def test_a_tensor_that_claims_to_be_huge_is_not_made(llama: Path, tmp_path: Path) -> None:
    train(llama, tmp_path / "trained", {})
    (tmp_path / "trained" / "adapter_model.safetensors").unlink()
    torch.save({"a": torch.ones(1).expand(1 << 40)}, tmp_path / "trained" / "adapter_model.bin")
    with pytest.raises(WeightsDamaged, match="larger"):
        import_adapter(tmp_path / "trained", tmp_path / "it", spec(llama))


def test_a_link_out_of_the_cached_repository_is_refused(llama: Path, tmp_path: Path) -> None:
    train(llama, tmp_path / "trained", {})
    source = ACCEPTED["hub cache: snapshot"].change(tmp_path / "trained")
    assert source is not None
    config = source / "adapter_config.json"
    (tmp_path / "elsewhere.json").write_bytes(config.read_bytes())
    config.unlink()
    config.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(PathOutsideFolder):
        import_adapter(source, tmp_path / "it", spec(llama))


def test_nothing_is_written_over(llama: Path, tmp_path: Path) -> None:
    train(llama, tmp_path / "trained", {})
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "mine").write_text("x")
    with pytest.raises(DestinationTaken):
        import_adapter(tmp_path / "trained", tmp_path / "it", spec(llama))


def test_biases_that_are_the_bases_own_are_left_out(tmp_path: Path) -> None:
    base = make_base(tmp_path / "qwen2", "qwen2")
    wanted = train(base, tmp_path / "trained", {"bias": "lora_only"})
    report = import_adapter(tmp_path / "trained", tmp_path / "it", spec(base), base_folder=base)
    assert (loaded(base, report.folder) - wanted).abs().max() <= 1e-3
    assert "q_proj.bias" in " ".join(report.changes)


BASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "qwen3": ({"head_dim": 8}, {"target_modules": "all-linear"}),
    "phi3": ({"original_max_position_embeddings": 64}, {"target_modules": "all-linear"}),
    "glm4": ({"head_dim": 8}, {"target_modules": "all-linear"}),
    "gemma3_text": ({"head_dim": 8}, {"target_modules": "all-linear"}),
    "gpt_oss": ({"head_dim": 8, "num_local_experts": 4}, {}),
    "ministral3": ({"head_dim": 8}, {"target_modules": "all-linear"}),
    "lfm2": ({"layer_types": ["conv", "full_attention", "conv"]}, {"target_modules": "all-linear"}),
    "qwen3_5_text": (
        {
            "head_dim": 8, "layer_types": ["linear_attention", "full_attention", "linear_attention"],
            "linear_num_key_heads": 2, "linear_num_value_heads": 4,
            "linear_key_head_dim": 8, "linear_value_head_dim": 8,
        },
        {"target_modules": "all-linear"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("model_type", BASES)
def test_newer_bases_take_adapters_of_all_their_modules(model_type: str, tmp_path: Path) -> None:
    more, lora = BASES[model_type]
    base = make_base(tmp_path / "base", model_type, **more)
    wanted = train(base, tmp_path / "trained", lora)
    report = import_adapter(tmp_path / "trained", tmp_path / "it", spec(base), base_folder=base)
    assert (wanted - logits(load(base))).abs().max() > 0.1
    assert (loaded(base, report.folder) - wanted).abs().max() <= 1e-3
    check_safe_form(report.folder, spec(base))
