"""An HTTP server that neither logs nor repeats what a malformed request contains.

aiohttp writes the bytes that it cannot parse into its log, with a traceback, and into the response. Anybody who reaches
the port could fill the log with them, and a request with a stray character in a header would log the key beside it.
"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

log = structlog.get_logger(__name__)


class PrivateRunner(web.AppRunner):
    """Runs an application; a request that cannot be parsed gets a status and nothing of what it contained."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # aiohttp has no setting for the class of its protocol.
        server.__class__ = _PrivateServer
        return server


class _PrivateServer(web.Server):
    def __call__(self) -> RequestHandler:
        return _PrivateProtocol(self, loop=self._loop, **self._kwargs)


class _PrivateProtocol(RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The response to a request that could not be parsed, or whose handler failed."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("http_server.request_failed", remote=request.remote, exc_info=exc)
        else:
            log.info("http_server.request_rejected", remote=request.remote, status=status, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("The response has been sent in part; it cannot become an error.")
        response = web.Response(status=status, text=f"{status} {HTTPStatus(status).phrase}\n")
        response.force_close()
        return response
