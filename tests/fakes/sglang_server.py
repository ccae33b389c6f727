"""An SGLang server over a real socket, as strict as the real one and stricter where that finds mistakes.

What it does was seen in SGLang 0.5.23: adapters are chosen by `model: "<base>:<adapter>"`, an adapter's name alone is
answered by the base, one never loaded is refused with the list of names, and a name is loaded once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

KNOWN = {
    "model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p", "top_k", "min_p",
    "repetition_penalty", "stop_token_ids", "chat_template_kwargs", "seed",
}  # fmt: skip


@dataclass
class SGLangServer:
    """How the server behaves, and what it has seen."""

    base: str = "base"
    pieces: Sequence[str] = ("Rest", " and", " sleep.")
    finish_reason: str = "stop"
    api_key: str | None = None
    admin_key: str | None = None
    forgets: bool = False
    """Takes adapters and does not keep them."""
    refuses_adapters: str | None = None
    """What it says instead of loading an adapter."""
    fails_with: tuple[int, str] | None = None
    """Status and body of every answer."""
    breaks: str | None = None
    """What happens after the second piece: `drop` (the connection), `end` (without the last events), `stall`,
    `error` (an error event) or `nonsense`."""
    gate: asyncio.Event | None = None
    """Held open, it lets loading and answering go on."""

    loaded: dict[str, str] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    aborted: asyncio.Event = field(default_factory=asyncio.Event)
    """The client went away in mid-answer."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, *, requests: int = 0, loads: int = 0) -> None:
        """Return when at least so many requests for answers and for loading have come."""
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(self.requests) >= requests and len(self.loads) >= loads)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """The server's URL, as long as this is open."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/load_lora_adapter", self._load)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _load(self, request: web.Request) -> web.Response:
        if not _authorised(request, self.admin_key or self.api_key):
            return _unauthorised()
        body = await request.json()
        assert set(body) == {"lora_name", "lora_path", "pinned"}, body
        name, path = body["lora_name"], Path(body["lora_path"])
        await self._note(self.loads, name)
        if self.gate is not None:
            await self.gate.wait()
        problem = self.refuses_adapters
        if name in self.loaded:
            problem = f"Failed to load LoRA adapter {name} because it is already loaded"
        elif not path.is_absolute() or not (path / "adapter_config.json").is_file():
            problem = f"{path} has no adapter_config.json"
        if problem is None and not self.forgets:
            self.loaded[name] = str(path)
        reply = {"success": problem is None, "error_message": problem or "", "loaded_adapters": self.loaded}
        return web.json_response(reply, status=400 if problem else 200)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if not _authorised(request, self.api_key):
            return _unauthorised()
        body = await request.json()
        await self._note(self.requests, body)
        if self.fails_with is not None:
            status, text = self.fails_with
            return web.Response(status=status, text=text)
        if unknown := set(body) - KNOWN:
            return _bad_request(f"unknown fields: {unknown}")
        base, _, adapter = body["model"].partition(":")
        if adapter and adapter not in self.loaded:
            names = f"dict_keys({list(self.loaded)})"
            return _bad_request(
                f"Got LoRA adapter that has never been loaded: {adapter}\nAll loaded adapters: {names}."
            )
        if base != self.base and base not in self.loaded:
            return _bad_request(f"unknown model {base}")
        return await self._stream(request, body)

    async def _note(self, where: list[Any], what: object) -> None:
        async with self._news:
            where.append(what)
            self._news.notify_all()

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await _send(response, _chunk(role="assistant", content=""))
            for number, piece in enumerate(self.pieces[: body["max_tokens"]], 1):
                await _send(response, _chunk(content=piece))
                if number == 2 and self.breaks is not None:
                    return await self._break(request, response)
            await _send(response, _chunk(finish_reason=self.finish_reason))
            if body["stream_options"]["include_usage"]:
                usage = {"prompt_tokens": 7, "completion_tokens": len(self.pieces), "total_tokens": 0}
                await _send(response, {"choices": [], "usage": usage})
            await response.write(b"data: [DONE]\n\n")
        except (ConnectionResetError, asyncio.CancelledError):
            self.aborted.set()
            raise
        return response

    async def _break(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if self.breaks == "drop":
            assert request.transport is not None
            request.transport.abort()
        elif self.breaks == "stall":
            await asyncio.Event().wait()
        elif self.breaks == "error":
            await _send(response, {"error": {"object": "error", "message": "out of memory", "code": 500}})
        elif self.breaks == "nonsense":
            await response.write(b"data: {not json\n\n")
        return response


def _authorised(request: web.Request, key: str | None) -> bool:
    return key is None or request.headers.get("Authorization") == f"Bearer {key}"


def _unauthorised() -> web.Response:
    return web.json_response({"error": "Unauthorized"}, status=401)


def _bad_request(message: str) -> web.Response:
    error = {"object": "error", "message": message, "type": "BadRequest", "param": None, "code": 400}
    return web.json_response(error, status=400)


def _chunk(finish_reason: str | None = None, **delta: str) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason, "matched_stop": None}
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
