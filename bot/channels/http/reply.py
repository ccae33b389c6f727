"""Answers an HTTP request: whole, or as a stream of events."""

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
    # nginx would hold the pieces back.
    "X-Accel-Buffering": "no",
}


class JsonReply:
    """Sends the answer once it is there."""

    def __init__(self, request: web.Request, completion: Completion) -> None:
        self._request = request
        self._completion = completion
        self.response: web.StreamResponse | None = None
        """What has been sent; None until there is an end."""

    async def show_queue_position(self, ahead: int) -> None:
        """Nothing: there is no place to show it in."""

    async def show_status(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def start(self, mode: str) -> None:
        """Nothing."""

    async def write(self, text: str) -> None:
        """Nothing: the end has all of it."""

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
        """Nothing is held."""


class StreamingReply:
    """Sends each piece as it comes. Until the first of them a failure still has a status of its own."""

    def __init__(self, request: web.Request, completion: Completion, *, with_usage: bool) -> None:
        self._request = request
        self._completion = completion
        self._with_usage = with_usage
        self._mode = ""
        self._stream: web.StreamResponse | None = None
        self.response: web.StreamResponse | None = None

    async def show_queue_position(self, ahead: int) -> None:
        """Nothing: before the first piece there is no stream."""

    async def show_status(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def start(self, mode: str) -> None:
        self._mode = mode

    async def write(self, text: str) -> None:
        # Who has gone stops the answer, by the cancellation of its request, which is on its way.
        with suppress(ConnectionError):
            stream = await self._ensure_started()
            await self._send(stream, self._completion.chunk(self._mode, {"content": text}, **self._empty_usage))

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
        """Nothing is held."""

    def _final_events(self, outcome: Outcome) -> list[dict[str, Any]]:
        if outcome.error is not None:
            return [error_response(outcome.exception).body(outcome.error)]
        last = self._completion.final_chunk(outcome, **self._empty_usage)
        return [last, self._completion.usage_chunk(outcome)] if self._with_usage else [last]

    @property
    def _empty_usage(self) -> dict[str, None]:
        """Who asks for the token counts finds their place empty in all chunks but the last."""
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
    except ConnectionError as gone:
        raise PermanentDeliveryError(PLATFORM, "who asked has gone") from gone
