"""What adapters do to held-out dialogues, alone and composed: losses, gains, and what is kept of them.

A gain is the base's loss less the adapter's. Kept is the share of an adapter's gain on its own held-out dialogues
that is left in a composition: (base − composition) / (base − adapter alone).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from inference.engines.tokenizer import ChatTokenizer, read_context_length
from inference.training.adapted_model import AdaptedModel
from inference.training.dialogues import Dialogue
from inference.training.encoding import IGNORE_INDEX, Batch, Example, make_batch
from inference.training.preparation import NothingToLearn, prepare_dialogues
from inference.training.recipe import Recipe
from inference.training.schedule import pack_batches


def batch_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Summed cross-entropy (nats) over the batch's answer tokens.

    Only the answers' positions go through the output layer: its vocabulary is most of a small model's work.
    """
    targets = batch.labels[:, 1:]
    wanted = targets != IGNORE_INDEX
    hidden = model.get_decoder()(input_ids=batch.ids, attention_mask=batch.attention, use_cache=False).last_hidden_state
    logits = model.get_output_embeddings()(hidden[:, :-1][wanted])
    return torch.nn.functional.cross_entropy(logits.float(), targets[wanted], reduction="sum")


def summed_loss(model: Any, batches: Sequence[Sequence[Example]]) -> float:
    """Summed cross-entropy (nats) over all answer tokens of batches."""
    device = next(model.parameters()).device
    with torch.inference_mode():
        return sum(float(batch_loss(model, make_batch(examples).to(device)).item()) for examples in batches)


def mean_loss(model: Any, examples: Sequence[Example], batch_size: int = 8) -> float:
    """Mean cross-entropy in nats per answer token over all examples.

    Raises:
        NothingToLearn: there is no answer in them, and so no mean.
    """
    tokens = sum(example.answer_tokens for example in examples)
    if not tokens:
        raise NothingToLearn
    return summed_loss(model, [*pack_batches(examples, batch_size, Recipe().batch_tokens)]) / tokens


class HeldOutLoss:
    """Mean loss of packages on sets of dialogues, over one base model loaded once (bfloat16)."""

    def __init__(
        self,
        base: Path,
        dialogues: Mapping[str, Sequence[Dialogue]],
        device: torch.device | None = None,
        model: AdaptedModel | None = None,
    ) -> None:
        """Load the model, on the processor unless another device is given.

        Args:
            model: the base model, where it is loaded already.

        Raises:
            TooManyLeftOut: as in training; measured by what is left, a figure would not be of these dialogues.
        """
        tokenizer = ChatTokenizer(base)
        limit = read_context_length(base, None)
        self._examples: dict[str, list[Example]] = {}
        for name, some in dialogues.items():
            prepared = prepare_dialogues(some, tokenizer, max_tokens=limit, max_left_out=Recipe().max_left_out)
            self._examples[name] = prepared.examples_of([*prepared.examples])
        self._model = model or AdaptedModel(base, device)

    def evaluate(self, package: Path | None, dialogues: str) -> float:
        """Nats per answer token on the named set; None is the bare base model."""
        with self._model.wearing(package) as model:
            return mean_loss(model, self._examples[dialogues])


def relative_gain(base: float, adapted: float) -> float:
    """Share of the base's loss that an adapter takes away."""
    return (base - adapted) / base


def retained_gain(base: float, alone: float, composed: float) -> float:
    """Share of an adapter's gain that is left in a composition."""
    return (base - composed) / (base - alone)
