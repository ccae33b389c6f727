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

from bot.core.http_connections import OpenConnections

HEAD_SECONDS: Final = 10.0
"""Seconds in which the head of a request has to arrive, from the first byte or from the opening of the connection."""
SEND_SECONDS: Final = 30.0
"""Seconds in which a client has to go on reading a response that does not fit into the buffers between."""
_NO_ROOM: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\n"
    b"Retry-After: 1\r\nConnection: close\r\n\r\n503 Service Unavailable\n"
)
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
        *,
        connections: OpenConnections | None = None,
    ) -> None:
        """Set up.

        Args:
            connections: those of the server; None: any number.
        """
        super().__init__(config, server_state, app_state, _loop)
        self._head_deadline: asyncio.TimerHandle | None = None
        self._send_deadline: asyncio.TimerHandle | None = None
        self._connections = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if self._connections is not None and not self._connections.admit(self, self._address):
            log.info("http_server.connection_refused", remote=self._address)
            transport.write(_NO_ROOM)
            transport.close()
            return
        self._keep_head_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_head_deadline()
        self._drop_send_deadline()
        if self._connections is not None:
            self._connections.forget(self)
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close the connection, which has no request, to make room for another."""
        self._drop_head_deadline()
        self.transport.abort()

    def pause_writing(self) -> None:
        """The client does not read what is sent to it: it has some time to begin again."""
        super().pause_writing()
        if self._send_deadline is None:
            self._send_deadline = self.loop.call_later(SEND_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._drop_send_deadline()
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._count_as_busy_or_idle()

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except h11.ProtocolError as error:
            self._reject(HTTPStatus.BAD_REQUEST, type(error).__name__)
        if self._is_between_requests and not self.transport.is_closing():
            self._keep_head_deadline()
        else:
            self._drop_head_deadline()
        self._count_as_busy_or_idle()

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

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _count_as_busy_or_idle(self) -> None:
        if self._connections is None:
            return
        if self._is_between_requests:
            self._connections.mark_idle(self)
        else:
            self._connections.mark_busy(self)

    def _drop_send_deadline(self) -> None:
        if self._send_deadline is not None:
            self._send_deadline.cancel()
            self._send_deadline = None

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
        log.info("http_server.request_rejected", remote=self._address, status=int(status), error=error)
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
