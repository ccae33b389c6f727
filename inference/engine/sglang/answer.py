"""Reads one streamed answer of a server."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from pydantic import ValidationError

from inference.engine.errors import EngineSlow, EngineStuck
from inference.engine.port import Finished, FinishReason, TextDelta, Usage
from inference.engine.sglang.sse import events
from inference.engine.sglang.wire import Chunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from inference.engine.errors import EngineTimedOut
    from inference.engine.port import GenerationEvent
    from inference.engine.sglang.link import Link


async def read_answer(link: Link, response: httpx.Response) -> AsyncGenerator[GenerationEvent, None]:
    """The events of a streamed answer; one that ends without saying so raises.

    Raises:
        EngineUnavailable, EngineSlow, EngineStuck, EngineRefused: the stream broke off, stalled, or held an error.
    """
    reason: FinishReason | None = None
    usage: Usage | None = None
    late: type[EngineTimedOut] = EngineSlow
    seconds = link.deadlines.first_token
    async with aclosing(events(response.aiter_bytes())) as stream:
        while True:
            async with link.within(late, seconds):
                data = await anext(stream, None)
            if data is None:
                raise link.broken("the answer broke off")
            if data == "[DONE]":
                # Read to its very end, the connection can be used again.
                async with link.within(late, seconds):
                    await anext(stream, None)
                break
            chunk = _parse(link, data)
            for choice in chunk.choices:
                if choice.delta.content:
                    yield TextDelta(choice.delta.content)
                if choice.finish_reason:
                    reason = _reason(link, choice.finish_reason)
            if chunk.usage:
                usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            late, seconds = EngineStuck, link.deadlines.between_tokens
    if reason is None or usage is None:
        raise link.broken("the answer ended without its reason or its token counts")
    yield Finished(reason, usage)


def _parse(link: Link, data: str) -> Chunk:
    try:
        chunk = Chunk.model_validate_json(data)
    except ValidationError as error:
        raise link.broken(f"it sent something that is no answer: {data[:80]}") from error
    if chunk.error is not None:
        code = chunk.error.code
        raise link.refused(code if isinstance(code, int) else 500, chunk.error.message)
    return chunk


def _reason(link: Link, word: str) -> FinishReason:
    if word == "abort":
        raise link.broken("it aborted the answer")
    return FinishReason.LENGTH if word == "length" else FinishReason.STOP
