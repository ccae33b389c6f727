"""How well a model says what the author said: mean cross-entropy of the answers' tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from inference.training.encoding import IGNORE_INDEX, Batch, EncodedDialogue, make_batches


def batch_loss(model: Any, batch: Batch) -> tuple[torch.Tensor, int]:
    """Summed cross-entropy (nats) over the batch's answer tokens, and how many there are.

    Only the answers' positions go through the output layer: its vocabulary is most of a small model's work.
    """
    targets = batch.labels[:, 1:]
    wanted = targets != IGNORE_INDEX
    hidden = model.get_decoder()(input_ids=batch.ids, attention_mask=batch.attention).last_hidden_state
    logits = model.get_output_embeddings()(hidden[:, :-1][wanted])
    loss = torch.nn.functional.cross_entropy(logits.float(), targets[wanted], reduction="sum")
    return loss, int(wanted.sum())


@torch.inference_mode()
def mean_loss(model: Any, encoded: Sequence[EncodedDialogue], pad_id: int, batch_size: int = 8) -> float:
    """Mean cross-entropy in nats per answer token over all dialogues."""
    total, tokens = 0.0, 0
    for batch in make_batches(sorted(encoded, key=lambda e: len(e.ids)), batch_size, pad_id):
        loss, count = batch_loss(model, batch)
        total += loss.item()
        tokens += count
    return total / max(tokens, 1)
