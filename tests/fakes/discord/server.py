"""The fake itself: one HTTP server for REST, gateway and CDN, with faults on demand."""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from tests.fakes.discord.errors import ApiError
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Commands, Interactions
from tests.fakes.discord.journal import Clock, Journal
from tests.fakes.discord.messages import Messages, url_signature
from tests.fakes.discord.people import People
from tests.fakes.discord.rate_limits import RateLimits
from tests.fakes.discord.rest import ROUTES, Handler, read_call
from tests.fakes.discord.validation import REQUEST_LIMIT
from tests.fakes.discord.world import World

API = "/api/v10"
TOKENLESS_ROUTES = ("/interactions/", "/webhooks/")
"""Routes that need no bot token: their paths hold one of their own."""
FaultKind = Literal["error", "drop_before", "drop_after", "rate_limit"]


@dataclass(kw_only=True)
class Fault:
    """What happens to the next requests of a route.

    `error` answers `status` without handling the request; `drop_before` and `drop_after` cut the connection before or
    after it was handled; `rate_limit` answers 429 with `seconds` to wait and a `scope`.
    """

    route: str
    """As in `ROUTES`."""
    kind: FaultKind
    times: int = 1
    seconds: float = 1.0
    status: int = 500
    scope: Literal["user", "global"] = "user"


class DiscordFake:
    """Discord, as strict as the real one, for one bot and what it uses.

    `portal_intents` are the privileged intents switched on in the developer portal: `members`, `presences`,
    `message_content`. As there, none are at first.
    """

    def __init__(self, token: str = "fake-token") -> None:
        self.token = token
        self.portal_intents: frozenset[str] = frozenset()
        self.shards = 1
        """How many shards are recommended."""
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.world = World(self.clock)
        self.application_id = self.world.bot.id
        self.rate_limits = RateLimits(self.clock)
        self.faults: list[Fault] = []
        self.messages = Messages(self)
        self.commands = Commands(self)
        self.interactions = Interactions(self)
        self.gateway = Gateway(self)
        self.people = People(self)
        self.url = ""
        """Its address, once it serves."""

    @property
    def api_base(self) -> str:
        """For `discord.http.Route.BASE`."""
        return self.url + API

    @property
    def gateway_url(self) -> str:
        """For `DiscordWebSocket.DEFAULT_GATEWAY`, as text."""
        return self.url.replace("http", "ws", 1) + "/gateway/"

    @property
    def application_flags(self) -> int:
        """The flags of the application: which privileged intents it may use."""
        bits = {"presences": 1 << 13, "members": 1 << 15, "message_content": 1 << 19}
        return sum(bit for name, bit in bits.items() if name in self.portal_intents)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[DiscordFake]:
        """Serve on loopback as long as this is open."""
        app = web.Application(client_max_size=REQUEST_LIMIT)
        for route, handler in ROUTES.items():
            method, path = route.split(" ", 1)
            app.router.add_route(method, API + path, self._serve(route, handler))
        app.router.add_get("/gateway/", self.gateway.serve)
        app.router.add_get("/attachments/{channel}/{file}/{name}", self._send_file)
        app.router.add_route("*", "/{rest:.*}", self._refuse_unknown_route)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            for connection in list(self.gateway.connections):
                connection.abort()
            await runner.cleanup()

    def add_fault(self, route: str, kind: FaultKind, **details: Any) -> None:
        """Disturb the next requests of a route; see `Fault`."""
        self.faults.append(Fault(route=route, kind=kind, **details))

    def advance_clock(self, seconds: float) -> None:
        """Let time pass at once."""
        self.clock.advance(seconds)
        self.journal.notify()

    def _serve(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            entry = self.journal.add("request", route=route)
            fault = self._take_fault(route)
            if fault is not None and fault.kind == "drop_before":
                return _abort(request)
            headers: dict[str, str] = {}
            try:
                if fault is not None and fault.kind == "error":
                    raise _plain_error(fault.status, "Internal Server Error")
                headers = self._authorize_and_admit(route, request, fault)
                call = await read_call(request, self)
                entry["body"] = call.body
                status, answer = await handler(self, call)
            except _RateLimited as error:
                status, answer, headers = error.status, error.body, error.headers
            except ApiError as error:
                status, answer = error.status, error.body
            except Exception:
                self.journal.add("bug", route=route, trace=traceback.format_exc())
                status, answer = 500, {"message": "500: Internal Server Error", "code": 0}
            entry |= {"status": status, "answer": answer}
            self.journal.notify()
            if fault is not None and fault.kind == "drop_after":
                return _abort(request)
            return _to_response(status, answer, headers)

        return serve

    def _take_fault(self, route: str) -> Fault | None:
        for fault in self.faults:
            if fault.route == route and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def _authorize_and_admit(self, route: str, request: web.Request, fault: Fault | None) -> dict[str, str]:
        """The rate limit headers of the reply.

        Raises:
            ApiError: the bot's token is wrong, or there are too many requests.
        """
        tokenless = route.split(" ")[1].startswith(TOKENLESS_ROUTES)
        if not tokenless and request.headers.get("Authorization") != f"Bot {self.token}":
            raise _plain_error(401, "Unauthorized")
        parts = request.path.removeprefix(API).split("/")
        major = "/".join(parts[2:4] if tokenless else parts[2:3])
        if fault is not None and fault.kind == "rate_limit":
            key = "global" if fault.scope == "global" else f"{route} {major}"
            headers, refused = self.rate_limits.refuse(key, fault.seconds, scope=fault.scope)
            raise _RateLimited(headers, refused)
        headers, body = self.rate_limits.admit(route, major)
        if body is not None:
            raise _RateLimited(headers, body)
        return headers

    async def _send_file(self, request: web.Request) -> web.Response:
        """The CDN: a file of a message that exists, at an address that is signed and has not expired."""
        path, expires = request.path.lstrip("/"), request.query["ex"]
        if request.query["hm"] == url_signature(path, expires) and int(expires, 16) >= self.clock.now():
            for message in self.messages.all.values():
                for file in message.files:
                    if str(file.id) == request.match_info["file"] and not message.deleted:
                        return web.Response(body=file.data, headers={"Content-Type": file.content_type})
        return web.Response(status=404, text="This content is no longer available.")

    async def _refuse_unknown_route(self, request: web.Request) -> web.Response:
        trace = f"the fake has no {request.method} {request.path}"
        self.journal.add("bug", route=f"{request.method} ?", trace=trace)
        return _to_response(404, {"message": "404: Not Found", "code": 0}, {})


class _RateLimited(ApiError):
    """A 429, whose body has no code."""

    def __init__(self, headers: dict[str, str], body: dict[str, Any]) -> None:
        super().__init__(429, 0, body["message"])
        self.headers = headers
        self.body = body


def _plain_error(status: int, reason: str) -> ApiError:
    """A refusal without a code, as Discord gives for tokens and when it is at fault itself."""
    return ApiError(status, 0, f"{status}: {reason}")


def _to_response(status: int, answer: Any, headers: dict[str, str]) -> web.Response:
    # Without this header, discord.py takes a 429 for a ban by Cloudflare.
    headers = {"Via": "1.1 google", **headers}
    if answer is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        status=status, body=json.dumps(answer).encode(), headers={**headers, "Content-Type": "application/json"}
    )


def _abort(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
