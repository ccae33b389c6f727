"""A model small enough for tests of how the engine behaves rather than of what it says."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from inference.base_model import BaseModelSpec
from inference.engines.local import LocalEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CONTEXT = 100_000
"""So long that an answer which is not stopped runs into the test's deadline."""


@pytest.fixture(scope="session")
def small_model_dir(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four random layers under the base model's own tokenizer: it answers at length, with every odd character."""
    folder = tmp_path_factory.mktemp("small-model")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        shutil.copy(base_model_dir / name, folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def small_model(small_model_dir: Path) -> BaseModelSpec:
    return BaseModelSpec.from_config(small_model_dir / "config.json", "small")


@pytest_asyncio.fixture(loop_scope="session")
async def small_engine(small_model_dir: Path) -> AsyncIterator[LocalEngine]:
    async with LocalEngine(small_model_dir, max_adapters=2) as engine:
        yield engine
