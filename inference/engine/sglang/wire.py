"""What goes to and comes from SGLang's OpenAI endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.engine.chat_template import TEMPLATE_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from inference.engine.port import AdapterRef, Message, Sampling


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Delta(_Wire):
    content: str | None = None


class Choice(_Wire):
    delta: Delta = Delta()
    finish_reason: str | None = None


class TokenUsage(_Wire):
    prompt_tokens: int
    completion_tokens: int


class ServerError(_Wire):
    """The server's account of what went wrong, in the body of a reply or in the middle of a stream."""

    message: str
    code: int | None = None


class Chunk(_Wire):
    """One event of a streamed answer."""

    choices: list[Choice] = Field(default_factory=list)
    usage: TokenUsage | None = None
    error: ServerError | None = None


class LoadReply(_Wire):
    """Reply to the loading of an adapter."""

    success: bool
    error_message: str | None = None
    loaded_adapters: dict[str, str | None] | None = None


def chat_request(
    model: str,
    messages: Sequence[Message],
    adapter: AdapterRef | None,
    sampling: Sampling,
    *,
    max_tokens: int,
    stop_ids: Collection[int],
) -> dict[str, Any]:
    """Body of a streamed `/v1/chat/completions`.

    The adapter is named behind the base: its name alone would be answered by the base without a word. Settings a
    model's own generation config could otherwise fill in are all given, so that every engine draws alike.
    """
    request: dict[str, Any] = {
        "model": f"{model}:{adapter.name}" if adapter else model,
        "messages": [{"role": m.role, "content": m.content} for m in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": sampling.repetition_penalty,
        "stop_token_ids": sorted(stop_ids),
        "chat_template_kwargs": dict(TEMPLATE_OPTIONS),
    }
    if sampling.seed is not None:
        request["seed"] = sampling.seed
    return request


def refusal(body: bytes) -> str:
    """What a reply with an error status says, whichever of the server's layers wrote it."""
    text = body.decode("utf-8", "replace").strip()
    try:
        return ServerError.model_validate_json(body).message
    except ValidationError:
        return " ".join(text[:500].split()) or "no reason given"
