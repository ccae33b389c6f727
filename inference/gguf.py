"""Turns quantised GGUF weights into an ordinary checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GgufConfig

import inference.library_logging  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path


def dequantise_smollm2(gguf: Path, folder: Path) -> None:
    """Write SmolLM2's weights as bfloat16 safetensors, with the tokenizer they were trained with. Takes about 15 s."""
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name, "local_files_only": True}
    model = AutoModelForCausalLM.from_pretrained(
        **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    tokenizer = AutoTokenizer.from_pretrained(**source)
    # The GGUF names its pre-tokenizer ("smollm") instead of describing it, and the conversion leaves out half of it:
    # digits are split one by one.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
