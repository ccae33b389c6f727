"""Reads one streamed answer of a server."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from pydantic import ValidationError

from inference.engine.errors import EngineResponseTimeout, EngineStreamTimeout
from inference.engine.port import Finished, FinishReason, TextDelta, Usage
from inference.engine.sglang.sse import parse_events
from inference.engine.sglang.wire import Chunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from inference.engine.errors import EngineTimeout
    from inference.engine.port import GenerationEvent
    from inference.engine.sglang.link import ServerClient


async def read_answer(client: ServerClient, response: httpx.Response) -> AsyncGenerator[GenerationEvent, None]:
    """The events of a streamed answer; one that ends without saying so raises.

    Raises:
        EngineUnavailable, EngineResponseTimeout, EngineStreamTimeout, EngineRefused: the stream broke off,
            stalled, or held an error.
    """
    reason: FinishReason | None = None
    usage: Usage | None = None
    late: type[EngineTimeout] = EngineResponseTimeout
    seconds = client.timeouts.first_token
    async with aclosing(parse_events(response.aiter_bytes())) as stream:
        while True:
            async with client.deadline(late, seconds):
                data = await anext(stream, None)
            if data is None:
                raise client.unavailable_error("the answer broke off")
            if data == "[DONE]":
                # Read to its very end, the connection can be used again.
                async with client.deadline(late, seconds):
                    await anext(stream, None)
                break
            chunk = _parse_chunk(client, data)
            for choice in chunk.choices:
                if choice.delta.content:
                    yield TextDelta(choice.delta.content)
                if choice.finish_reason:
                    reason = _parse_finish_reason(client, choice.finish_reason)
            if chunk.usage:
                usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            late, seconds = EngineStreamTimeout, client.timeouts.between_tokens
    if reason is None or usage is None:
        raise client.unavailable_error("the answer ended without its reason or its token counts")
    yield Finished(reason, usage)


def _parse_chunk(client: ServerClient, data: str) -> Chunk:
    try:
        chunk = Chunk.model_validate_json(data)
    except ValidationError as error:
        raise client.unavailable_error(f"it sent something that is no answer: {data[:80]}") from error
    if chunk.error is not None:
        code = chunk.error.code
        raise client.status_error(code if isinstance(code, int) else 500, chunk.error.message)
    return chunk


def _parse_finish_reason(client: ServerClient, word: str) -> FinishReason:
    if word == "abort":
        raise client.unavailable_error("it aborted the answer")
    return FinishReason.LENGTH if word == "length" else FinishReason.STOP
