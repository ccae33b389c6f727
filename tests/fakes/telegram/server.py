"""A fake of Telegram's Bot API for one bot, over a real socket, as strict as the real one.

It has the methods and kinds of updates that the bot uses; any other method is refused and recorded. Its answers follow
the sources of Telegram's Bot API server and of TDLib. Where only Telegram's closed servers decide, the module concerned
says what was chosen. Simplified: repeated getUpdates calls are not slowed down, updates never expire, a text with a
`parse_mode` is recorded but not parsed, and links in the bot's messages are not detected.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, TypeVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiohttp import web

from tests.fakes.telegram.core import Core
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.methods import METHODS
from tests.fakes.telegram.records import Records
from tests.fakes.telegram.state import Person, World
from tests.fakes.telegram.updates import Updates
from tests.fakes.telegram.users import Users
from tests.fakes.telegram.wire import Call, Refused, read_call

T = TypeVar("T")

TOKEN = "4242:test-token-of-the-fake-telegram-server"
MAX_BODY = 51 << 20
RECHECK_SECONDS = 0.25
"""`wait_for` checks again after so long though nothing happened: a predicate may look at more than Telegram."""
UNCOUNTED = {"getupdates", "getme", "setwebhook", "deletewebhook"}
"""Methods without rate limits."""


@dataclass
class Fault:
    """Something that goes wrong, and the calls that it concerns."""

    method: str
    """Of the Bot API."""
    kind: Literal["error", "html", "drop", "flood"]
    """`error` answers `status`; `html` answers as a gateway in front of Telegram does; `drop` closes the connection;
    `flood` answers 429 and closes the chat for `seconds`."""
    after: bool = False
    """Whether the call is carried out first, so that the client does not know that it was."""
    times: int | None = 1
    """How many calls; None for all."""
    status: int = 502
    seconds: int = 1


async def close_client(bot: Bot) -> None:
    """Close a client without the quarter of a second that aiogram waits for TLS connections to close."""
    assert isinstance(bot.session, AiohttpSession)
    await (await bot.session.create_session()).close()


class FakeTelegram:
    """One bot's Telegram: its people (`users`), its history (`records`), its `limits` and the `faults` to come.

    ```
    async with FakeTelegram().serving() as url: ...
    anna = telegram.users.person("Anna"); telegram.users.say(anna, anna, "Hello")
    answers = await telegram.wait_for(lambda: telegram.users.answers(anna))
    ```
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.token = TOKEN
        bot = Person(int(TOKEN.partition(":")[0]), "Consilium", "consilium_bot", is_bot=True)
        self.records = Records()
        self.limits = limits or Limits()
        self.faults: list[Fault] = []
        self.core = Core(World(bot, {bot.id: bot}), self.records, self.limits, Updates())
        self.users = Users(self.core)
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve as long as this is open; the server's URL."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post("/bot{token}/{method}", self._handle)
        app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self.url
        finally:
            self.core.updates.stop()
            await runner.cleanup()

    async def wait_for(self, predicate: Callable[[], T | Awaitable[T]], within: float = 10) -> T:
        """What a predicate returns, as soon as that is true."""
        async with asyncio.timeout(within):
            while True:
                seen = self.records.version
                value = predicate()
                if inspect.isawaitable(value):
                    value = await value
                if value:
                    return value
                await self.records.next_change(seen, RECHECK_SECONDS)

    async def _file(self, request: web.Request) -> web.Response:
        files = self.core.world.files.values()
        stored = next((file for file in files if file.path == request.match_info["path"]), None)
        if request.match_info["token"] != self.token or stored is None:
            return Refused(404, "Not Found").response()
        return web.Response(body=stored.data, content_type="application/octet-stream")

    async def _handle(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return Refused(401, "Unauthorized").response()
        call = await read_call(request)
        record = self.records.add_request(call.method, call.args)
        fault = self._next_fault(call.method)
        if fault is None:
            response = await self._perform(call)
        elif fault.after:
            await self._perform(call)
            response = await self._apply_fault(fault, call, request)
        else:
            response = await self._apply_fault(fault, call, request)
        record.status, record.answered_at = response.status, time.monotonic()
        self.records.notify()
        return response

    async def _perform(self, call: Call) -> web.Response:
        try:
            return web.json_response({"ok": True, "result": await self._call_method(call)})
        except Refused as refused:
            return refused.response()

    async def _call_method(self, call: Call) -> Any:
        handler = METHODS.get(call.method)
        if handler is None:
            self.records.unknown_methods.append(call.method)
            raise Refused(404, "Not Found: method not found")
        if call.method not in UNCOUNTED:
            self.limits.admit(call.method)
        result = handler(self.core, call)
        return await result if inspect.isawaitable(result) else result

    def _next_fault(self, method: str) -> Fault | None:
        fault = next((fault for fault in self.faults if fault.method.lower() == method and fault.times != 0), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault

    async def _apply_fault(self, fault: Fault, call: Call, request: web.Request) -> web.Response:
        if fault.kind == "html":
            text = "<html><body>Bad Gateway</body></html>"
            return web.Response(status=fault.status, text=text, content_type="text/html")
        if fault.kind == "flood":
            try:
                self.limits.close(("chat", call.integer("chat_id")), fault.seconds)
            except Refused as refused:
                return refused.response()
        if fault.kind == "drop":
            assert request.transport is not None
            request.transport.abort()
        return Refused(fault.status, HTTPStatus(fault.status).phrase).response()
