"""Reads a server's stream of events into pieces of an answer."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from pydantic import ValidationError

from inference.engines.errors import EngineResponseTimeout, EngineStreamTimeout
from inference.engines.port import Finished, FinishReason, TextDelta, ThoughtDelta, ToolCall, Usage
from inference.engines.remote.bodies import Chunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    import httpx

    from inference.engines.errors import EngineError, EngineTimeout
    from inference.engines.port import GenerationEvent
    from inference.engines.remote.client import ServerClient


async def read_answer(
    client: ServerClient, response: httpx.Response, refusal: Callable[[int, str], EngineError]
) -> AsyncGenerator[GenerationEvent, None]:
    """The events of a streamed answer; one that ends without saying so raises.

    Args:
        client: of the server.
        response: the stream.
        refusal: what an error in the stream means, by its status and message.

    Raises:
        EngineUnavailable, EngineResponseTimeout, EngineStreamTimeout, EngineRefused: the stream broke off,
            stalled, or held an error.
    """
    reason: FinishReason | None = None
    usage: Usage | None = None
    calls: dict[int, list[str]] = {}
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
            chunk = _parse_chunk(client, data, refusal)
            for choice in chunk.choices:
                if choice.delta.reasoning_content:
                    yield ThoughtDelta(choice.delta.reasoning_content)
                if piece := choice.delta.content or choice.text:
                    yield TextDelta(piece)
                for part in choice.delta.tool_calls or ():
                    called = calls.setdefault(part.index, ["", ""])
                    called[0] += part.function.name or ""
                    called[1] += part.function.arguments or ""
                if choice.finish_reason:
                    reason = _parse_finish_reason(client, choice.finish_reason)
            if chunk.usage:
                usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            late, seconds = EngineStreamTimeout, client.timeouts.between_tokens
    if reason is None or usage is None:
        raise client.unavailable_error("the answer ended without its reason or its token counts")
    for _, (name, arguments) in sorted(calls.items()):
        yield ToolCall(name, arguments or "{}")
    yield Finished(reason, usage)


def _parse_chunk(client: ServerClient, data: str, refusal: Callable[[int, str], EngineError]) -> Chunk:
    try:
        chunk = Chunk.model_validate_json(data)
    except ValidationError as error:
        raise client.unavailable_error(f"it sent something that is no answer: {data[:80]}") from error
    if chunk.error is not None:
        code = chunk.error.code
        raise refusal(code if isinstance(code, int) else 500, chunk.error.message)
    return chunk


def _parse_finish_reason(client: ServerClient, word: str) -> FinishReason:
    if word in ("abort", "error"):
        raise client.unavailable_error("it aborted the answer")
    return FinishReason.LENGTH if word == "length" else FinishReason.STOP


async def parse_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The `data` of each event. Comments and other fields are left out, and so is an event without an end.

    Lines are cut at CR, LF or both, and at nothing else: the text inside may well hold U+2028.
    """
    data: list[bytes] = []
    async for line in _lines(chunks):
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
        elif data:
            yield b"\n".join(data).decode("utf-8")
            data.clear()


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        text = rest + chunk
        # A CR at the very end may be the first half of a line's end.
        held = b"\r" if text.endswith(b"\r") else b""
        *lines, rest = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest += held
        for line in lines:
            yield line
    if rest.endswith(b"\r"):
        yield rest[:-1]
