"""The objects of OpenAI's responses, with our own details."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from bot.channels.http.response_models import ConsiliumDetails, ResponseModel


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
    annotations: list[FileCitation] = Field(default_factory=list)
    logprobs: list[Any] = Field(default_factory=list)


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
    format: dict[str, Any] = Field(default_factory=lambda: {"type": "text"})


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
    tools: list[dict[str, Any]] = Field(default_factory=list)
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
