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


FinishReason = Literal["stop", "length", "tool_calls"]


class CalledFunction(ResponseModel):
    name: str
    arguments: str
    """A JSON object."""


class ToolCallObject(ResponseModel):
    """A call of one of the request's tools."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class Citation(ResponseModel):
    start_index: int
    """Characters (Unicode code points) of the text before the citation mark."""
    end_index: int
    """Characters of the text up to the end of the mark."""
    title: str
    url: Annotated[str, Field(examples=["library:Training%20log#May"])]
    """A name of the passage in the library; no browser opens it."""


class UrlCitation(ResponseModel):
    """What a citation mark in the text stands for."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: Citation


class AssistantMessage(ResponseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None
    """Null if the answer is calls alone."""
    refusal: None = None
    annotations: list[UrlCitation] = []
    tool_calls: list[ToolCallObject] | None = None
    """With the `finish_reason` `tool_calls`: what the client is to run."""


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


class ToolCallChunk(ToolCallObject):
    index: int


class Delta(ResponseModel):
    """The next piece of an answer."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    """What the model thinks before it answers; no part of the answer."""
    tool_calls: list[ToolCallChunk] | None = None
    """Whole calls, with the `finish_reason` `tool_calls`."""
    annotations: list[UrlCitation] | None = None
    """Of the whole text, in the chunk with the `finish_reason`."""


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


class FileCitation(ResponseModel):
    """What a citation mark in the text stands for."""

    type: Literal["file_citation"] = "file_citation"
    file_id: Annotated[str, Field(examples=["library:Training%20log#May"])]
    """A name of the passage in the library."""
    filename: str
    """The document's title."""
    index: int
    """As `start_index`."""
    start_index: int
    """Characters (Unicode code points) of the text before the citation mark."""
    end_index: int
    """Characters of the text up to the end of the mark."""
    quote: str


class OutputText(ResponseModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[FileCitation] = []
    logprobs: list[Any] = []


class OutputMessage(ResponseModel):
    """The answer."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText]


class FunctionCall(ResponseModel):
    """A call of one of the request's tools."""

    id: str
    type: Literal["function_call"] = "function_call"
    call_id: str
    """What the result is to name."""
    name: str
    arguments: str
    """A JSON object."""
    status: Literal["in_progress", "completed"]


class ResponseError(ResponseModel):
    code: str
    message: str


class IncompleteDetails(ResponseModel):
    reason: Literal["max_output_tokens"] = "max_output_tokens"


class CachedTokens(ResponseModel):
    cached_tokens: int = 0


class ReasoningTokens(ResponseModel):
    reasoning_tokens: int = 0


class ResponseUsage(ResponseModel):
    input_tokens: int
    input_tokens_details: CachedTokens = CachedTokens()
    output_tokens: int
    output_tokens_details: ReasoningTokens = ReasoningTokens()
    total_tokens: int


class ConversationReference(ResponseModel):
    id: str


class ResponseText(ResponseModel):
    format: dict[str, Any] = {"type": "text"}


class Response(ResponseModel):
    """A response: an answer, or calls of tools, with what was asked for."""

    id: Annotated[str, Field(examples=["resp_019ad3f25f0e7c3e9a510d1c6d0e4b7a"])]
    object: Literal["response"] = "response"
    created_at: int
    """Seconds since 1970."""
    completed_at: int | None = None
    status: Literal["in_progress", "completed", "incomplete", "failed", "cancelled"]
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    model: Annotated[str, Field(examples=["core+sport"])]
    """The mode that answered, in canonical form."""
    output: list[OutputMessage | FunctionCall]
    usage: ResponseUsage | None = None
    previous_response_id: str | None = None
    conversation: ConversationReference | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool = True
    temperature: float | None = None
    top_p: float | None = None
    tool_choice: str | dict[str, Any] = "auto"
    tools: list[dict[str, Any]] = []
    text: ResponseText = ResponseText()
    truncation: Literal["auto"] = "auto"
    """What does not fit into the prompt is left out, the oldest first."""
    store: bool
    """Whether it can be fetched and gone on from."""
    user: str | None = None
    background: Literal[False] = False
    consilium: ConsiliumDetails | None = None
    """Null until the answer is complete."""


class DeletedResponse(ResponseModel):
    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


class Embedding(ResponseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str
    """Of unit length; with `encoding_format: base64`, little-endian 32-bit floats in base64."""


class EmbeddingUsage(ResponseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingList(ResponseModel):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    """The embedding model and its version: vectors of different models cannot be compared."""
    usage: EmbeddingUsage
