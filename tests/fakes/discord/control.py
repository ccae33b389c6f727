"""The control API: whatever `People` can do, for a test in another process."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, web

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake


def add_routes(app: web.Application, fake: DiscordFake) -> None:
    """`POST /control/NAME` calls `people.NAME` with `{"args": […], "kwargs": {…}}` and answers `{"result": …}`."""

    async def call(request: web.Request) -> web.Response:
        method = getattr(fake.people, request.match_info["name"], None)
        if request.match_info["name"].startswith("_") or not callable(method):
            return web.json_response({"error": "no such thing to do"}, status=404)
        given = json.loads(await request.read() or b"{}")
        try:
            result = method(*given.get("args", ()), **given.get("kwargs", {}))
            result = await result if inspect.isawaitable(result) else result
        except Exception as error:  # whatever it is, the test in the other process wants to read it
            return web.json_response({"error": str(error), "type": type(error).__name__}, status=400)
        return web.json_response({"result": result})

    async def about(request: web.Request) -> web.Response:
        return web.json_response({"api": fake.api_base, "gateway": fake.gateway_url, "bot": str(fake.world.bot.id)})

    app.router.add_get("/control/", about)
    app.router.add_post("/control/{name}", call)


class ControlError(Exception):
    """What the fake in the other process said."""


class RemotePeople:
    """`People` of a fake in another process: the same methods, all awaited."""

    def __init__(self, url: str, session: ClientSession) -> None:
        self._url = url
        self._session = session

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            async with self._session.post(
                f"{self._url}/control/{name}", json={"args": args, "kwargs": kwargs}
            ) as reply:
                body = await reply.json()
            if "error" in body:
                raise ControlError(f"{body.get('type', '')}: {body['error']}")
            return body["result"]

        return call
