"""A base model with a fresh adapter on it to train, over a frozen core if there is one.

The base stays as it was loaded. `prepare_model_for_kbit_training` of PEFT is not used for four bits: it would turn
all that is not quantised into float32, which for a mixture of experts is nearly everything.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

import inference.library_logging  # noqa: F401
from consilium.errors import N_
from inference.training.errors import TrainingError
from inference.training.hardware import Hardware
from inference.training.recipe import Quantization, Recipe

CORE_ADAPTER: Final = "core"
"""The name under which the frozen core is active while a topic is trained."""
TRAINED_ADAPTER: Final = "trained"


class QuantizationUnavailable(TrainingError):
    """A base in four bits was asked for, and the library for it is not installed."""

    sentence = N_("A base model in 4 bits needs the package bitsandbytes, which is not installed.")
    remedy = N_("Install it with pip install 'consilium[gpu]', or leave out --quantize.")

    def __init__(self) -> None:
        super().__init__()


def check_quantization(recipe: Recipe) -> None:
    """See that what the recipe asks for is installed.

    Raises:
        QuantizationUnavailable
    """
    if recipe.quantize is Quantization.FOUR_BIT and importlib.util.find_spec("bitsandbytes") is None:
        raise QuantizationUnavailable


def load_base(base: Path, hardware: Hardware, recipe: Recipe) -> Any:
    """The base model on its device, in the recipe's precision, or quantised.

    Raises:
        QuantizationUnavailable, PrecisionUnavailable
    """
    check_quantization(recipe)
    dtype = hardware.choose_dtype(recipe.precision)
    options: dict[str, Any] = {"dtype": dtype, "local_files_only": True}
    if recipe.quantize is Quantization.FOUR_BIT:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    if hardware.device.type == "cuda" or "quantization_config" in options:
        # Straight to the device: a large base need not fit into the machine's own memory as well.
        options["device_map"] = {"": hardware.device}
        return AutoModelForCausalLM.from_pretrained(base, **options)
    return AutoModelForCausalLM.from_pretrained(base, **options).to(hardware.device)


def add_adapter(model: Any, recipe: Recipe, core: Path | None) -> Any:
    """The model with a float32 adapter to train, its first weights from the recipe's seed.

    Args:
        recipe: with the names of the modules, as `resolve_recipe` gives it.
        core: package of the core to put under it; None for none.
    """
    torch.manual_seed(recipe.seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(recipe.modules),
        task_type="CAUSAL_LM",
    )
    if core is None:
        adapted = get_peft_model(model, config, adapter_name=TRAINED_ADAPTER)
    else:
        adapted = PeftModel.from_pretrained(model, core, adapter_name=CORE_ADAPTER, torch_device="cpu")
        adapted.add_adapter(TRAINED_ADAPTER, config)
        adapted.base_model.set_adapter([CORE_ADAPTER, TRAINED_ADAPTER])
        for module in adapted.modules():
            if isinstance(module, LoraLayer) and CORE_ADAPTER in module.lora_dropout:
                # The dropout that the core was trained with would still be at work.
                module.lora_dropout[CORE_ADAPTER] = torch.nn.Identity()
    for name, parameter in adapted.named_parameters():
        parameter.requires_grad_(f".{TRAINED_ADAPTER}." in name)
    if recipe.gradient_checkpointing:
        adapted.gradient_checkpointing_enable({"use_reentrant": False})
    return adapted


def trainable_parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    """What is trained, by name, always in the same order."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def copy_weights(parameters: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A copy that later steps do not change, in the machine's own memory."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in parameters.items()}


@torch.no_grad()
def restore_weights(parameters: Mapping[str, torch.Tensor], saved: Mapping[str, torch.Tensor]) -> None:
    """Set parameters to what `copy_weights` gave."""
    for name, parameter in parameters.items():
        parameter.copy_(saved[name])


@contextmanager
def silenced(model: Any) -> Iterator[None]:
    """The bare base model while this is open, and afterwards the same parameters to train as before.

    PEFT's `disable_adapter` alone would leave the frozen core to be trained: it makes all active adapters trainable.
    """
    trained = trainable_parameters(model)
    try:
        with model.disable_adapter():
            yield
    finally:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in trained)


def set_core_active(model: Any, active: bool) -> None:
    """Let the frozen core be heard, or silence it; nothing to do where there is none."""
    for module in model.modules():
        if isinstance(module, LoraLayer) and CORE_ADAPTER in module.scaling:
            module.set_scale(CORE_ADAPTER, 1.0 if active else 0.0)
