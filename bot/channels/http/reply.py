"""Answers an HTTP request: whole, or as a stream of events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiohttp import web

from bot.channels.errors import Undeliverable
from bot.channels.http.failures import verdict
from bot.channels.http.shapes import DONE, Completion, event
from bot.channels.port import Outcome

PLATFORM: Final = "http"
_STREAM: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    # nginx would hold the pieces back.
    "X-Accel-Buffering": "no",
}


class WholeReply:
    """Sends the answer once it is there."""

    def __init__(self, request: web.Request, completion: Completion) -> None:
        self._request = request
        self._completion = completion
        self.response: web.StreamResponse | None = None
        """What has been sent; None until there is an end."""

    async def queue(self, ahead: int) -> None:
        """Nothing: there is no place to show it in."""

    async def notice(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def open(self, mode: str) -> None:
        """Nothing."""

    async def write(self, text: str) -> None:
        """Nothing: the end has all of it."""

    async def finish(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            response = verdict(outcome.failure).response(outcome.error)
        else:
            response = web.json_response(self._completion.whole(outcome))
        async with _sending():
            await response.prepare(self._request)
            await response.write_eof()
        self.response = response

    async def close(self) -> None:
        """Nothing is held."""


class StreamedReply:
    """Sends each piece as it comes. Until the first of them a failure still has a status of its own."""

    def __init__(self, request: web.Request, completion: Completion, *, with_usage: bool) -> None:
        self._request = request
        self._completion = completion
        self._with_usage = with_usage
        self._mode = ""
        self._stream: web.StreamResponse | None = None
        self.response: web.StreamResponse | None = None

    async def queue(self, ahead: int) -> None:
        """Nothing: before the first piece there is no stream."""

    async def notice(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def open(self, mode: str) -> None:
        self._mode = mode

    async def write(self, text: str) -> None:
        # Who has gone stops the answer, by the cancellation of its request, which is on its way.
        with suppress(ConnectionError):
            stream = await self._begun()
            await self._send(stream, self._completion.chunk(self._mode, {"content": text}, **self._uncounted))

    async def finish(self, outcome: Outcome) -> None:
        async with _sending():
            if outcome.error is not None and self._stream is None:
                refusal = verdict(outcome.failure).response(outcome.error)
                await refusal.prepare(self._request)
                await refusal.write_eof()
                self.response = refusal
                return
            self._mode = outcome.mode
            stream = await self._begun()
            for data in self._end(outcome):
                await self._send(stream, data)
            await stream.write(DONE)
            await stream.write_eof()
            self.response = stream

    async def close(self) -> None:
        """Nothing is held."""

    def _end(self, outcome: Outcome) -> list[dict[str, Any]]:
        if outcome.error is not None:
            return [verdict(outcome.failure).body(outcome.error)]
        last = self._completion.last(outcome, **self._uncounted)
        return [last, self._completion.counted(outcome)] if self._with_usage else [last]

    @property
    def _uncounted(self) -> dict[str, None]:
        """Who asks for the token counts finds their place empty in all chunks but the last."""
        return {"usage": None} if self._with_usage else {}

    async def _begun(self) -> web.StreamResponse:
        if self._stream is None:
            self._stream = web.StreamResponse(headers=_STREAM)
            await self._stream.prepare(self._request)
            first = self._completion.chunk(self._mode, {"role": "assistant", "content": ""}, **self._uncounted)
            await self._send(self._stream, first)
        return self._stream

    @staticmethod
    async def _send(stream: web.StreamResponse, data: Mapping[str, Any]) -> None:
        await stream.write(event(data))


@asynccontextmanager
async def _sending() -> AsyncIterator[None]:
    try:
        yield
    except ConnectionError as gone:
        raise Undeliverable(PLATFORM, "who asked has gone") from gone
