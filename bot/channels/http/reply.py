"""Answers an HTTP request: with one object, or with a stream of events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.channels.http.answer_format import AnswerFormat
from bot.channels.http.error_responses import ErrorResponse, describe_publicly, error_response, public_error
from bot.core.i18n import Translator
from bot.core.messages import Outcome
from bot.core.silent_reply import SilentReply

PLATFORM: Final = "http"
HEARTBEAT_SECONDS: Final = 10.0
"""Seconds without a byte after which a stream gets a comment: proxies and clients cut what is silent for long."""
_HEARTBEAT: Final = b": still here\n\n"
_STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # Without this, nginx would buffer the chunks.
    (b"x-accel-buffering", b"no"),
)


def _same(response: ErrorResponse) -> ErrorResponse:
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that is answered, and how."""

    scope: Scope
    receive: Receive
    send: Send
    answer_format: AnswerFormat
    say: Translator
    """Into the language of the request's errors."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the response."""
    rename: Callable[[ErrorResponse], ErrorResponse] = _same
    """Names the fields of an error as the endpoint's request does."""


class HttpReply(SilentReply):
    """What both forms of an answer share: nothing is shown before the outcome, which has the complete answer.

    A client that disconnects has its request cancelled, and so the answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.is_finished = False
        """Whether the whole response has been sent."""

    async def finish(self, outcome: Outcome) -> None:
        """Send the whole outcome, or why there is none, with a status of its own."""
        if outcome.error is not None:
            response: Response = self._error_response(outcome).to_response(self._error_text(outcome))
        else:
            content = self._exchange.answer_format.answer_object(outcome).model_dump_json()
            response = Response(content, headers=dict(self._exchange.headers), media_type="application/json")
        await response(self._exchange.scope, self._exchange.receive, self._exchange.send)
        self.is_finished = True

    def _error_response(self, outcome: Outcome) -> ErrorResponse:
        return self._exchange.rename(error_response(outcome.exception))

    def _error_text(self, outcome: Outcome) -> str:
        """Why there is no answer, without what is the operator's."""
        error = outcome.exception
        if error is None or public_error(error) is error:
            return outcome.error or ""
        return describe_publicly(error, self._exchange.say)

    async def keep_alive(self) -> None:
        """Do nothing: a status cannot come before its answer."""


class JsonReply(HttpReply):
    """Sends the answer once it is complete."""


class StreamingReply(HttpReply):
    """Sends each chunk as it comes, and comments while none comes.

    A failure before anything was sent still has an HTTP status of its own.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._mode = ""
        self._has_begun = False
        self._has_spoken = False
        """Whether the first chunk is out."""
        self._sent_at = time.monotonic()
        self._sending = asyncio.Lock()
        """Chunks and comments come from two tasks."""

    async def keep_alive(self) -> None:
        """Send a comment whenever nothing was sent for a while, until cancelled."""
        while not self.is_finished:
            silence = time.monotonic() - self._sent_at
            if silence < HEARTBEAT_SECONDS:
                await asyncio.sleep(HEARTBEAT_SECONDS - silence)
                continue
            async with self._sending:
                if not self.is_finished:
                    await self._send(_HEARTBEAT)

    async def start(self, mode: str) -> None:
        self._mode = mode

    async def write_thought(self, text: str) -> None:
        async with self._sending:
            await self._ensure_spoken()
            await self._send(self._exchange.answer_format.thought_events(self._mode, text))

    async def write(self, text: str) -> None:
        async with self._sending:
            await self._ensure_spoken()
            await self._send(self._exchange.answer_format.text_events(self._mode, text))

    async def finish(self, outcome: Outcome) -> None:
        async with self._sending:
            if outcome.error is not None and not self._has_begun:
                await super().finish(outcome)
                return
            self._mode = outcome.mode
            if outcome.error is None:
                await self._ensure_spoken()
                events = self._exchange.answer_format.final_events(outcome)
            else:
                events = self._exchange.answer_format.failure_events(
                    replace(outcome, error=self._error_text(outcome)), self._error_response(outcome)
                )
            await self._send(events, is_last=True)
            self.is_finished = True

    async def _ensure_spoken(self) -> None:
        if not self._has_spoken:
            self._has_spoken = True
            await self._send(self._exchange.answer_format.opening_events(self._mode))

    async def _send(self, body: bytes, *, is_last: bool = False) -> None:
        self._sent_at = time.monotonic()
        if not self._has_begun:
            self._has_begun = True
            more = [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in self._exchange.headers.items()
            ]
            headers = [*_STREAM_HEADERS, *more]
            await self._exchange.send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._exchange.send({"type": "http.response.body", "body": body, "more_body": not is_last})
