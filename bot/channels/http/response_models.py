"""What the API answers with in OpenAI's chat completions, models and embeddings, with our own details; and errors."""

from __future__ import annotations

from typing import Annotated, Literal

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
