"""The engine port: what the rest of the service asks of whatever generates text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from inference.adapters.usage import AdapterRef

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model asks for, or has asked for."""

    name: str
    arguments: str
    """A JSON object."""
    id: str = ""
    """The caller's name of it; empty for a call that has just been generated."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt, in the roles every chat template knows, and in that of tools where it knows tools."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    _: KW_ONLY
    tool_calls: tuple[ToolCall, ...] = ()
    """What the assistant asked for beside its text."""
    tool_call_id: str = ""
    """Of a tool's message: the call whose result it is."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn."""

    max_tokens: int = 256
    temperature: float = 0.7
    """0 is greedy."""
    top_p: float = 0.9
    repetition_penalty: float = 1.1
    seed: int | None = None
    top_k: int = -1
    """Only so many of the likeliest tokens are drawn from; -1: from all."""
    min_p: float = 0.0
    """Only tokens are drawn that are at least so likely, relative to the likeliest."""
    frequency_penalty: float = 0.0
    """Taken from a token's score for each time that the answer has it already."""
    presence_penalty: float = 0.0
    """Taken from a token's score if the answer has it already."""
    logit_bias: Mapping[int, float] = field(default_factory=dict, hash=False)
    """Added to the scores of tokens, by their ids."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    messages: Sequence[Message]
    adapter: AdapterRef | None = None
    """None answers with the bare base model."""
    sampling: Sampling = Sampling()
    schema: Mapping[str, Any] | None = None
    """JSON schema the answer must satisfy; None for free text. Bound everything in it (`maxLength`, `maxItems`): an
    answer that reaches `max_tokens` is cut, and then it is no JSON."""
    thinking: bool = False
    """Whether the model may think before it answers. With a schema it answers at once."""
    answer_prefix: str = ""
    """The beginning of the answer, which goes on from there at once. It counts as prompt, and is not repeated."""
    invocation: Sequence[int] = ()
    """Token ids from whose last occurrence in the prompt onward the adapter reads and writes; what is before them is
    the base model's, and nothing is adapted where they do not occur (PEFT's activated LoRA). Empty: the adapter reads
    the whole prompt. Only for an engine with `ActivatesAdapters`; others ignore it."""
    tools: Sequence[Mapping[str, Any]] = ()
    """What the model may call, in OpenAI's form (`{"type": "function", "function": {…}}`). Only for an engine that
    `takes_tools`."""

    @property
    def parses_tool_calls(self) -> bool:
        """Whether calls are looked for in what is generated. What satisfies a schema has none."""
        return bool(self.tools) and self.schema is None

    @property
    def thinks(self) -> bool:
        return self.thinking and self.schema is None and not self.answer_prefix


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
    cached_tokens: int = 0
    """Tokens of the prompt that were not computed anew, where the engine tells it."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer; pieces joined in order are the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThoughtDelta:
    """The next piece of what the model thinks before it answers; no part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Always the last event of a stream that did not raise."""

    reason: FinishReason
    usage: Usage


GenerationEvent = TextDelta | ThoughtDelta | ToolCall | Finished


class TokenCounter(Protocol):
    """Counts with the model's own tokenizer and chat template."""

    def count(self, text: str) -> int:
        """Tokens of a bare text, without special tokens."""
        ...

    def count_prompt(self, messages: Sequence[Message]) -> int:
        """Tokens of a whole prompt as the chat template writes it, with the head of the answer to come."""
        ...

    @property
    def takes_tools(self) -> bool:
        """Whether the chat template shows tools to the model, and the calls that it teaches can be read."""
        ...


class Engine(Protocol):
    """Streams answers of one base model, with one adapter (or none) a request.

    Closing the iterator early (`aclosing`, or cancellation of the task that reads it) stops the generation
    and frees what it held.
    """

    @property
    def tokenizer(self) -> TokenCounter: ...

    @property
    def context_tokens(self) -> int:
        """Longest prompt and answer together, in tokens."""
        ...

    @property
    def max_rank(self) -> int | None:
        """Largest rank of an adapter it takes; None when there is no limit. Known once it has started."""
        ...

    async def start(self) -> None:
        """Become ready to answer: load the model, or reach the server and learn its limits.

        Raises:
            EngineError: what is missing, and how to mend it.
        """
        ...

    def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer: any number of `ThoughtDelta`, of `TextDelta` and of `ToolCall`, then one `Finished`.

        Raises:
            EngineError: the engine cannot answer; the error says whether a second try may help.
        """
        ...

    async def score(
        self, messages: Sequence[Message], continuation: str, adapter: AdapterRef | None = None
    ) -> TokenScores:
        """How likely the model holds `continuation` as the answer to `messages`; its end mark is not counted.

        Raises:
            EngineError: as `generate`.
        """
        ...

    async def load_adapter(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Bring an adapter to where it answers at once, before anybody asks for it; `pinned` keeps it there.

        Raises:
            EngineError: it cannot be loaded.
        """
        ...

    async def unload_adapter(self, name: str) -> None:
        """Let go of an adapter wherever it is held, once its running answers are out. Not to hold it is no error.

        Its folder has to be gone or moved first: an engine may come back to it for as long as it is there.

        Raises:
            EngineError: a server could not be reached.
        """
        ...

    async def close(self) -> None:
        """Release the model, threads and connections. Idempotent."""
        ...


@runtime_checkable
class ReportsHealth(Protocol):
    """An engine that knows whether it can answer now; one that does not is taken to be well."""

    async def health_problem(self) -> str | None:
        """What keeps it from answering, in a few words; None when nothing is known to. Returns at once."""
        ...


@runtime_checkable
class ListsAdapters(Protocol):
    """An engine that knows at once which adapters it holds."""

    @property
    def held_adapters(self) -> frozenset[str]:
        """Names of the adapters that it would answer with now, without loading them first, as far as is known."""
        ...


@runtime_checkable
class ActivatesAdapters(Protocol):
    """An engine that can let an adapter begin in the middle of a prompt."""

    @property
    def question_head(self) -> Sequence[int]:
        """Token ids with which the last question of a prompt begins, as `GenerationRequest.invocation` takes them; none
        where the chat template writes no mark before it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TokenScores:
    """Log-probabilities of a text's tokens, each given the prompt and the tokens before it."""

    tokens: tuple[int, ...]
    logprobs: NDArray[np.float32]
    """Natural logarithms, one a token: shape (tokens,)."""

    @property
    def mean_loss(self) -> float:
        """Cross-entropy in nats per token."""
        return -float(self.logprobs.mean())
