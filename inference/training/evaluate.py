"""What adapters do to held-out dialogues, alone and composed: losses, gains and what is kept of them.

A gain is the base's loss less the adapter's. Kept is the share of an adapter's gain on its own held-out dialogues
that is left in a composition: (base − composition) / (base − adapter alone).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.training.dialogues import Dialogue
from inference.training.encoding import encode_dialogue
from inference.training.loss import mean_loss


class HeldOutLoss:
    """Mean loss of packages on sets of dialogues, over one base model loaded once (bfloat16)."""

    def __init__(self, base: Path, dialogues: Mapping[str, Sequence[Dialogue]], max_tokens: int = 512) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(base)
        self._model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).eval()
        self._encoded = {
            name: [encode_dialogue(d, self._tokenizer, max_tokens) for d in some] for name, some in dialogues.items()
        }

    def evaluate(self, package: Path | None, dialogues: str) -> float:
        """Nats per answer token on the named set; None is the bare base model."""
        with self._adapted(package) as model:
            return mean_loss(model, self._encoded[dialogues], self._tokenizer.pad_token_id)

    @contextmanager
    def _adapted(self, package: Path | None) -> Iterator[Any]:
        if package is None:
            yield self._model
            return
        adapted = PeftModel.from_pretrained(self._model, package).eval()
        try:
            yield adapted
        finally:
            self._model = adapted.unload()


def relative_gain(base: float, adapted: float) -> float:
    """Share of the base's loss that an adapter takes away."""
    return (base - adapted) / base


def retained_gain(base: float, alone: float, composed: float) -> float:
    """Share of an adapter's gain that is left in a composition."""
    return (base - composed) / (base - alone)
