"""How much memory a training takes: counted on a model without weights, before anything is loaded.

Weights and optimizer states follow from the parameters. What the forward pass keeps for the backward pass is counted by
running it on torch's meta device, where tensors have shapes and no numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from peft import LoraConfig, get_peft_model
from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM

import inference.library_logging  # noqa: F401
from inference.training.recipe import Quantization, Recipe

_ADAPTER_BYTES: Final = 16
"""Of each weight that is trained: itself, its gradient and AdamW's two moments, in float32."""
_NF4_BYTES: Final = 4.127 / 8
"""Of each weight in four bits, with its share of the doubly quantised scales (QLoRA, section 3)."""
_LOGIT_BYTES: Final = 16
"""Of each score of a token: in the model's format and in float32, its logarithm, and the gradients of both."""
_LIBRARIES: Final = {"cpu": 600_000_000, "cuda": 800_000_000, "mps": 600_000_000}
"""What torch and its kernels take besides."""
_ATTENTION: Final = "consilium_counted"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on each device."""

    base: int
    adapter: int
    """What is trained, with gradients and the optimizer's moments; and the frozen core."""
    activations: int
    """What the largest batch keeps for its backward pass."""
    logits: int
    libraries: int

    @property
    def total(self) -> int:
        return self.base + self.adapter + self.activations + self.logits + self.libraries


@dataclass(frozen=True, slots=True)
class BatchShape:
    """A batch as far as memory is concerned."""

    examples: int
    tokens: int
    """Of each example, padding included."""
    answer_tokens: int
    """Of all examples together."""


class EmptyModel:
    """A base model that is only its shapes, with an adapter on it."""

    def __init__(self, base: Path, recipe: Recipe, dtype: torch.dtype) -> None:
        """Build it from `config.json`; takes a second, however large the model.

        Args:
            recipe: with the names of the modules, as `resolve_recipe` gives it.
        """
        config = AutoConfig.from_pretrained(base, local_files_only=True)
        text = config.get_text_config()
        self._layers, self._hidden, self._vocabulary = text.num_hidden_layers, text.hidden_size, text.vocab_size
        self._dtype, self._recipe = dtype, recipe
        AttentionInterface.register(_ATTENTION, _count_attention)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=_ATTENTION)
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        """Of the base model."""
        self.has_experts = any(p.ndim == 3 and ".experts." in name for name, p in model.named_parameters())
        """Whether it is a mixture of experts, whose weights are one tensor a layer."""
        self.base_bytes = round(sum(self._stored_bytes(model)))
        lora = LoraConfig(
            r=recipe.rank, lora_alpha=recipe.alpha, target_modules=list(recipe.modules), task_type="CAUSAL_LM"
        )
        self._model: Any = get_peft_model(model, lora)
        self.adapter_parameters = sum(p.numel() for p in self._model.parameters() if p.requires_grad)
        """Of the adapter."""

    def memory(self, batch: BatchShape, device: str, core_bytes: int = 0) -> Memory:
        """What training with this as the largest batch takes on a device of this type.

        Args:
            core_bytes: the size of the frozen core, if there is one.
        """
        return Memory(
            base=self.base_bytes,
            adapter=self.adapter_parameters * _ADAPTER_BYTES + 2 * core_bytes,
            activations=self._activation_bytes(batch.examples, batch.tokens),
            logits=batch.answer_tokens * self._vocabulary * _LOGIT_BYTES,
            libraries=_LIBRARIES.get(device, 0),
        )

    def _stored_bytes(self, model: Any) -> Iterable[float]:
        """Bytes of each parameter. Only plain linear layers are quantised: experts that are fused are not."""
        linear = {
            id(module.weight)
            for name, module in model.named_modules()
            if type(module) is torch.nn.Linear and not re.search(r"(^|\.)lm_head$", name)
        }
        for parameter in model.parameters():
            is_small = self._recipe.quantize is Quantization.FOUR_BIT and id(parameter) in linear
            yield parameter.numel() * (_NF4_BYTES if is_small else self._dtype.itemsize)

    def _activation_bytes(self, examples: int, tokens: int) -> int:
        """What a forward pass saves for the backward pass.

        With checkpointing every layer keeps its input, and one layer at a time is computed again.
        """
        known = {p.untyped_storage()._cdata for p in self._model.parameters()}
        saved: dict[int, torch.UntypedStorage] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in known:
                saved[storage._cdata] = storage
            return tensor

        self._model.train()
        ids = torch.zeros(examples, tokens, dtype=torch.long, device="meta")
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            self._model.get_decoder()(input_ids=ids, use_cache=True)
        total = sum(int(storage.nbytes()) for storage in saved.values())
        if not self._recipe.gradient_checkpointing:
            return total
        inputs = examples * tokens * self._hidden * self._dtype.itemsize * self._layers
        return int(inputs + total // self._layers)


class _CountedAttention(torch.autograd.Function):
    """Saves what fused attention kernels save: queries, keys, values and their output, not the scores."""

    @staticmethod
    def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        ctx.save_for_backward(query, key, value, out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return gradients[0], None, None


def _count_attention(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: Any, **_: Any
) -> tuple[torch.Tensor, None]:
    """An attention of transformers' interface, for shapes only."""
    attended: torch.Tensor = _CountedAttention.apply(query, key, value)  # type: ignore[no-untyped-call]  # torch's
    return attended.transpose(1, 2).contiguous(), None
