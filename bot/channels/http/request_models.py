"""The request of OpenAI's chat completions, with the fields that this service uses or refuses."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_STOP_SEQUENCES: Final = 4
Identifier = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A client's name for a person or a session."""
StopSequence = Annotated[str, Field(min_length=1, max_length=256)]

UNSUPPORTED_PARAMETERS: Final = (
    "tools",
    "functions",
    "logit_bias",
    "logprobs",
    "audio",
    "frequency_penalty",
    "presence_penalty",
)
"""Parameters that would change the answer and are not supported; they may be empty or zero."""


class _RequestModel(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class TextPart(_RequestModel):
    type: Literal["text"]
    text: str


class ChatMessage(_RequestModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    @property
    def text(self) -> str:
        """The text of all parts, joined."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class TextFormat(_RequestModel):
    type: Literal["text"]

    @property
    def schema_(self) -> None:
        """None: any text is allowed."""


class JsonObjectFormat(_RequestModel):
    type: Literal["json_object"]

    @property
    def schema_(self) -> dict[str, Any]:
        """The schema of any object."""
        return {"type": "object"}


class NamedSchema(_RequestModel):
    schema_: dict[str, Any] = Field(default_factory=lambda: {"type": "object"}, alias="schema")


class JsonSchemaFormat(_RequestModel):
    type: Literal["json_schema"]
    json_schema: NamedSchema

    @property
    def schema_(self) -> dict[str, Any]:
        """The client's schema."""
        return self.json_schema.schema_


class StreamOptions(_RequestModel):
    include_usage: bool = False


class Metadata(_RequestModel):
    session: Identifier | None = None
    """The client's name for the conversation that the request belongs to."""
    task: Identifier | None = None
    """What the client needs the answer for, such as a title: the request is its own, and no person's."""


class ChatRequest(_RequestModel):
    """Body of `POST /v1/chat/completions`."""

    model: Annotated[str, Field(max_length=1000)]
    """A mode."""
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    user: Identifier | None = None
    """The person who speaks, as the client names them."""
    safety_identifier: Identifier | None = None
    """OpenAI's newer name of `user`."""
    metadata: Metadata | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: StopSequence | Annotated[list[StopSequence], Field(max_length=MAX_STOP_SEQUENCES)] | None = None
    response_format: Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")] | None = (
        None
    )
    n: Literal[1] | None = None
    tools: Any = None
    functions: Any = None
    logit_bias: Any = None
    logprobs: Any = None
    audio: Any = None
    frequency_penalty: Any = None
    presence_penalty: Any = None

    @property
    def person(self) -> str | None:
        return self.user or self.safety_identifier

    @property
    def stop_sequences(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def unsupported_parameter(self) -> str | None:
        """The first parameter in use that is not supported; None when there is none."""
        return next((name for name in UNSUPPORTED_PARAMETERS if getattr(self, name)), None)
