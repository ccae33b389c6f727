"""Bodies of OpenAI's API, as every server sends them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ApiModel(BaseModel):
    """A body of which only some fields matter."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class CalledFunction(ApiModel):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(ApiModel):
    """A piece of a call, from a server that parses calls itself."""

    index: int = 0
    function: CalledFunction = CalledFunction()


class Delta(ApiModel):
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    reasoning_content: str | None = None
    """Thoughts, from a server that parses them itself."""


class Choice(ApiModel):
    delta: Delta = Delta()
    text: str = ""
    """The next piece, where a prompt is completed; a chat has it in `delta`."""
    finish_reason: str | None = None


class TokenUsage(ApiModel):
    prompt_tokens: int
    completion_tokens: int


class ServerError(ApiModel):
    """The server's account of what went wrong, in the body of a reply or in the middle of a stream."""

    message: str
    code: int | str | None = None


class WrappedError(ApiModel):
    """The shape in which some endpoints put it."""

    error: ServerError


class Chunk(ApiModel):
    """One event of a streamed answer."""

    choices: list[Choice] = Field(default_factory=list)
    usage: TokenUsage | None = None
    error: ServerError | None = None


class Model(ApiModel):
    id: str
    root: str = ""
    """Of an adapter, the folder it was loaded from."""
    parent: str | None = None
    """Of an adapter, the base model."""
    max_model_len: int | None = None
    """Of the base model, the longest prompt and answer together, in tokens, where the server tells it."""


class ModelList(ApiModel):
    """Reply of `/v1/models`: the base model and the adapters that are loaded."""

    data: list[Model]

    @property
    def adapters(self) -> dict[str, str]:
        """Name and folder of each adapter, in the server's order."""
        return {model.id: model.root for model in self.data if model.parent is not None}


def error_message(body: bytes) -> str:
    """What a reply with an error status says, whichever of the server's layers wrote it."""
    for shape in (ServerError, WrappedError):
        try:
            said = shape.model_validate_json(body)
        except ValidationError:
            continue
        return said.message if isinstance(said, ServerError) else said.error.message
    return " ".join(body.decode("utf-8", "replace")[:500].split()) or "no reason given"
