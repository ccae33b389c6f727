"""Telegram's Bot API for one bot, over a real socket, as strict as the real one.

What it answers, and in which words, is what the sources of Telegram's own Bot API server and of TDLib say, where they
say it; where only Telegram's closed servers know, the module concerned says what was chosen. Left out: a repeated
getUpdates is not slowed down, a second 409 does not come three seconds late, setWebhook may come more than once a
second, updates never get too old, texts with a `parse_mode` are taken as they are (and noted), and links in the bot's
own messages are not found.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from tests.fakes.telegram import delivery, lookups, messages, profile  # noqa: F401  (they register their methods)
from tests.fakes.telegram.control import add_control
from tests.fakes.telegram.core import METHODS, Core
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.records import Records, Request
from tests.fakes.telegram.refusals import Refused
from tests.fakes.telegram.scripting import Fault, Faults
from tests.fakes.telegram.state import Person, World
from tests.fakes.telegram.updates import Updates
from tests.fakes.telegram.users import Users
from tests.fakes.telegram.wire import MAX_BODY, Call, read_fields

T = TypeVar("T")
TOKEN = "4242:test-token-of-the-fake-telegram-server"
LOOK_AGAIN = 0.25
"""Seconds after which a predicate is asked again though nothing happened: drafts end by themselves."""
UNCOUNTED = {"getupdates", "getme", "setwebhook", "deletewebhook", "getwebhookinfo"}
UNKNOWN_ARGUMENTS = {
    "business_connection_id", "direct_messages_topic_id", "ephemeral_message_parameters", "inline_message_id",
    "receiver_user_id", "suggested_post_parameters",
}  # fmt: skip
"""What would send a message elsewhere than the rest of a call says; nothing is sent then."""
DRAFTS = {"sendmessagedraft", "sendrichmessagedraft"}
IN_CHATS = {"sendmessage", "sendrichmessage", "senddocument", "editmessagetext", "editmessagereplymarkup"}


class FakeTelegram:
    """One bot's Telegram: its people (`users`), what it recorded (`records`), its limits and its mishaps (`faults`).

    ```
    async with FakeTelegram().serving() as url: ...
    anna = telegram.users.person("Anna"); telegram.users.say(anna, anna, "Hello")
    answers = await telegram.wait_for(lambda: telegram.users.answers(anna))
    ```
    """

    def __init__(
        self, token: str = TOKEN, username: str = "consilium_bot", limits: Limits | None = None, seed: int = 0
    ) -> None:
        self.token = token
        bot = Person(int(token.partition(":")[0]), "Consilium", username, is_bot=True)
        self.records = Records()
        self.limits = limits or Limits()
        self.faults = Faults(seed)
        self.core = Core(World(bot, {bot.id: bot}), self.records, self.limits, Updates(answer=self._answer_to_post))
        self.users = Users(self.core)
        self.url = ""

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """The server's URL, as long as this is open."""
        app = web.Application(client_max_size=MAX_BODY * 2)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        add_control(app, self)
        app.router.add_route("*", "/{path:.*}", self._nothing)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self.url
        finally:
            self.core.updates.stop()
            await runner.cleanup()

    async def wait_for(self, predicate: Callable[[], T | Awaitable[T]], within: float = 10) -> T:
        """What a predicate comes to, as soon as it is true."""
        async with asyncio.timeout(within):
            while True:
                seen = self.records.version
                value = predicate()
                if inspect.isawaitable(value):
                    value = await value
                if value:
                    return value
                await self.records.next_change(seen, LOOK_AGAIN)

    async def _nothing(self, request: web.Request) -> web.Response:
        return _refusal(Refused(404, "Not Found"))

    async def _file(self, request: web.Request) -> web.Response:
        files = self.core.world.files.values()
        stored = next((f for f in files if f.path == request.match_info["path"]), None)
        if request.match_info["token"] != self.token or stored is None:
            return _refusal(Refused(404, "Not Found"))
        return web.Response(body=stored.data, content_type="application/octet-stream")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_token(request.match_info["token"])
            args, files = await read_fields(request.headers, request.content)
        except Refused as refused:
            return _refusal(refused)
        call = Call(request.match_info["method"].lower(), {**request.query, **args}, files)
        record = self.records.request(call.method, call.args, {f.name: len(f.data) for f in files.values()})
        fault = self.faults.draw(call.method, call.text("chat_id"))
        record.fault = f"{fault.kind} {'after' if fault.after else 'before'}" if fault else None
        answer: web.StreamResponse | None = None
        if fault and not fault.after:
            answer = await self._befall(fault, call, request)
        if answer is None:
            answer = await self._answer(call, record)
        if fault and fault.after:
            answer = await self._befall(fault, call, request) or answer
        record.status = answer.status
        record.answered_at = time.monotonic()
        self.records.changed()
        return answer

    def _check_token(self, token: str) -> None:
        if token != self.token:
            whole = ":" in token and not token.startswith("0") and len(token) <= 80
            raise Refused(401, "Unauthorized" if whole else "Unauthorized: invalid token specified")

    async def _answer(self, call: Call, record: Request) -> web.Response:
        try:
            result = await self.perform(call)
        except Refused as refused:
            record.description, record.parameters = refused.description, refused.parameters
            return _refusal(refused)
        record.result = result
        return web.json_response({"ok": True, "result": result})

    async def perform(self, call: Call) -> Any:
        """Do what a method does."""
        handler = METHODS.get(call.method)
        if handler is None:
            self.records.unknown_methods.append(call.method)
            raise Refused(404, "Not Found: method not found")
        if unknown := UNKNOWN_ARGUMENTS & {name for name, value in call.args.items() if value}:
            raise Refused(501, f"Not Implemented: this server knows nothing of {', '.join(sorted(unknown))}")
        if call.method not in UNCOUNTED:
            self.limits.admit(call.method)
        result = handler(self.core, call)
        return await result if inspect.isawaitable(result) else result

    async def _befall(self, fault: Fault, call: Call, request: web.Request) -> web.StreamResponse | None:
        """What a mishap answers; None when it was only slow."""
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
                return None
            case "error":
                return _refusal(Refused(fault.status, web.Response(status=fault.status).reason or "Error"))
            case "html":
                return web.Response(
                    status=fault.status, text="<html><body>Bad Gateway</body></html>", content_type="text/html"
                )
            case "flood":
                scope = "draft" if call.method in DRAFTS else "chat" if call.method in IN_CHATS else call.method
                try:
                    self.limits.close(
                        scope, int(fault.seconds), call.integer("chat_id") if scope in ("draft", "chat") else 0
                    )
                except Refused as refused:
                    return _refusal(refused)
        if fault.kind == "drop" and request.transport is not None:
            request.transport.abort()
        await asyncio.Event().wait()
        return None

    async def _answer_to_post(self, response: aiohttp.ClientResponse) -> None:
        """Perform the method a bot called by its answer to a post; what comes of it nobody is told."""
        try:
            args, files = await read_fields(response.headers, response.content)
            method = args.pop("method", "").lower()
            if method and not method.startswith("get"):
                call = Call(method, args, files)
                await self._answer(
                    call, self.records.request(method, args, {f.name: len(f.data) for f in files.values()})
                )
        except Refused:
            return


def _refusal(refused: Refused) -> web.Response:
    headers = {"Retry-After": str(refused.parameters["retry_after"])} if "retry_after" in refused.parameters else {}
    return web.Response(
        status=refused.code, text=json.dumps(refused.body()), content_type="application/json", headers=headers
    )
