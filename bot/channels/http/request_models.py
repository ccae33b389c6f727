"""The request of OpenAI's chat completions, with the fields that this service uses, ignores or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from bot.channels.http.tools import MAX_TOOLS, FunctionTool, OfferedTools, ToolName

MAX_STOP_SEQUENCES: Final = 4
MAX_BIASED_TOKENS: Final = 1024
Identifier = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A client's name for a person or a session."""
Unsupported = Annotated[Any, WithJsonSchema({"enum": [None, False, 0, "", [], {}]})]
"""A parameter that is not supported: it may be there and say nothing."""
StopSequence = Annotated[str, Field(min_length=1, max_length=256)]
TokenId = Annotated[str, Field(pattern=r"^[0-9]{1,7}$")]
Bias = Annotated[float, Field(ge=-100, le=100)]

REFUSED_PARAMETERS: Final = ("functions", "audio")
"""Parameters that would change the answer and are not supported; they may be empty."""
IGNORED_PARAMETERS: Final = ("logprobs", "top_logprobs")
"""Parameters that front ends send on their own, and that add to an answer which is the same without."""


def _not_boolean(value: object) -> object:
    """Refuses true where 1 is meant: they are equal in Python, and different in JSON."""
    if isinstance(value, bool):
        raise PydanticCustomError("not_a_number", "Input should be a number")
    return value


One = Annotated[Literal[1], BeforeValidator(_not_boolean)]
Thumb = Annotated[Literal[1, -1], BeforeValidator(_not_boolean)]


class RequestModel(BaseModel):
    """Root of what requests have."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, use_attribute_docstrings=True)


class ContentPart(RequestModel):
    type: Literal["text", "refusal", "image_url", "input_audio", "file"]
    """Parts other than text are refused by their name."""
    text: str | None = None
    """Of a part of type `text`."""
    refusal: str | None = None
    """Of a part of type `refusal`."""

    @model_validator(mode="after")
    def _check_text(self) -> Self:
        if self.type == "text" and self.text is None:
            raise PydanticCustomError("missing_text", "A part of type text needs a text")
        return self


def _to_parts(content: object) -> object:
    """A content as a list of parts: a text is one, and null is none."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [] if content is None else content


class CalledFunction(RequestModel):
    name: Annotated[str, Field(max_length=256)]
    arguments: str
    """A JSON object."""


