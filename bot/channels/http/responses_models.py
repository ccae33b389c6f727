"""The request of OpenAI's responses, with the fields that this service uses, ignores or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.channels.http.request_models import (
    Identifier,
    JsonObjectFormat,
    MaxTokens,
    RequestModel,
    TextFormat,
    Unsupported,
)
from bot.channels.http.tools import MAX_TOOLS, FunctionTool, OfferedTools, ToolModel, ToolName

REFUSED_PARAMETERS: Final = ("background", "prompt")
"""Parameters that would change the answer and are not supported; they may be empty."""
IGNORED_PARAMETERS: Final = ("include", "reasoning", "service_tier", "stream_options", "top_logprobs", "truncation")
"""Parameters that clients send on their own, and without which the answer is the same."""
ResponseId = Annotated[str, Field(max_length=256)]
Mark = Annotated[str, Field(max_length=512)]


class InputPart(RequestModel):
    type: Literal["input_text", "output_text", "refusal", "text", "input_image", "input_file", "input_audio"]
    """Parts other than text are refused by their name."""
    text: str | None = None
    refusal: str | None = None

    @model_validator(mode="after")
    def _check_text(self) -> Self:
        if self.type in ("input_text", "output_text", "text") and self.text is None:
            raise PydanticCustomError("missing_text", "A part of this type needs a text")
        return self

    @property
    def is_text(self) -> bool:
        return self.type in ("input_text", "output_text", "text", "refusal")


def _to_parts(content: object) -> object:
    if isinstance(content, str):
        return [{"type": "input_text", "text": content}]
    return [] if content is None else content


InputParts = Annotated[list[InputPart], BeforeValidator(_to_parts, json_schema_input_type=str | list[InputPart] | None)]


class InputItem(RequestModel):
    """A message, a call of a tool, or its result. The model's reasoning is ignored."""

    type: Literal["message", "function_call", "function_call_output", "reasoning", "item_reference"] = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    """Of a message."""
    content: InputParts = Field(default_factory=list)
    """Of a message: a text, or its parts."""
    call_id: Annotated[str, Field(max_length=256)] | None = None
    """Of a call and of its result."""
    name: Annotated[str, Field(max_length=256)] | None = None
    """Of a call."""
    arguments: str | None = None
    """Of a call: a JSON object."""
    output: InputParts = Field(default_factory=list)
    """Of a result: a text, or its parts."""

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        needed = {
            "message": ("role",),
            "function_call": ("call_id", "name", "arguments"),
            "function_call_output": ("call_id",),
        }.get(self.type, ())
        for name in needed:
            if getattr(self, name) is None:
                raise PydanticCustomError(
                    "missing_field", "An item of type {type} needs a {name}", {"type": self.type, "name": name}
                )
        return self


def _to_items(given: object) -> object:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


class ResponseTool(ToolModel):
    """A function of the client. Tools of other types are OpenAI's own, and ignored."""

    type: Annotated[str, Field(max_length=64)]
    name: ToolName | None = None
    description: Annotated[str, Field(max_length=20_000)] | None = None
    parameters: dict[str, Any] | None = None
    """JSON schema of its arguments."""

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.type == "function" and self.name is None:
            raise PydanticCustomError("missing_name", "A function needs a name")
        return self


class ChosenTool(ToolModel):
    type: Literal["function"]
    name: ToolName


class SchemaFormat(RequestModel):
    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(default_factory=lambda: {"type": "object"}, alias="schema")
    name: Annotated[str, Field(max_length=64)] | None = None


