"""What a training comes to: its epochs, and the adapter."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from peft import LoraConfig

from inference.training.budget import Fitted
from inference.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the dialogues came to; losses in nats per answer token."""

    number: int
    training_loss: float
    validation_loss: float
    core_validation_loss: float | None
    """None when no core is rehearsed."""
    steps: int
    """Steps done at its end, since the beginning."""
    drift: float | None = None
    """Mean drift from the base model while it was learnt, in nats a token of what the base makes up; None where the
    adapter is not held to the base."""
    cut_short: bool = False
    """Whether the time was over before its last step."""

    @property
    def stopping_loss(self) -> float:
        """What early stopping watches: with a core, the topic and the core count alike."""
        if self.core_validation_loss is None:
            return self.validation_loss
        return (self.validation_loss + self.core_validation_loss) / 2


@dataclass(frozen=True, slots=True)
class TrainedAdapter:
    """Weights of the best epoch, as PEFT names them, float32."""

    tensors: dict[str, torch.Tensor]
    config: LoraConfig
    recipe: Recipe
    """As it was run: with the modules that were chosen, the precision, and the epochs that there was time for."""
    inputs: str
    """Digest of all that the adapter follows from."""
    epochs: list[Epoch]
    best_epoch: int
    """Number of the epoch the weights are of."""
    losses: list[float]
    """Of every step, in nats per answer token."""
    fitted: Fitted
    dialogues: int
    """Of its own that were learnt or kept back."""

    @property
    def best(self) -> Epoch:
        """The epoch the weights are of."""
        return self.epochs[self.best_epoch - 1]
