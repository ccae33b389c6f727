"""The mind's MCP tools over HTTP: the protocol's streamable transport, under the keys of the API."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.channels.http import Api, ApiClient
from bot.channels.http.api_client import client_of
from bot.channels.http.api_route import MAX_BODY_BYTES, CountedResponse, failure_response
from bot.channels.http.error_responses import public_error
from bot.channels.http.errors import MethodNotAllowed
from bot.channels.http.modes import named_modes
from bot.channels.http.reply import PLATFORM
from bot.core.background import run_in_background
from bot.core.i18n import Translator
from bot.library.retriever import collections_for_mode
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from bot.channels.mcp.tools import Asker

MCP_PATH: Final = "/mcp"
_METHODS: Final = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


def is_mcp_installed() -> bool:
    """Whether the protocol's package, which is an extra, is there."""
    return importlib.util.find_spec("mcp") is not None


@asynccontextmanager
async def open_mcp(api: Api) -> AsyncIterator[APIRouter]:
    """The route of the MCP server, for as long as this is open.

    Each request stands for itself: any process may answer any of them, and nothing is kept between two.
    """
    # Imported late: the package is an extra.
    from mcp.server.transport_security import TransportSecuritySettings

    from bot.channels.mcp.tools import McpTools, make_server

    tools = McpTools(
        mind=api.mind,
        composer=api.composer,
        library=api.library,
        direct=api.direct,
        say=Translator(api.language or "en"),
    )
    server = make_server(tools, importlib.metadata.version("consilium"), lambda request: _asker_of(api, request))
    server.streamable_http_app(
        stateless_http=True,
        max_request_body_size=MAX_BODY_BYTES,
        # Whom a request may come from is checked with its key.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    manager = server.session_manager
    router = APIRouter()

    @router.api_route(MCP_PATH, methods=_METHODS, include_in_schema=False)
    async def answer(request: Request) -> Response:
        try:
            # What a tool takes beyond reading it checks itself.
            request.state.client = await api.clients.authenticate(request, "read")
            if request.method != "POST":
                raise MethodNotAllowed(request.method, MCP_PATH, ["POST"])
        except Exception as error:
            return CountedResponse(MCP_PATH, failure_response(api, request, error))
        return CountedResponse(MCP_PATH, _McpResponse(manager))

    is_running = asyncio.Event()

    async def run() -> None:
        # A task group of anyio has to be left by the task that has entered it.
        try:
            async with manager.run():
                is_running.set()
                await asyncio.Event().wait()
        finally:
            # Where it cannot start, the service goes on without it.
            is_running.set()

    async with run_in_background(run(), "mcp"):
        await is_running.wait()
        yield router


class _McpResponse(Response):
    """What the protocol's own server answers."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        super().__init__()
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


def _asker_of(api: Api, request: Request) -> Asker:
    """The client of a request, as the tools see it: nobody is named, so nobody is remembered."""
    from bot.channels.mcp.tools import Asker

    client, say = client_of(request), api.translator_for(request)
    return Asker(
        say=say,
        platform=PLATFORM,
        sender=client.external_id(None),
        admit=client.admit,
        allows_mode=client.allows_model,
        collections=_collections(api, client, say),
        show=public_error,
    )


def _collections(api: Api, client: ApiClient, say: Translator) -> list[str]:
    """The collections of the modes that are open to everybody and in the scope of the client's key."""
    names: dict[str, None] = {}
    for mode in named_modes(api, client, say):
        resolved = resolve_mode(parse_expression(mode.name), api.mind)
        if not resolved.is_auto:
            names |= dict.fromkeys(collections_for_mode(api.mind, resolved))
    return list(names)