class TextOptions(RequestModel):
    format: Annotated[TextFormat | JsonObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None
    """What the answer has to be."""


ConversationName = Annotated[Identifier, Field(min_length=1)]


class NamedConversation(RequestModel):
    id: ConversationName


def _to_conversation(given: object) -> object:
    return {"id": given} if isinstance(given, str) else given


class ResponsesRequest(RequestModel):
    """What is to be answered. Fields that are not listed are ignored, unless `strict` is set."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"model": "sport+core", "input": "How do I rest after a long run?"},
                {
                    "model": "auto",
                    "user": "anna",
                    "instructions": "Answer in one line.",
                    "input": [{"role": "user", "content": [{"type": "input_text", "text": "My knee hurts."}]}],
                    "stream": True,
                },
            ]
        },
    )

    model: Annotated[str, Field(max_length=1000)]
    """A mode: an expression (`physics*0.7+core`), a named mode or an alias, `auto`, `base`."""
    input: Annotated[
        list[InputItem],
        Field(min_length=1),
        BeforeValidator(_to_items, json_schema_input_type=str | list[InputItem]),
    ]
    """A question, or messages, calls of tools and their results."""
    instructions: str | None = None
    """Instructions that follow the mind's own, for this response alone."""
    previous_response_id: ResponseId | None = None
    """The response that this one goes on from, with those before it."""
    conversation: Annotated[
        NamedConversation | None,
        BeforeValidator(_to_conversation, json_schema_input_type=ConversationName | NamedConversation | None),
    ] = None
    """The client's name for a conversation that is kept here; it begins with the first response that names it."""
    user: Identifier | None = None
    """The person who speaks, as the client names them. Without a person nothing is remembered."""
    safety_identifier: Identifier | None = None
    """OpenAI's newer name of `user`."""
    store: bool | None = None
    """Whether the response can be fetched and gone on from. The default is true for a named person or conversation,
    and false where nobody is named. With false nothing of its text is kept, and nothing is recalled for it."""
    stream: bool | None = None
    """Whether the answer comes as server-sent events."""
    max_output_tokens: MaxTokens = None
    """The most tokens that the answer may have; never more than the mind allows."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """How freely tokens are drawn; 0 takes the likeliest. The default is the mind's."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Only the likeliest tokens, up to this probability together. The default is the mind's."""
    metadata: Annotated[dict[Annotated[str, Field(max_length=64)], Mark], Field(max_length=16)] | None = None
    """The client's own marks, kept with the response. Ours: `sources: text`, the sources follow the answer as text;
    `task`, what a front end needs the answer for."""
    text: TextOptions | None = None
    """What the answer has to be."""
    tools: Annotated[list[ResponseTool], Field(max_length=MAX_TOOLS)] | None = None
    """Functions of the client that the model may call. Where the base model knows no tools the answer comes without
    them, and the header `X-Consilium-Ignored` says so."""
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    """Whether the answer has to be a call, and of which function."""
    parallel_tool_calls: bool | None = None
    """Whether an answer may have several calls."""
    strict: bool = False
    """Whether parameters that would be ignored are refused, by their names."""
    background: Unsupported = None
    """Not supported."""
    prompt: Unsupported = None
    """Not supported."""
    include: Any = None
    """Ignored."""
    reasoning: Any = None
    """Ignored."""
    service_tier: Any = None
    """Ignored."""
    stream_options: Any = None
    """Ignored."""
    top_logprobs: Any = None
    """Ignored: there are none."""
    truncation: Any = None
    """Ignored: what does not fit is left out, the oldest first."""

    @model_validator(mode="after")
    def _check_history(self) -> Self:
        if self.conversation is not None and self.previous_response_id is not None:
            raise PydanticCustomError(
                "two_histories", "A response goes on from a conversation or from a previous response, not from both"
            )
        return self

    @property
    def person(self) -> str | None:
        """The person who speaks; None if the request names nobody."""
        return self.user or self.safety_identifier

    @property
    def is_stored(self) -> bool | None:
        """Whether its text is kept: the client says so, or goes on from what is kept; None: if a person is named."""
        if self.store is not None:
            return self.store
        return True if self.conversation or self.previous_response_id else None

    @property
    def offered_tools(self) -> OfferedTools:
        """The tools that the model may call."""
        functions = [
            FunctionTool(name=tool.name, description=tool.description, parameters=tool.parameters)
            for tool in self.tools or ()
            if tool.type == "function" and tool.name is not None
        ]
        is_parallel = self.parallel_tool_calls is not False
        if isinstance(self.tool_choice, ChosenTool):
            return OfferedTools(functions, only=self.tool_choice.name, is_parallel=is_parallel)
        return OfferedTools(functions, self.tool_choice or "auto", is_parallel=is_parallel)

    def unsupported_parameters(self) -> Iterator[str]:
        """The parameters in use that are not supported; with `strict`, also those that would be ignored."""
        yield from (name for name in REFUSED_PARAMETERS if getattr(self, name))
        for number, item in enumerate(self.input):
            if item.type == "item_reference":
                yield f"input.{number}.item_reference"
            for field, parts in (("content", item.content), ("output", item.output)):
                place = f"input.{number}.{field}"
                yield from (f"{place}.{n}.{part.type}" for n, part in enumerate(parts) if not part.is_text)
        if self.strict:
            yield from (f"tools.{n}" for n, tool in enumerate(self.tools or ()) if tool.type != "function")
            yield from (name for name in IGNORED_PARAMETERS if getattr(self, name))
            yield from self.model_extra or ()
