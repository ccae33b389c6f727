"""A vLLM server over a real socket, which behaves as vLLM 0.32.0 was seen to (docs/vllm.md).

An adapter is asked for by its name in place of the model's; one that is not loaded is 404; a name is loaded once, and
unloading it is at once and for good. Where the real server would read an adapter anew from its folder in the middle of
an answer (more adapters than it holds), this one notes an offence.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web


@dataclass
class VLLMServer:
    """How the server behaves, and what it has seen."""

    pieces: Sequence[str] = ("Rest", " and", " sleep.")
    api_key: str | None = None
    admin_key: str | None = None
    max_rank: int = 32
    modules: Sequence[str] | None = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    max_loaded: int = 16
    inert: bool = False
    """Takes adapters and answers as without them."""
    started_by_us: bool = True
    """Whether it says for which adapters it was started."""
    breaks_after: int | None = None
    """After so many pieces the connection of the first answer is dropped."""

    loaded: dict[str, str] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """For answers."""
    offences: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The server's URL, as long as this is open."""
        app = web.Application()
        app.router.add_post("/v1/completions", self._complete)
        app.router.add_post("/v1/load_lora_adapter", self._load)
        app.router.add_post("/v1/unload_lora_adapter", self._unload)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/consilium/limits", self._limits)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _limits(self, request: web.Request) -> web.Response:
        if not self.started_by_us:
            raise web.HTTPNotFound
        return web.json_response(
            {
                "version": "0.32.0",
                "served_name": "base",
                "model": "base",
                "enable_lora": True,
                "max_rank": self.max_rank,
                "modules": self.modules,
                "slots": 4,
                "max_loaded": self.max_loaded,
            }
        )

    async def _models(self, request: web.Request) -> web.Response:
        if not self._lets_in(request):
            return _error(401, "Unauthorized")
        adapters = [{"id": name, "root": path, "parent": "base"} for name, path in self.loaded.items()]
        return web.json_response(
            {"data": [{"id": "base", "root": "/m", "parent": None, "max_model_len": 4096}, *adapters]}
        )

    async def _load(self, request: web.Request) -> web.Response:
        if self.admin_key and request.headers.get("Authorization") != f"Bearer {self.admin_key}":
            return _error(401, "the admin key is missing")
        body = await request.json()
        name, path = body["lora_name"], Path(body["lora_path"])
        self.loads.append(name)
        if name in self.loaded:
            return _error(400, f"The lora adapter '{name}' has already been loaded.")
        if not (path / "adapter_config.json").is_file():
            return _error(404, f"Loading lora {name} failed: No adapter found for {path}")
        if (rank := json.loads((path / "adapter_config.json").read_text())["r"]) > self.max_rank:
            return _error(500, f"LoRA rank {rank} is greater than max_lora_rank {self.max_rank}.")
        self.loaded[name] = str(path)
        if len(self.loaded) > self.max_loaded:
            self.offences.append(f"loaded {name} over the cap")
        return web.Response(text=f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, request: web.Request) -> web.Response:
        name = (await request.json())["lora_name"]
        if self.loaded.pop(name, None) is None:
            return _error(404, f"The lora adapter '{name}' cannot be found.")
        return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if not self._lets_in(request):
            return _error(401, "Unauthorized")
        body = await request.json()
        model, prompt = body["model"], body["prompt"]
        if model != "base" and model not in self.loaded:
            return _error(404, f"The model `{model}` does not exist.")
        if not body.get("stream"):
            assert body["prompt_logprobs"] == 0, body
            loss = -1.0 if model == "base" or self.inert else -2.0
            told = [None, *({str(token): {"logprob": loss, "rank": 1}} for token in prompt[1:])]
            return web.json_response({"choices": [{"index": 0, "text": "", "prompt_logprobs": told}]})
        self.requests.append(body)
        if (body.get("response_format") or {}).get("json_schema", {}).get("schema", {}).get("type") == "nothing":
            refused = {"message": "Failed to transform json schema into a grammar: type nothing", "code": 400}
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await _send(response, {"error": refused})
            return response
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        begun = 0 if self.breaks_after is None or len(self.requests) == 1 else self.breaks_after
        for number, piece in enumerate(self.pieces):
            if number == self.breaks_after and len(self.requests) == 1:
                assert request.transport is not None
                request.transport.abort()
                return response
            if number >= begun:
                await _send(response, {"choices": [{"index": 0, "text": piece, "finish_reason": None}]})
        await _send(response, {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
        usage = {"prompt_tokens": len(prompt), "completion_tokens": len(self.pieces) - begun}
        await _send(response, {"choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")
        return response

    def _lets_in(self, request: web.Request) -> bool:
        keys = {f"Bearer {key}" for key in (self.api_key, self.admin_key) if key}
        return self.api_key is None or request.headers.get("Authorization") in keys


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "Error", "code": status}}, status=status)


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(event)}\n\n".encode())
