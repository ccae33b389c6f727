"""The fake itself: one HTTP server for REST, gateway, CDN and control."""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any

from aiohttp import web

from tests.fakes.discord import calls, control, rest_channels, rest_commands, rest_interactions, rest_messages
from tests.fakes.discord.bodies import REQUEST_LIMIT
from tests.fakes.discord.calls import Answer, Call
from tests.fakes.discord.clock import Clock
from tests.fakes.discord.commands import Commands
from tests.fakes.discord.errors import ApiError, plain
from tests.fakes.discord.faults import Fault, Faults
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.journal import Journal
from tests.fakes.discord.limits import Limits
from tests.fakes.discord.messages import Messages, signature
from tests.fakes.discord.scripting import People
from tests.fakes.discord.state import World

API = "/api/v10"
Handler = Callable[["DiscordFake", Call], Awaitable[Answer]]
ROUTES: dict[str, Handler] = {
    **rest_channels.ROUTES, **rest_messages.ROUTES, **rest_commands.ROUTES, **rest_interactions.ROUTES,
}  # fmt: skip
WITHOUT_TOKEN = ("/interactions/", "/webhooks/")


class DiscordFake:
    """Discord, as strict as the real one, for one bot.

    `portal_intents` are the privileged intents switched on in the developer portal: `members`, `presences`,
    `message_content`. As there, none are at first.
    """

    def __init__(
        self, token: str = "fake-token", *, portal_intents: Collection[str] = (), shards: int = 1, bot_name: str = "bot"
    ) -> None:
        self.token = token
        self.portal_intents = frozenset(portal_intents)
        self.shards = shards
        """How many shards are recommended."""
        self.max_concurrency = 1
        self.reply_deadline = 3.0
        """Seconds within which an interaction has to be answered."""
        self.token_life = 15 * 60.0
        """Seconds for which it may be followed up."""
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.world = World(self.clock, bot_name)
        self.application_id = self.world.bot.id
        self.limits = Limits(self.clock)
        self.faults = Faults()
        self.messages = Messages(self)
        self.commands = Commands(self)
        self.interactions = Interactions(self)
        self.gateway = Gateway(self)
        self.people = People(self)
        self.url = ""
        """Where it is, once it serves."""
        self._hung: set[asyncio.Future[None]] = set()

    @property
    def api_base(self) -> str:
        """What `discord.http.Route.BASE` is to be."""
        return self.url + API

    @property
    def gateway_url(self) -> str:
        """What `DiscordWebSocket.DEFAULT_GATEWAY` is to be, as text."""
        return self.url.replace("http", "ws", 1) + "/gateway/"

    @property
    def application_flags(self) -> int:
        """The flags of the application: which privileged intents it may use."""
        bits = {"presences": 1 << 13, "members": 1 << 15, "message_content": 1 << 19}
        return sum(bit for name, bit in bits.items() if name in self.portal_intents)

    @contextlib.asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[DiscordFake]:
        """Serves on loopback as long as this is open."""
        app = web.Application(client_max_size=REQUEST_LIMIT)
        for route, handler in ROUTES.items():
            method, path = route.split(" ", 1)
            app.router.add_route(method, API + path, self._serve(route, handler))
        app.router.add_get("/gateway/", self.gateway.connect)
        app.router.add_get("/attachments/{channel}/{file}/{name}", self._send_file)
        control.add_routes(app, self)
        app.router.add_route("*", "/{rest:.*}", self._unknown)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            for waiting in self._hung:
                waiting.cancel()
            for link in list(self.gateway.links):
                link.cut()
            await runner.cleanup()

    def _serve(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            entry = self.journal.add(
                "request", route=route, path=request.path.removeprefix(API), query=dict(request.query)
            )
            headers: dict[str, str] = {}
            fault = self.faults.take(route)
            entry["fault"] = fault and fault.kind
            try:
                if fault is not None and (early := await self._before(fault, request)) is not None:
                    entry |= {"status": early.status}
                    return early
                tokenless = route.split(" ")[1].startswith(WITHOUT_TOKEN)
                if not tokenless and request.headers.get("Authorization") != f"Bot {self.token}":
                    raise plain(401, "Unauthorized")
                headers, refused = self._admit(route, request, fault)
                if refused is not None:
                    raise _Limited(refused)
                call = await calls.read(request, route, self.clock)
                entry |= {"body": call.body, "files": [f.filename for f in call.files]}
                status, answer = await handler(self, call)
            except ApiError as error:
                status, answer = error.status, error.body
            except Exception:
                self.journal.add("bug", route=route, trace=traceback.format_exc())
                status, answer = 500, {"message": "500: Internal Server Error", "code": 0}
            entry |= {"status": status, "answer": answer}
            self.journal.stir()
            if fault is not None and fault.kind == "drop_after":
                _cut(request)
            return _reply(status, answer, headers)

        return serve

    def _admit(
        self, route: str, request: web.Request, fault: Fault | None
    ) -> tuple[dict[str, str], dict[str, Any] | None]:
        parts = request.path.removeprefix(API).split("/")
        major = "/".join(parts[2:4] if parts[1] in ("webhooks", "interactions") else parts[2:3])
        if fault is not None and fault.kind == "rate_limit":
            text = fault.message or "You are being rate limited."
            key = "global" if fault.scope == "global" else f"{route} {major}"
            return self.limits.refuse(key, fault.seconds, scope=fault.scope, message=text, code=fault.code)
        return self.limits.admit(route, major)

    async def _before(self, fault: Fault, request: web.Request) -> web.Response | None:
        """What a fault does before a request is handled; None where it is handled all the same."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "hang":
            waiting = asyncio.get_running_loop().create_future()
            self._hung.add(waiting)
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
            return _cut(request)
        elif fault.kind == "drop_before":
            return _cut(request)
        elif fault.kind in ("error", "refuse"):
            text = fault.message or f"{fault.status}: Internal Server Error"
            return _reply(fault.status, {"message": text, "code": fault.code}, {})
        return None

    async def _send_file(self, request: web.Request) -> web.Response:
        """The CDN: a file of a message that is there, at an address that is signed and has not expired."""
        path, expires = request.path.lstrip("/"), request.query.get("ex", "")
        if request.query.get("hm") != signature(path, expires) or int(expires, 16) < self.clock.now():
            return web.Response(status=404, text="This content is no longer available.")
        for message in self.messages.all.values():
            for file in message.files:
                if str(file.id) == request.match_info["file"] and not message.deleted:
                    return web.Response(body=file.data, headers={"Content-Type": file.content_type})
        return web.Response(status=404, text="This content is no longer available.")

    async def _unknown(self, request: web.Request) -> web.Response:
        self.journal.add("request", route=f"{request.method} ?", path=request.path, status=404, answer=None, fault=None)
        return _reply(404, {"message": "404: Not Found", "code": 0}, {})


class _Limited(ApiError):
    """A 429 whose body has no code."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(429, 0, body["message"])
        self.body = body


def _reply(status: int, answer: Any, headers: dict[str, str]) -> web.Response:
    headers = {"Via": "1.1 google", **headers}
    if answer is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        status=status, body=json.dumps(answer).encode(), headers={**headers, "Content-Type": "application/json"}
    )


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
