"""Answers an HTTP request: with one object, or with a stream of events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.channels.http.completion_objects import DONE_EVENT, Completion, server_sent_event
from bot.channels.http.error_responses import describe_publicly, error_response, public_error
from bot.core.i18n import Translator
from bot.core.messages import Outcome

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


class HttpReply:
    """What both forms of an answer share. A client that disconnects has its request cancelled, and so the answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, completion: Completion, say: Translator) -> None:
        self._scope = scope
        self._receive = receive
        self._send_message = send
        self._completion = completion
        self._say = say
        self.is_finished = False
        """Whether the whole response has been sent."""

    async def show_queue_position(self, ahead: int) -> None:
        """Do nothing: OpenAI's format has no place for it."""

    async def show_status(self, text: str) -> None:
        """Do nothing: requests bring no files that would take time to read."""

    async def start(self, mode: str) -> None:
        """Do nothing."""

    async def write_thought(self, text: str) -> None:
        """Do nothing: thoughts are no part of the outcome."""

    async def write(self, text: str) -> None:
        """Do nothing: the outcome has the complete answer."""

    async def finish(self, outcome: Outcome) -> None:
        """Send the whole outcome, or why there is none, with a status of its own."""
        if outcome.error is not None:
            response: Response = error_response(outcome.exception).to_response(self._error_text(outcome))
        else:
            content = self._completion.completion_object(outcome).model_dump_json()
            response = Response(content, media_type="application/json")
        await response(self._scope, self._receive, self._send_message)
        self.is_finished = True

    def _error_text(self, outcome: Outcome) -> str:
        """Why there is no answer, without what is the operator's."""
        error = outcome.exception
        if error is None or public_error(error) is error:
            return outcome.error or ""
        return describe_publicly(error, self._say)

    async def keep_alive(self) -> None:
        """Do nothing: a status cannot come before its answer."""

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""


class JsonReply(HttpReply):
    """Sends the answer once it is complete."""


class StreamingReply(HttpReply):
    """Sends each chunk as it comes, and comments while none comes.

    A failure before anything was sent still has an HTTP status of its own.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        completion: Completion,
        say: Translator,
        *,
        with_usage: bool,
    ) -> None:
        super().__init__(scope, receive, send, completion, say)
        self._with_usage = with_usage
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
        await self._send_delta({"reasoning_content": text})

    async def write(self, text: str) -> None:
        await self._send_delta({"content": text})

    async def finish(self, outcome: Outcome) -> None:
        async with self._sending:
            if outcome.error is not None and not self._has_begun:
                await super().finish(outcome)
                return
            self._mode = outcome.mode
            if outcome.error is None:
                await self._ensure_spoken()
            for data in self._final_events(outcome):
                await self._send(server_sent_event(data))
            await self._send(DONE_EVENT, is_last=True)
            self.is_finished = True

    def _final_events(self, outcome: Outcome) -> list[dict[str, Any]]:
        if outcome.error is not None:
            return [error_response(outcome.exception).body(self._error_text(outcome))]
        last = self._completion.final_chunk(outcome, **self._empty_usage)
        return [last, self._completion.usage_chunk(outcome)] if self._with_usage else [last]

    async def _send_delta(self, delta: Mapping[str, str]) -> None:
        async with self._sending:
            await self._ensure_spoken()
            await self._send(server_sent_event(self._completion.chunk(self._mode, delta, **self._empty_usage)))

    @property
    def _empty_usage(self) -> dict[str, None]:
        """For clients that ask for token counts: the empty field in all chunks but the last."""
        return {"usage": None} if self._with_usage else {}

    async def _ensure_spoken(self) -> None:
        if not self._has_spoken:
            self._has_spoken = True
            first = self._completion.chunk(self._mode, {"role": "assistant", "content": ""}, **self._empty_usage)
            await self._send(server_sent_event(first))

    async def _send(self, body: bytes, *, is_last: bool = False) -> None:
        self._sent_at = time.monotonic()
        if not self._has_begun:
            self._has_begun = True
            await self._send_message({"type": "http.response.start", "status": 200, "headers": list(_STREAM_HEADERS)})
        await self._send_message({"type": "http.response.body", "body": body, "more_body": not is_last})
