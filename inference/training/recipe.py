"""The settings of a training run: every number that shapes an adapter, recorded in its manifest."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


class Recipe(BaseModel):
    """Hyper-parameters of one adapter's training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(8, ge=1, le=256)
    alpha: int = Field(16, ge=1)
    modules: tuple[str, ...] = ATTENTION
    """Attention only: on a large mixture-of-experts base, experts would make an adapter sixty times larger."""
    learning_rate: float = Field(2e-3, gt=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of all steps."""
    weight_decay: float = Field(0.01, ge=0)
    batch_size: int = Field(4, ge=1)
    """Examples a step; a dialogue is one, or several where its chat template shows earlier answers differently."""
    epochs: int = Field(4, ge=1)
    """At most; early stopping may end sooner."""
    patience: int = Field(1, ge=1)
    """Epochs without a better validation loss before the end."""
    validation_share: float = Field(0.125, gt=0, lt=1)
    """Share of the dialogues kept back to stop by; never trained on, never reported as held-out."""
    rehearsal: float = Field(0.5, ge=0, le=1)
    """Share of the core's dialogues seen again in each epoch of a topic, so that the topic adds to the core
    instead of writing over it."""
    core_dropout: float = Field(0.5, ge=0, le=1)
    """Share of a topic's dialogues learnt while the core is silent, so that the topic also stands on its own."""
    max_tokens: int = Field(2048, ge=16)
    """Longest dialogue, in tokens, if the model's context is not shorter; longer ones are left out whole."""
    max_left_out: float = Field(0.05, ge=0, lt=1)
    """Share of the dialogues that may be left out: too long, or nothing the model's tokenizer can write."""
    seed: int = 7
