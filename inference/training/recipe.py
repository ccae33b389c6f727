"""The settings of a training run: every number that shapes an adapter, recorded in its manifest."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MIN_DIALOGUES = 16
"""Fewer are too few to both train on and stop early by."""


class Precision(StrEnum):
    """The number format of the base model while an adapter is trained; the adapter itself is always float32."""

    AUTO = "auto"
    """bfloat16 where the hardware computes in it, otherwise float32."""
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


class Quantization(StrEnum):
    """How the frozen base model is stored."""

    NONE = "none"
    FOUR_BIT = "4bit"
    """NF4 with bitsandbytes: QLoRA (Dettmers et al., 2023, arXiv:2305.14314)."""


def _split_names(value: Any) -> Any:
    return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


Modules = Annotated[
    tuple[str, ...],
    BeforeValidator(_split_names, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]


class Recipe(BaseModel):
    """How an adapter is trained. What is left out has its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    rank: int = Field(default=8, ge=1, le=256, examples=["8"])
    """Rank of the LoRA."""
    alpha: int = Field(default_factory=lambda fields: 2 * fields.get("rank", 8), ge=1, examples=["16"])
    """Alpha of the LoRA: what it adds is multiplied by alpha / rank. Default: twice the rank."""
    modules: Modules = Field(default=("attention",), examples=["attention"])
    """What the LoRA is on: `attention`, `all-linear`, or names of modules. Attention only by default: it is small."""
    dropout: float = Field(default=0.0, ge=0, lt=1, examples=["0.05"])
    """Dropout before the LoRA, while it is trained."""
    learning_rate: float = Field(default=2e-3, gt=0, examples=["0.002"])
    """Learning rate of AdamW at its highest."""
    warmup: float = Field(default=0.1, ge=0, lt=1, examples=["0.1"])
    """Share of all steps in which the learning rate rises; then it falls, as a cosine does, to 0."""
    weight_decay: float = Field(default=0.01, ge=0, examples=["0.01"])
    """Weight decay of AdamW."""
    batch_size: int = Field(default=4, ge=1, examples=["4"])
    """Examples that are computed at once. A dialogue is one, or several if its template shows earlier answers
    differently than it asks for them."""
    accumulate: int = Field(default=1, ge=1, examples=["1"])
    """Batches whose gradients are added up to one step of the optimizer."""
    batch_tokens: int = Field(default=16384, ge=16, examples=["16384"])
    """Tokens that are computed at once, padding included; larger batches are computed in parts, with the same
    result."""
    epochs: int = Field(default=4, ge=1, examples=["4"])
    """Passes over the dialogues, at most; early stopping may end sooner."""
    patience: int = Field(default=1, ge=1, examples=["1"])
    """Epochs without a better validation loss after which training stops."""
    validation_share: float = Field(default=0.125, gt=0, lt=1, examples=["0.125"])
    """Share of the dialogues kept back to stop by; never trained on, never reported as held-out."""
    rehearsal: float = Field(default=0.5, ge=0, le=1, examples=["0.5"])
    """Share of the core's dialogues seen again in each epoch of a topic, so that the topic adds to the core instead of
    writing over it."""
    core_dropout: float = Field(default=0.5, ge=0, le=1, examples=["0.5"])
    """Share of a topic's dialogues learnt while the core is silent, so that the topic also stands on its own."""
    anchor: float = Field(default=0.0, ge=0, le=100, examples=["1"])
    """How many nats of loss a nat of drift from the base model weighs, on texts that the base model makes up itself:
    the higher, the less the adapter moves what is none of its business. 0: it is not held to the base model."""
    max_tokens: int = Field(default=2048, ge=16, examples=["2048"])
    """Longest dialogue in tokens, if the model's context is not shorter; longer ones are left out whole, never cut."""
    max_left_out: float = Field(default=0.05, ge=0, lt=1, examples=["0.05"])
    """Share of the dialogues that may be left out before training is refused."""
    precision: Precision = Field(default=Precision.AUTO, examples=["bfloat16"])
    """Number format of the base model: `bfloat16`, `float32`, or `auto`: bfloat16 where the hardware computes in it."""
    quantize: Quantization = Field(default=Quantization.NONE, examples=["4bit"])
    """`4bit` stores the base model in four bits (QLoRA; needs bitsandbytes)."""
    gradient_checkpointing: bool = Field(default=False, examples=["true"])
    """Keep less in memory for the backward pass and compute it again: a third slower, a fraction of the memory."""
    seed: int = Field(default=7, ge=0, le=2**31 - 1, examples=["7"])
    """Seed of the split, the order, the initial weights and the dropout."""

    @property
    def examples_a_step(self) -> int:
        """Examples whose gradient makes one step of the optimizer, however many processes share them."""
        return self.batch_size * self.accumulate
