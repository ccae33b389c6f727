"""The engine port: what the rest of the service asks of whatever generates text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt, in the roles every chat template knows."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class AdapterRef:
    """A composition made ready on disk, in the safe form (see `inference.adapters.package`)."""

    name: str
    """Content-addressed name; equal names mean equal weights."""
    path: Path
    """Folder with `adapter_config.json` and `adapter_model.safetensors`."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn."""

    max_tokens: int = 256
    temperature: float = 0.7
    """0 is greedy."""
    top_p: float = 0.9
    repetition_penalty: float = 1.1
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    messages: Sequence[Message]
    adapter: AdapterRef | None = None
    """None answers with the bare base model."""
    sampling: Sampling = Sampling()


class FinishReason(StrEnum):
    STOP = "stop"
    """The model ended its answer."""
    LENGTH = "length"
    """The answer reached `max_tokens` or the context's end."""
    CANCELLED = "cancelled"
    """The reader stopped it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one generation."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer; pieces joined in order are the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Always the last event of a stream that did not raise."""

    reason: FinishReason
    usage: Usage


GenerationEvent = TextDelta | Finished


class TokenCounter(Protocol):
    """Counts with the model's own tokenizer and chat template."""

    def count(self, text: str) -> int:
        """Tokens of a bare text, without special tokens."""
        ...

    def count_prompt(self, messages: Sequence[Message]) -> int:
        """Tokens of a whole prompt as the chat template writes it, with the head of the answer to come."""
        ...


class Engine(Protocol):
    """Streams answers of one base model, with one adapter (or none) a request.

    Closing the iterator early (`aclosing`, or cancellation of the task that reads it) stops the generation
    and frees what it held.
    """

    @property
    def tokens(self) -> TokenCounter: ...

    @property
    def context_tokens(self) -> int:
        """Longest prompt and answer together, in tokens."""
        ...

    def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer: any number of `TextDelta`, then one `Finished`.

        Raises:
            EngineError: the engine cannot answer; the error says whether a second try may help.
        """
        ...

    async def close(self) -> None:
        """Release the model, threads and connections. Idempotent."""
        ...