class MessageToolCall(RequestModel):
    id: Annotated[str, Field(max_length=256)]
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(RequestModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    """Who says it; `tool`: the result of a call. If the last message is the assistant's, the answer goes on from
    there."""
    content: Annotated[
        list[ContentPart], BeforeValidator(_to_parts, json_schema_input_type=str | list[ContentPart] | None)
    ] = []
    """A text, or its parts; null says nothing."""
    tool_calls: list[MessageToolCall] | None = None
    """Of the assistant: the calls that it asked for."""
    tool_call_id: Annotated[str, Field(max_length=256)] | None = None
    """Of a tool: the call whose result it is."""

    @model_validator(mode="after")
    def _check_result(self) -> Self:
        if self.role == "tool" and self.tool_call_id is None:
            raise PydanticCustomError("missing_call", "A message of a tool needs a tool_call_id")
        return self

    @property
    def text(self) -> str:
        """The text of all parts, joined."""
        return "".join(part.text or part.refusal or "" for part in self.content)


class TextFormat(RequestModel):
    type: Literal["text"]

    @property
    def schema_(self) -> None:
        """None: any text is allowed."""


class JsonObjectFormat(RequestModel):
    type: Literal["json_object"]

    @property
    def schema_(self) -> dict[str, Any]:
        """The schema of any object."""
        return {"type": "object"}


class NamedSchema(RequestModel):
    schema_: dict[str, Any] = Field(default_factory=lambda: {"type": "object"}, alias="schema")


class JsonSchemaFormat(RequestModel):
    type: Literal["json_schema"]
    json_schema: NamedSchema

    @property
    def schema_(self) -> dict[str, Any]:
        """The client's schema."""
        return self.json_schema.schema_


def _to_list(stop: object) -> object:
    return [stop] if isinstance(stop, str) else stop


_StopSequences = Annotated[list[StopSequence], Field(max_length=MAX_STOP_SEQUENCES)]
Stop = Annotated[
    _StopSequences | None, BeforeValidator(_to_list, json_schema_input_type=StopSequence | _StopSequences | None)
]


def _to_no_limit(tokens: object) -> object:
    return None if tokens == -1 else tokens


_PositiveInt = Annotated[int, Field(ge=1)]
MaxTokens = Annotated[
    _PositiveInt | None, BeforeValidator(_to_no_limit, json_schema_input_type=_PositiveInt | Literal[-1] | None)
]


class ChatTool(RequestModel):
    type: Literal["function"]
    function: FunctionTool


class ChosenFunction(RequestModel):
    name: ToolName


class NamedChoice(RequestModel):
    type: Literal["function"]
    function: ChosenFunction


class StreamOptions(RequestModel):
    include_usage: bool = False
    """Whether a last chunk has the token counts."""


class Metadata(RequestModel):
    session: Identifier | None = None
    """The client's name for the conversation that the request belongs to."""
    task: Identifier | None = None
    """What the client needs the answer for, such as a title: the request is its own, and no person's."""
    sources: Literal["text"] | None = None
    """`text`: the sources follow the answer as text, for clients that show nothing else."""


def _to_id(conversation: object) -> object:
    """The id of a conversation that is given as an object, as in OpenAI's responses."""
    if isinstance(conversation, dict) and isinstance(conversation.get("id"), str):
        return conversation["id"]
    return conversation


class ConversationReference(RequestModel):
    id: Identifier


ConversationId = Annotated[
    Identifier | None, BeforeValidator(_to_id, json_schema_input_type=Identifier | ConversationReference | None)
]


class ChatRequest(RequestModel):
    """A conversation to be answered. Fields that are not listed are ignored, unless `strict` is set."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"model": "sport+core", "messages": [{"role": "user", "content": "How do I rest after a long run?"}]},
                {
                    "model": "auto",
                    "user": "anna",
                    "stream": True,
                    "stream_options": {"include_usage": True},
                    "messages": [
                        {"role": "system", "content": "Answer in one line."},
                        {"role": "user", "content": "My knee hurts."},
                        {"role": "assistant", "content": "Rest it."},
                        {"role": "user", "content": "For how long?"},
                    ],
                },
            ]
        },
    )

    model: Annotated[str, Field(max_length=1000)]
    """A mode: an expression (`physics*0.7+core`), a named mode or an alias, `auto`, `base`."""
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    """The whole conversation."""
    user: Identifier | None = None
    """The person who speaks, as the client names them. Without a person nothing is remembered."""
    safety_identifier: Identifier | None = None
    """OpenAI's newer name of `user`."""
    metadata: Metadata | None = None
    """Our own details of the request."""
    conversation: ConversationId = None
    """The front end's conversation, by its id; it counts under a key that trusts n8n."""
    conversationId: Identifier | None = None  # noqa: N815  # n8n's name
    """n8n's name of `conversation`."""
    stream: bool | None = None
    """Whether the answer comes as server-sent events."""
    stream_options: StreamOptions | None = None
    """What the stream has beside the answer."""
    max_tokens: MaxTokens = None
    """The most tokens that the answer may have; -1: as many as the mind allows, which is the limit in any case."""
    max_completion_tokens: MaxTokens = None
    """OpenAI's newer name of `max_tokens`; the smaller of the two counts."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """How freely tokens are drawn; 0 takes the likeliest. The default is the mind's."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Only the likeliest tokens, up to this probability together. The default is the mind's."""
    top_k: Annotated[int, Field(ge=-1, le=2**31 - 1)] | None = None
    """Only so many of the likeliest tokens; 0 and -1: all."""
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Only tokens at least so likely, relative to the likeliest."""
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Taken from a token's score for each time that the answer has it already."""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Taken from a token's score if the answer has it already."""
    repetition_penalty: Annotated[float, Field(ge=0.5, le=2)] | None = None
    """Divides the scores of tokens that the prompt or the answer has already. The default is the mind's."""
    logit_bias: Annotated[dict[TokenId, Bias], Field(max_length=MAX_BIASED_TOKENS)] | None = None
    """Added to the scores of tokens, by their numbers in the base model's vocabulary."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """Repeats the same draw."""
    stop: Stop = None
    """The answer ends before the first of these texts."""
    response_format: Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")] | None = (
        None
    )
    """What the answer has to be; for JSON, bound everything in the schema (`maxLength`, `maxItems`)."""
    n: One | None = None
    """How many answers: one."""
    strict: bool = False
    """Whether parameters that would be ignored are refused, by their names."""
    logprobs: Any = None
    """Ignored: there are none."""
    top_logprobs: Any = None
    """Ignored: there are none."""
    tools: Annotated[list[ChatTool], Field(max_length=MAX_TOOLS)] | None = None
    """Functions of the client that the model may call. Where the base model knows no tools the answer comes without
    them, and the header `X-Consilium-Ignored` says so."""
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    """Whether the answer has to be a call, and of which function."""
    parallel_tool_calls: bool | None = None
    """Whether an answer may have several calls."""
    functions: Unsupported = None
    """Not supported."""
    audio: Unsupported = None
    """Not supported."""

    @property
    def offered_tools(self) -> OfferedTools:
        """The tools that the model may call."""
        functions = [tool.function for tool in self.tools or ()]
        is_parallel = self.parallel_tool_calls is not False
        if isinstance(self.tool_choice, NamedChoice):
            return OfferedTools(functions, only=self.tool_choice.function.name, is_parallel=is_parallel)
        return OfferedTools(functions, self.tool_choice or "auto", is_parallel=is_parallel)

    @property
    def person(self) -> str | None:
        """The person who speaks; None if the request names nobody."""
        return self.user or self.safety_identifier

    @property
    def conversation_id(self) -> str | None:
        """The front end's id of the conversation; None if the request has none."""
        return self.conversation or self.conversationId

    @property
    def stop_sequences(self) -> tuple[str, ...]:
        """The texts that end the answer."""
        return tuple(self.stop or ())

    @property
    def token_limit(self) -> int | None:
        """The most tokens of the answer; None if the request does not limit them."""
        limits = [limit for limit in (self.max_tokens, self.max_completion_tokens) if limit is not None]
        return min(limits, default=None)

    @property
    def token_bias(self) -> dict[int, float] | None:
        """What is added to the scores of tokens, by their ids."""
        return None if self.logit_bias is None else {int(token): bias for token, bias in self.logit_bias.items()}

    def unsupported_parameters(self) -> Iterator[str]:
        """The parameters in use that are not supported; with `strict`, also those that would be ignored."""
        yield from (name for name in REFUSED_PARAMETERS if getattr(self, name))
        for number, message in enumerate(self.messages):
            for part_number, part in enumerate(message.content):
                if part.type not in ("text", "refusal"):
                    yield f"messages.{number}.content.{part_number}.{part.type}"
        if self.strict:
            yield from (name for name in IGNORED_PARAMETERS if getattr(self, name))
            yield from self.model_extra or ()
