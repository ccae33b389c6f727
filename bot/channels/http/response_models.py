"""What the API answers with: OpenAI's objects, with our own details, and objects of our own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ResponseModel(BaseModel):
    """Root of the responses. They are made from checked data, so nothing is converted."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, from_attributes=True)


class ErrorDetails(ResponseModel):
    message: Annotated[str, Field(examples=["“temperature” is invalid: Input should be less than or equal to 2."])]
    """What happened and what to do, in the language of `Accept-Language`."""
    type: Literal["invalid_request_error", "permission_error", "rate_limit_error", "server_error"]
    param: Annotated[str | None, Field(examples=["temperature"])]
    """The field that is wrong."""
    code: Annotated[str | None, Field(examples=["unsupported_parameter"])]


class ErrorObject(ResponseModel):
    """OpenAI's error object."""

    error: ErrorDetails


class SourceObject(ResponseModel):
    """A passage of the library that an answer cites."""

    n: int
    """The number in the citation mark."""
    title: str
    where: str
    """The place in the document: a heading, a page, a row."""
    quote: str


class ConsiliumDetails(ResponseModel):
    """What OpenAI's format has no place for."""

    turn: str | None
    """The turn's id."""
    mode: Annotated[str, Field(examples=["core+sport"])]
    """The mode that answered, in canonical form."""
    adapter: str | None
    """The composition that answered; null for the bare base model."""
    sources: list[SourceObject]
    memories: list[str]
    """What was recalled about the person."""
    stopped: bool
    """Whether the person stopped the answer."""


class TokenUsage(ResponseModel):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


FinishReason = Literal["stop", "length"]


class AssistantMessage(ResponseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(ResponseModel):
    index: Literal[0] = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: FinishReason


class ChatCompletion(ResponseModel):
    """An answer, whole."""

    id: Annotated[str, Field(examples=["chatcmpl-019ad3f2-5f0e-7c3e-9a51-0d1c6d0e4b7a"])]
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    """Seconds since 1970."""
    model: Annotated[str, Field(examples=["core+sport"])]
    """The mode that answered, in canonical form."""
    choices: list[Choice]
    usage: TokenUsage
    consilium: ConsiliumDetails


class Delta(ResponseModel):
    """The next piece of an answer."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    """What the model thinks before it answers; no part of the answer."""


class ChunkChoice(ResponseModel):
    index: Literal[0] = 0
    delta: Delta
    logprobs: None = None
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(ResponseModel):
    """The data of one event of a stream. The event after the last has the data `[DONE]`."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: TokenUsage | None = None
    """With `stream_options.include_usage`: null but in the last chunk."""
    consilium: ConsiliumDetails | None = None
    """In the chunk with the `finish_reason`."""


class ModelObject(ResponseModel):
    """A mode, as OpenAI's model."""

    id: Annotated[str, Field(examples=["sport"])]
    object: Literal["model"] = "model"
    created: Literal[0] = 0
    owned_by: str
    """The mind's name."""


class ModelList(ResponseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]


class ModeObject(ResponseModel):
    """A mode that can be asked for by one name."""

    object: Literal["mode"] = "mode"
    name: Annotated[str, Field(examples=["sport"])]
    kind: Literal["core", "topic", "isolated", "named", "auto", "base"]
    about: str
    aliases: list[str]
    mode: Annotated[str, Field(examples=["core+sport"])]
    """The mode in canonical form."""


class ModeList(ResponseModel):
    object: Literal["list"] = "list"
    mind: str
    default: str
    """The mode of who asks for none."""
    data: list[ModeObject]


class TurnUsage(ResponseModel):
    prompt_tokens: int | None
    completion_tokens: int | None


class TurnObject(ResponseModel):
    """One message and its answer."""

    id: str
    object: Literal["turn"] = "turn"
    state: str
    question: str
    answer: str | None
    mode: str | None
    asked_mode: str | None
    adapter: str | None
    finish_reason: str | None
    usage: TurnUsage
    sources: list[dict[str, Any]] | None
    memories: list[str] | None
    error: str | None
    created_at: str
    ended_at: str | None


class MemoryObject(ResponseModel):
    """What is remembered of a person."""

    id: str
    object: Literal["memory"] = "memory"
    kind: str
    content: str
    created_at: str


class MemoryList(ResponseModel):
    object: Literal["list"] = "list"
    data: list[MemoryObject]


class ForgottenCounts(ResponseModel):
    """How much was forgotten, by its kind."""

    facts: int
    messages: int
    answers: int
    documents: int


class UnsureRecord(ResponseModel):
    """What may say the same, and was kept."""

    record: str
    """Can be deleted as a memory can."""
    kind: str
    content: str
    date: str


class DeletedMemory(ResponseModel):
    id: str
    object: Literal["memory"] = "memory"
    deleted: Literal[True] = True
    forgotten: ForgottenCounts
    unsure: list[UnsureRecord]


class DeletedMemories(ResponseModel):
    object: Literal["list"] = "list"
    deleted: int
    """How many."""
