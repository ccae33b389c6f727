"""A router over a real socket, as sglang-router 0.3.2 behaves: it chooses a server for each answer, passes streams on,
says which servers there are, and knows nothing of adapters."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

PASSED_ON = ("/v1/chat/completions", "/generate")


@dataclass
class SGLangRouter:
    """Sends each request to the next of its healthy servers."""

    workers: dict[str, bool] = field(default_factory=dict)
    """Address of each server, and whether it counts as healthy."""
    api_key: str | None = None
    """What it wants to be asked with."""
    chosen: list[str] = field(default_factory=list)
    """Where each request went."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The router's URL, as long as this is open."""
        self._turn = itertools.count()
        app = web.Application()
        app.router.add_get("/workers", self._list)
        for path in PASSED_ON:
            app.router.add_post(path, self._pass_on)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        async with aiohttp.ClientSession() as self._client:
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                yield f"http://127.0.0.1:{runner.addresses[0][1]}"
            finally:
                await runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        if self.api_key is not None and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return web.json_response({}, status=401)
        workers = [
            {"id": str(n), "url": url, "model_id": "unknown", "is_healthy": healthy, "worker_type": "regular"}
            for n, (url, healthy) in enumerate(self.workers.items())
        ]
        return web.json_response({"workers": workers, "total": len(workers), "stats": {}})

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        healthy = [url for url, fine in self.workers.items() if fine]
        if not healthy:
            return web.json_response({"error": {"message": "No available workers", "code": 503}}, status=503)
        body = await request.json()
        if isinstance(body.get("lora_path"), list):
            return web.json_response({"error": {"message": "invalid type: sequence", "code": 400}}, status=400)
        url = healthy[next(self._turn) % len(healthy)]
        self.chosen.append(url)
        try:
            async with self._client.post(url + request.path, json=body) as answer:
                response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                return response
        except aiohttp.ClientConnectorError as error:
            return web.json_response({"error": {"message": str(error), "code": 502}}, status=502)
        except aiohttp.ClientError:
            assert request.transport is not None
            request.transport.abort()
            raise
