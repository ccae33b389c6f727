"""Answers an HTTP request: with one object, or with a stream of events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiohttp import web

from bot.channels.http.completion_objects import DONE_EVENT, Completion, server_sent_event
from bot.channels.http.error_responses import error_response
from bot.core.errors import PermanentDeliveryError
from bot.core.messages import Outcome

PLATFORM: Final = "http"
_STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    # Without this, nginx would buffer the chunks.
    "X-Accel-Buffering": "no",
}


class JsonReply:
    """Sends the answer once it is complete."""

    def __init__(self, request: web.Request, completion: Completion) -> None:
        self._request = request
        self._completion = completion
        self.response: web.StreamResponse | None = None
        """The response that was sent; None until the answer is complete."""

    async def show_queue_position(self, ahead: int) -> None:
        """Do nothing: a client sees only the complete answer."""

    async def show_status(self, text: str) -> None:
        """Do nothing: requests bring no files that would take time to read."""

    async def start(self, mode: str) -> None:
        """Do nothing."""

    async def write_thought(self, text: str) -> None:
        """Do nothing: thoughts are no part of the outcome."""

    async def write(self, text: str) -> None:
        """Do nothing: the outcome has the complete answer."""

    async def finish(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            response = error_response(outcome.exception).to_response(outcome.error)
        else:
            response = web.json_response(self._completion.completion_object(outcome))
        async with _undeliverable_on_disconnect():
            await response.prepare(self._request)
            await response.write_eof()
        self.response = response

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""


class StreamingReply:
    """Sends each chunk as it comes. A failure before the first chunk still has an HTTP status of its own."""

    def __init__(self, request: web.Request, completion: Completion, *, with_usage: bool) -> None:
        self._request = request
        self._completion = completion
        self._with_usage = with_usage
        self._mode = ""
        self._stream: web.StreamResponse | None = None
        self.response: web.StreamResponse | None = None

    async def show_queue_position(self, ahead: int) -> None:
        """Do nothing: there is no stream before the first chunk."""

    async def show_status(self, text: str) -> None:
        """Do nothing: requests bring no files that would take time to read."""

    async def start(self, mode: str) -> None:
        self._mode = mode

    async def write_thought(self, text: str) -> None:
        await self._send_delta({"reasoning_content": text})

    async def write(self, text: str) -> None:
        await self._send_delta({"content": text})

    async def _send_delta(self, delta: Mapping[str, str]) -> None:
        # A client that disconnects also has its request cancelled, which stops the answer.
        with suppress(ConnectionError):
            stream = await self._ensure_started()
            await self._send(stream, self._completion.chunk(self._mode, delta, **self._empty_usage))

    async def finish(self, outcome: Outcome) -> None:
        async with _undeliverable_on_disconnect():
            if outcome.error is not None and self._stream is None:
                refusal = error_response(outcome.exception).to_response(outcome.error)
                await refusal.prepare(self._request)
                await refusal.write_eof()
                self.response = refusal
                return
            self._mode = outcome.mode
            stream = await self._ensure_started()
            for data in self._final_events(outcome):
                await self._send(stream, data)
            await stream.write(DONE_EVENT)
            await stream.write_eof()
            self.response = stream

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _final_events(self, outcome: Outcome) -> list[dict[str, Any]]:
        if outcome.error is not None:
            return [error_response(outcome.exception).body(outcome.error)]
        last = self._completion.final_chunk(outcome, **self._empty_usage)
        return [last, self._completion.usage_chunk(outcome)] if self._with_usage else [last]

    @property
    def _empty_usage(self) -> dict[str, None]:
        """For clients that ask for token counts: the empty field in all chunks but the last."""
        return {"usage": None} if self._with_usage else {}

    async def _ensure_started(self) -> web.StreamResponse:
        if self._stream is None:
            self._stream = web.StreamResponse(headers=_STREAM_HEADERS)
            await self._stream.prepare(self._request)
            first = self._completion.chunk(self._mode, {"role": "assistant", "content": ""}, **self._empty_usage)
            await self._send(self._stream, first)
        return self._stream

    @staticmethod
    async def _send(stream: web.StreamResponse, data: Mapping[str, Any]) -> None:
        await stream.write(server_sent_event(data))


@asynccontextmanager
async def _undeliverable_on_disconnect() -> AsyncIterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise PermanentDeliveryError(PLATFORM, "the client has disconnected") from error
