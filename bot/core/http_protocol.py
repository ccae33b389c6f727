"""uvicorn's protocol with deadlines, and silent about what a malformed request contains.

Anybody who reaches the port could fill the log with what they send, and a request with a stray character in a header
would log the key beside it.
"""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import Any, Final

import h11
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_SECONDS: Final = 10.0
"""Seconds in which the head of a request has to arrive, from the first byte or from the opening of the connection."""
MAX_HEAD_BYTES: Final = 32 * 1024
"""Bytes of the head of a request."""

log = structlog.get_logger(__name__)


class PrivateProtocol(H11Protocol):
    """One connection. A request that cannot be parsed gets a status and nothing of what it contained."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._keep_head_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_head_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except h11.ProtocolError as error:
            self._reject(HTTPStatus.BAD_REQUEST, type(error).__name__)
        if self._is_between_requests and not self.transport.is_closing():
            self._keep_head_deadline()
        else:
            self._drop_head_deadline()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed; called while the parser's error is handled."""
        error = sys.exc_info()[1]
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        self._reject(HTTPStatus(hint), type(error).__name__)

    def shutdown(self) -> None:
        """Close the connection, now or after the response that is being sent."""
        try:
            super().shutdown()
        except h11.ProtocolError:
            self.transport.close()

    @property
    def _is_between_requests(self) -> bool:
        """Whether it waits for the head of a request, or for the end of a body that has been answered already."""
        is_answered = self.cycle is not None and self.cycle.response_complete
        return self.conn.their_state is h11.IDLE or (self.conn.their_state is h11.SEND_BODY and is_answered)

    def _keep_head_deadline(self) -> None:
        if self._head_deadline is None:
            self._head_deadline = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _drop_head_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _head_is_late(self) -> None:
        self._head_deadline = None
        if not self.transport.is_closing():
            self._reject(HTTPStatus.REQUEST_TIMEOUT, "TimeoutError")

    def _reject(self, status: HTTPStatus, error: str) -> None:
        remote = self.client[0] if self.client else ""
        log.info("http_server.request_rejected", remote=remote, status=int(status), error=error)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            # Its body has broken off. Whoever handles it hears of a client that is gone.
            cycle.disconnected = True
            cycle.message_event.set()
        may_respond = cycle is None or cycle.response_complete or not cycle.response_started
        if may_respond and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = f"{int(status)} {status.phrase}\n".encode()
            headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")]
            response = h11.Response(status_code=int(status), headers=headers, reason=status.phrase.encode())
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
