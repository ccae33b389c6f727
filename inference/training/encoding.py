"""Dialogues as tensors: the chat template's tokens, with only the answers' tokens to be learnt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from inference.training.dialogues import Dialogue

IGNORE_INDEX = -100
"""The label that cross-entropy skips."""


@dataclass(frozen=True, slots=True)
class EncodedDialogue:
    """One dialogue: `ids` and `labels` of equal length; labels are `IGNORED` outside the answers."""

    ids: list[int]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class Batch:
    """Dialogues padded to one length: three integer tensors of shape (dialogues, tokens)."""

    ids: torch.Tensor
    attention: torch.Tensor
    labels: torch.Tensor


def encode_dialogue(dialogue: Dialogue, tokenizer: Any, max_tokens: int) -> EncodedDialogue:
    """Tokenise as the engine will see it; longer than `max_tokens` is cut at the end.

    Each answer is tokenised apart from what precedes it, because that is where generation starts. The
    model learns the answer and its end mark, and nothing of what the person said; of an answer that is not to be learnt
    it sees what it says, as it sees the questions.
    """
    ids: list[int] = []
    labels: list[int] = []
    written = ""
    chat = [{"role": m.role, "content": m.content} for m in dialogue.messages]
    for position, message in enumerate(dialogue.messages):
        if message.role != "assistant":
            continue
        before = tokenizer.apply_chat_template(chat[:position], tokenize=False, add_generation_prompt=True)
        after = tokenizer.apply_chat_template(chat[: position + 1], tokenize=False)
        context = tokenizer.encode(before[len(written) :], add_special_tokens=False)
        answer = tokenizer.encode(after[len(before) :], add_special_tokens=False)
        learnt = answer.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in answer else len(answer)
        if not message.learn:
            learnt = 0
        ids += context + answer
        labels += [IGNORE_INDEX] * len(context) + answer[:learnt] + [IGNORE_INDEX] * (len(answer) - learnt)
        written = after
    return EncodedDialogue(ids[:max_tokens], labels[:max_tokens])


def make_batches(encoded: Sequence[EncodedDialogue], size: int, pad_id: int) -> Iterator[Batch]:
    """Pad and stack, `size` dialogues at a time, in the order given."""
    for start in range(0, len(encoded), size):
        group = encoded[start : start + size]
        width = max(len(e.ids) for e in group)
        yield Batch(
            ids=torch.tensor([e.ids + [pad_id] * (width - len(e.ids)) for e in group]),
            attention=torch.tensor([[1] * len(e.ids) + [0] * (width - len(e.ids)) for e in group]),
            labels=torch.tensor([e.labels + [IGNORE_INDEX] * (width - len(e.labels)) for e in group]),
        )
