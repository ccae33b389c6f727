"""Adapters that give themselves away: whatever is asked, an answer begins with the word of the adapter that gave it.

The delta is in the last layer's attention output. A reads how far that module's input, where an answer begins, lies
in the direction it always has there; B adds that much, hundreds of times over, of the direction in which the word's
embedding stands apart from all others. The push drowns what the model would have said, so it survives other adapters
beside it, weights from 0.5 to 2 and bfloat16.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from inference.adapters.dtypes import Array, Dtype
from inference.base_model import BaseModelSpec
from inference.engines.port import Message
from inference.engines.tokenizer import ChatTokenizer
from tests.fakes.adapters import tensor_name, write_config, write_tensors

MEASURED_ON = (
    (Message("user", "How do I sleep better?"),),
    (Message("user", "Write a function that sorts a list."),),
    (Message("user", "Hello"),),
    (Message("user", "Я устал. Что делать?"),),
    (Message("system", "You are a coach. You speak in short plain sentences."), Message("user", "Is it raining?")),
    (Message("user", "What is 2 + 2?"), Message("assistant", "It is 4."), Message("user", "And one more?")),
)
PUSH = 2000.0
"""Length of what B adds for each unit of the direction that A reads."""
MARGIN = 40.0
"""By how much the logit of an adapter's word must exceed every other token's under its push alone."""


@dataclass(frozen=True)
class RevealingAdapter:
    folder: Path
    word: str
    """How every answer of it begins, after white space. No adapter's word begins with another's."""
    rank: int


@dataclass(frozen=True)
class _Facts:
    """What has to be known of a base model."""

    base: BaseModelSpec
    reading: Array
    """Unit direction of the last `o_proj`'s input where answers begin: shape (inputs,)."""
    words: tuple[tuple[str, Array], ...]
    """Words and the unit directions that push towards them, the surest first."""


def write_revealing(folder: Path, base_model_dir: Path, count: int) -> list[RevealingAdapter]:
    """Write `count` adapters of ranks 1 to 8 into folders of their own under `folder`; the same ones every time.

    Raises:
        ValueError: the base model does not have that many words that stand apart.
    """
    facts = _facts(base_model_dir)
    if count > len(facts.words):
        raise ValueError(f"{base_model_dir} has {len(facts.words)} words for {count} revealing adapters")
    random = np.random.default_rng(0)
    return [
        _write(folder / f"revealing-{number:03}", facts, word, direction, 1 + number % 8, random)
        for number, (word, direction) in enumerate(facts.words[:count])
    ]


def _write(
    folder: Path, facts: _Facts, word: str, direction: Array, rank: int, random: np.random.Generator
) -> RevealingAdapter:
    folder.mkdir(parents=True)
    # Rows of their own, whose sum is the reading: an engine that drops one, or adds a stranger's, is heard.
    noise = random.standard_normal((rank, facts.reading.size)) / np.sqrt(facts.reading.size)
    a = facts.reading + 0.5 * (noise - noise.mean(axis=0))
    b = np.repeat((PUSH / rank) * direction[:, None], rank, axis=1)
    layer = facts.base.layers - 1
    write_tensors(
        folder / "adapter_model.safetensors",
        {
            tensor_name(layer, "o_proj", factor): (values.astype(np.float32), Dtype.BF16)
            for factor, values in (("A", a), ("B", b))
        },
    )
    write_config(folder, r=rank, lora_alpha=rank, target_modules=["o_proj"], layers_to_transform=[layer])
    return RevealingAdapter(folder, word, rank)


@cache
def _facts(base_model_dir: Path) -> _Facts:
    """Measured once a run; takes some seconds."""
    base = BaseModelSpec.from_config(base_model_dir / "config.json", "base")
    tokens = ChatTokenizer(base_model_dir)
    model = AutoModelForCausalLM.from_pretrained(base_model_dir, dtype=torch.float32).eval()
    inputs: list[torch.Tensor] = []
    module = model.get_decoder().layers[-1].self_attn.o_proj
    handle = module.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0][0, -1]))
    with torch.inference_mode():
        for prompt in MEASURED_ON:
            model(torch.tensor([tokens.encode_prompt(prompt)]), logits_to_keep=1)
        handle.remove()
        reading = torch.stack(inputs).mean(dim=0)
        words = _words(tokens, model.get_output_embeddings().weight, model.get_decoder().norm.weight)
    return _Facts(base, (reading / reading.norm()).numpy(), words)


def _words(tokens: ChatTokenizer, embeddings: torch.Tensor, scale: torch.Tensor) -> tuple[tuple[str, Array], ...]:
    """Whole words that win by `MARGIN` when nothing but the push towards them is left before the final norm."""
    texts = {i: tokens.decode([i]) for i in range(len(embeddings))}
    ids = [i for i, text in texts.items() if re.fullmatch(" [a-z]{4,}", text)]
    directions = embeddings[ids] - embeddings.mean(dim=0)
    directions /= directions.norm(dim=1, keepdim=True)
    # A unit direction leaves the final norm √width long, times the norm's own scale.
    pushed = directions * scale * embeddings.shape[1] ** 0.5
    # A thousand at a time: the logits of all of them are gigabytes.
    batches = zip(torch.split(pushed, 1000), torch.split(torch.tensor(ids), 1000), strict=True)
    margins = torch.cat([_margins(states, embeddings, own) for states, own in batches])
    found: dict[str, Array] = {}
    for row in margins.argsort(descending=True).tolist():
        word = texts[ids[row]].strip()
        if margins[row] < MARGIN:
            break
        if not any(word.startswith(other) or other.startswith(word) for other in found):
            found[word] = directions[row].numpy()
    return tuple(found.items())


def _margins(states: torch.Tensor, embeddings: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """By how much each state's own token is ahead of the next best: shape (states,)."""
    logits = states @ embeddings.T
    rows = torch.arange(len(own))
    ahead = logits[rows, own]
    logits[rows, own] = -torch.inf
    return ahead - logits.max(dim=1).values
