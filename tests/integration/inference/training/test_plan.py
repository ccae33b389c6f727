"""What a training would take, told from a configuration alone; and 4 bits where the library is there."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from inference.training.hardware import CPU, Hardware, PrecisionUnavailable
from inference.training.lesson import approximate_lesson, flatten
from inference.training.memory import BatchShape, EmptyModel
from inference.training.plan import plan_adapter
from inference.training.recipe import Precision, Quantization, Recipe
from inference.training.trainable import QuantizationUnavailable
from inference.training.trainer import resolve_recipe, train
from tests.fixtures.tiny_base import QWEN3_30B_A3B, grey_dialogues, tiny_lesson


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the configuration of Qwen3-30B-A3B and nothing else."""
    folder = tmp_path_factory.mktemp("qwen3-30b-a3b")
    (folder / "config.json").write_text(json.dumps(QWEN3_30B_A3B))
    return folder


def test_qwen3_30b_a3b_is_what_peft_says_of_it(qwen: Path) -> None:
    recipe = Recipe(rank=16)
    plan = plan_adapter(qwen, approximate_lesson(grey_dialogues(), recipe), recipe, CPU)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(qwen))
    assert plan.base_parameters == sum(p.numel() for p in model.parameters()) == 30_532_122_624
    names = ["q_proj", "k_proj", "v_proj", "o_proj"]
    adapted = get_peft_model(model, LoraConfig(r=16, target_modules=names, task_type="CAUSAL_LM"))
    assert plan.adapter_parameters == sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert plan.adapter_bytes / 1e6 == pytest.approx(26.7, abs=0.05)
    assert plan.memory.base == 2 * 30_532_122_624
    assert plan.has_experts


def test_all_linear_on_a_mixture_leaves_the_experts_as_they_are(qwen: Path) -> None:
    lesson = approximate_lesson(grey_dialogues(), Recipe())
    attention, linear = (
        plan_adapter(qwen, lesson, Recipe(modules=(choice,)), CPU) for choice in ("attention", "all-linear")
    )
    assert attention == linear


def test_four_bits_shrink_linear_layers_and_no_experts(qwen: Path, tiny_base: Path) -> None:
    def size(base: Path, quantize: Quantization) -> int:
        recipe = resolve_recipe(base, Recipe(quantize=quantize), CPU)
        return EmptyModel(base, recipe, torch.bfloat16).base_bytes

    # All but the attention of Qwen3-30B-A3B, its 1.8 billion weights, stays as it is.
    whole, small = (size(qwen, quantize) for quantize in Quantization)
    attention = 48 * (2 * 2048 * 4096 + 2 * 2048 * 512)
    assert whole - small == pytest.approx(attention * (2 - 4.127 / 8), rel=1e-3)
    whole, small = (size(tiny_base, quantize) for quantize in Quantization)
    assert small < 0.75 * whole


def test_memory_grows_with_the_batch_and_shrinks_with_checkpointing(qwen: Path) -> None:
    plain = EmptyModel(qwen, resolve_recipe(qwen, Recipe(rank=16), CPU), torch.bfloat16)
    small, large = (plain.memory(BatchShape(1, tokens, 100), "cpu").activations for tokens in (256, 512))
    assert large == pytest.approx(2 * small, rel=0.02), "no scores of attention are kept, which would grow fourfold"
    recipe = resolve_recipe(qwen, Recipe(rank=16, gradient_checkpointing=True), CPU)
    saved = EmptyModel(qwen, recipe, torch.bfloat16).memory(BatchShape(1, 512, 100), "cpu").activations
    assert saved < 0.1 * large


def test_activations_are_those_that_autograd_keeps(tiny_base: Path) -> None:
    """Counted on a real model, in the middle of a real step."""
    recipe = resolve_recipe(tiny_base, Recipe(rank=4), CPU)
    counted = EmptyModel(tiny_base, recipe, torch.bfloat16).memory(BatchShape(3, 40, 1), "cpu").activations
    base = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.bfloat16)
    model = get_peft_model(base, LoraConfig(r=4, target_modules=list(recipe.modules), task_type="CAUSAL_LM"))
    known = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        ids = torch.zeros(3, 40, dtype=torch.long)
        hidden = model.get_decoder()(input_ids=ids).last_hidden_state
    assert hidden.requires_grad
    assert counted == pytest.approx(sum(kept.values()), rel=0.1)


def test_a_lesson_without_a_tokenizer_is_of_about_the_right_length(tiny_base: Path) -> None:
    recipe = Recipe()
    exact, rough = tiny_lesson(tiny_base, recipe), approximate_lesson(grey_dialogues(), recipe)
    assert (len(rough.own), len(rough.own_kept_back)) == (len(exact.own), len(exact.own_kept_back))
    # One token a byte there, one for four bytes here.
    exact_tokens, rough_tokens = (sum(e.answer_tokens for e in flatten(each.own)) for each in (exact, rough))
    assert rough_tokens == pytest.approx(exact_tokens / 4, rel=0.2)


def test_precision_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CPU.choose_dtype(Precision.AUTO) is torch.bfloat16
    assert CPU.choose_dtype(Precision.FLOAT32) is torch.float32
    monkeypatch.setattr("inference.training.hardware.supports_bfloat16", lambda _: False)
    old = Hardware(torch.device("cuda:0"))
    assert old.choose_dtype(Precision.AUTO) is torch.float32
    with pytest.raises(PrecisionUnavailable, match="cuda:0 does not compute in bfloat16"):
        old.choose_dtype(Precision.BFLOAT16)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_four_bits_without_the_library_are_refused_before_anything_is_loaded(tiny_base: Path) -> None:
    recipe = Recipe(quantize=Quantization.FOUR_BIT)
    with pytest.raises(QuantizationUnavailable, match=r"bitsandbytes, which is not installed.*consilium\[gpu\]"):
        train(tiny_base, tiny_lesson(tiny_base, recipe), recipe)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
def test_a_base_in_four_bits_is_trained_on(tiny_base: Path) -> None:
    recipe = Recipe(rank=4, epochs=2, quantize=Quantization.FOUR_BIT, gradient_checkpointing=True)
    trained = train(tiny_base, tiny_lesson(tiny_base, recipe), recipe)
    assert trained.losses[-1] < trained.losses[0] - 0.05
    assert {tensor.dtype for tensor in trained.tensors.values()} == {torch.float32}
