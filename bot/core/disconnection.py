"""Cancels the handler of an HTTP request when its client goes away: nobody waits for what it computes any more."""

from __future__ import annotations

import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)


class CancelOnDisconnect:
    """An ASGI application around another one, whose handlers are cancelled when their clients disconnect.

    ASGI only tells of a disconnection who asks for the next part of the request, so one task of each request always
    asks. A handler that has sent its whole response is left alone. An error that escapes is logged here, once.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        await _Exchange(self._application, scope, receive, send).run()


class _Exchange:
    """One request and its response."""

    def __init__(self, application: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._application = application
        self._scope = scope
        self._receive_message = receive
        self._send_message = send
        self._parts: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)
        self._has_started = False
        self._has_ended = False
        self._is_disconnected = False

    async def run(self) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        reader = asyncio.create_task(self._read(handler), name="http-reader")
        try:
            await self._application(self._scope, self._receive, self._send)
        except asyncio.CancelledError:
            # uvicorn would log the cancellation as an error of the application.
            if not self._is_disconnected and not self._has_started:
                await self._respond(503, b"503 Service Unavailable\n")
        except Exception as error:
            client = self._scope.get("client")
            log.error("http_server.request_failed", remote=client[0] if client else "", exc_info=error)
            if not self._has_started:
                await self._respond(500, b"500 Internal Server Error\n")
        finally:
            reader.cancel()

    async def _read(self, handler: asyncio.Task[object]) -> None:
        while True:
            message = await self._receive_message()
            if message["type"] == "http.disconnect":
                if not self._has_ended:
                    self._is_disconnected = True
                    handler.cancel()
                return
            await self._parts.put(message)

    async def _receive(self) -> Message:
        return await self._parts.get()

    async def _send(self, message: Message) -> None:
        self._has_started = True
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._has_ended = True
        await self._send_message(message)

    async def _respond(self, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
