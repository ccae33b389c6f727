"""A server with OpenAI's `/v1/embeddings` over a real socket: vectors by letters, and misbehaviour on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def letters(text: str, dimensions: int) -> list[float]:
    """How often each of the first letters of the alphabet is in a text; never a zero vector."""
    return [1.0 + text.lower().count(chr(ord("a") + n)) for n in range(dimensions)]


@dataclass
class EmbeddingServer:
    """How the server behaves, and what it has seen."""

    model: str = "letters"
    api_key: str | None = None
    dimensions: int = 8
    fails: int = 0
    """How many requests it fails with 503 before it works."""
    status: int = 200
    body: bytes | None = None
    """What it says instead of embeddings."""
    stuck: bool = False
    """Whether it never answers."""
    gate: asyncio.Event | None = None
    """Held open, it lets other texts through than those in `passing`."""
    passing: frozenset[str] = frozenset({"?"})
    backwards: bool = False
    """Whether it gives the vectors last first; each says which it is."""
    requests: list[dict[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The server's URL, as long as this is open."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/v1/embeddings", self._embed)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _embed(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.requests.append(asked)
        if self.stuck:
            await asyncio.Event().wait()
        if self.gate is not None and not self.passing.issuperset(asked["input"]):
            await self.gate.wait()
        if self.api_key is not None and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return web.json_response({"error": {"message": "wrong key"}}, status=401)
        if self.fails:
            self.fails -= 1
            return web.json_response({"error": "loading"}, status=503)
        if self.body is not None:
            return web.Response(body=self.body, status=self.status, content_type="application/json")
        if asked["model"] != self.model:
            return web.json_response({"detail": "no such model"}, status=404)
        data = [
            {"index": n, "object": "embedding", "embedding": letters(text, self.dimensions)}
            for n, text in enumerate(asked["input"])
        ]
        return web.Response(
            text=json.dumps({"object": "list", "data": data[::-1] if self.backwards else data}),
            content_type="application/json",
        )
