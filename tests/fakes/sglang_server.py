"""An SGLang server over a real socket, as strict as the real one and stricter where that finds mistakes.

What it does was seen in SGLang 0.5.23 (docs/sglang.md): adapters are chosen by `model: "<base>:<adapter>"`, an
adapter's name alone is answered by the base, one never loaded is refused with the list of names, a name is loaded
once, one that was unloaded comes back from its folder with the next request for it. Where the real server would go
deaf for as long as an answer takes (unloading an adapter in use, loading one too many), this one notes an offence.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

KNOWN = {
    "model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p", "top_k", "min_p",
    "repetition_penalty", "stop_token_ids", "chat_template_kwargs", "seed", "continue_final_message", "response_format",
    "separate_reasoning", "skip_special_tokens", "tools", "frequency_penalty", "presence_penalty", "logit_bias",
}  # fmt: skip


@dataclass
class SGLangServer:
    """How the server behaves, and what it has seen."""

    version: str = "0.5.23"
    base: str = "base"
    pieces: Sequence[str] = ("Rest", " and", " sleep.")
    answer_head: str = ""
    """What every answer is begun with by those who ask."""
    base_pieces: Sequence[str] | None = None
    """What it answers without an adapter, where that is something else."""
    echoes: bool = False
    """Answers with the question instead, a word a piece, between `«` and `».`."""
    calls: str | None = None
    """The call, in its template's form, that it answers with when it is offered tools. It says a result back."""
    recites: bool = False
    """Says, instead of the pieces, everything it was asked: the most that an answer can give away."""
    pause: float = 0.0
    """Seconds before each piece."""
    finish_reason: str = "stop"
    api_key: str | None = None
    admin_key: str | None = None
    max_rank: int = 32
    modules: Sequence[str] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    slots: int = 8
    max_loaded: int | None = 16
    overlap: bool = False
    enable_lora: bool = True
    forgets: bool = False
    """Takes adapters and does not keep them."""
    inert: bool = False
    """Takes adapters and answers as without them."""
    refuses_adapters: str | None = None
    """What it says instead of loading an adapter."""
    fails_with: tuple[int, str] | None = None
    """Status and body of every answer."""
    breaks: str | None = None
    """What happens after the second piece: `drop` (the connection), `end` (without the last events), `stall`,
    `error` (an error event) or `nonsense`."""
    breaks_left: int | None = None
    """How many answers break like that; None for all."""
    unload_gate: asyncio.Event | None = None
    """Held open, it lets unloading go on: a server whose count of answers is wrong waits for ever."""
    gate: asyncio.Event | None = None
    """Held open, it lets loading go on."""
    prefill_gate: asyncio.Event | None = None
    """What an answer waits for before its head."""
    answer_gate: asyncio.Event | None = None
    """Held open, it lets answers go on past their first piece."""

    loaded: dict[str, str] = field(default_factory=dict)
    """Name and folder of what it holds, the least recently used first."""
    known: dict[str, str] = field(default_factory=dict)
    """All it ever held."""
    loads: list[str] = field(default_factory=list)
    unloads: list[str] = field(default_factory=list)
    pinned: set[str] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)
    scored: list[dict[str, Any]] = field(default_factory=list)
    running: Counter[str] = field(default_factory=Counter)
    """Answers that are being given, by adapter."""
    offences: list[str] = field(default_factory=list)
    """What would have made the real server go deaf."""
    aborted: asyncio.Event = field(default_factory=asyncio.Event)
    """The client went away in mid-answer."""
    connections: set[int] = field(default_factory=set)
    """Ports that requests for answers came from."""
    url: str = ""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, *, requests: int = 0, loads: int = 0) -> None:
        """Return when at least so many requests for answers and for loading have come."""
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(self.requests) >= requests and len(self.loads) >= loads)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """The server's URL, as long as this is open. Each start is a new process's: it holds no adapters."""
        self.loaded, self.known, self.pinned = {}, {}, set()
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/generate", self._generate)
        app.router.add_post("/load_lora_adapter", self._load)
        app.router.add_post("/unload_lora_adapter", self._unload)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/server_info", self._info)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self.url
        finally:
            await runner.cleanup()

    async def _info(self, request: web.Request) -> web.Response:
        if not _authorised(request, self.api_key):
            return _unauthorised()
        return web.json_response(
            {
                "version": self.version,
                "served_model_name": self.base,
                "model_path": "/models/base",
                "enable_lora": self.enable_lora,
                "max_lora_rank": self.max_rank,
                "lora_target_modules": list(self.modules),
                "max_loras_per_batch": self.slots,
                "max_loaded_loras": self.max_loaded,
                "lora_backend": "torch_native",
                "dp_size": 1,
                "max_req_input_len": 8186,
                "max_total_num_tokens": 20000,
                "enable_lora_overlap_loading": self.overlap,
                "api_key": self.api_key,
                "admin_api_key": self.admin_key,
            }
        )

    async def _models(self, request: web.Request) -> web.Response:
        if not _authorised(request, self.api_key):
            return _unauthorised()
        base = {"id": self.base, "object": "model", "root": self.base, "parent": None}
        adapters = [{"id": n, "object": "model", "root": p, "parent": self.base} for n, p in self.loaded.items()]
        return web.json_response({"object": "list", "data": [base, *adapters]})

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
        elif json.loads((path / "adapter_config.json").read_text())["r"] > self.max_rank:
            problem = f"LoRA adapter {name} is incompatible with the current LoRA memory pool configuration"
        if problem is None:
            self.known[name] = str(path)
            if not self.forgets:
                self._take(name)
            if body["pinned"]:
                self.pinned.add(name)
        return self._moved(problem)

    async def _unload(self, request: web.Request) -> web.Response:
        if not _authorised(request, self.admin_key or self.api_key):
            return _unauthorised()
        body = await request.json()
        assert set(body) == {"lora_name"}, body
        name = body["lora_name"]
        self.unloads.append(name)
        if self.unload_gate is not None:
            await self.unload_gate.wait()
        if name not in self.loaded:
            return self._moved(f"LoRA with name {name} does not exist. Loaded LoRAs: odict_keys({list(self.loaded)})")
        if self.running[name]:
            self.offences.append(f"unloaded {name} while it answered")
        del self.loaded[name]
        self.pinned.discard(name)
        return self._moved(None)

    def _take(self, name: str) -> None:
        self.loaded[name] = self.known[name]
        if self.max_loaded is not None and len(self.loaded) > self.max_loaded:
            self.offences.append(f"loaded {name} over the cap")
            del self.loaded[next(iter(self.loaded))]

    def _moved(self, problem: str | None) -> web.Response:
        reply = {"success": problem is None, "error_message": problem or "", "loaded_adapters": self.loaded}
        return web.json_response(reply, status=400 if problem else 200)

    async def _generate(self, request: web.Request) -> web.Response:
        if not _authorised(request, self.api_key):
            return _unauthorised()
        body = await request.json()
        await self._note(self.scored, body)
        assert body["sampling_params"]["max_new_tokens"] == 0, body
        assert body["return_logprob"], body
        replies = []
        batch = isinstance(body["input_ids"][0], list)
        prompts, adapters = body["input_ids"], body["lora_path"]
        for ids, adapter in zip(prompts, adapters, strict=True) if batch else [(prompts, adapters)]:
            if adapter is not None and (refused := self._asked_for(adapter)):
                return refused
            loss = -1.0 if adapter is None or self.inert else -2.0
            start = body["logprob_start_len"]
            told = [[loss if i > start else None, ids[i], None] for i in range(start, len(ids))]
            replies.append({"text": "", "meta_info": {"input_token_logprobs": told}})
        return web.json_response(replies if batch else replies[0])

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if not _authorised(request, self.api_key):
            return _unauthorised()
        body = await request.json()
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername")[1])
        await self._note(self.requests, body)
        if self.fails_with is not None:
            status, text = self.fails_with
            return web.Response(status=status, text=text)
        if unknown := set(body) - KNOWN:
            return _bad_request(f"unknown fields: {unknown}")
        base, _, adapter = body["model"].partition(":")
        if adapter and (refused := self._asked_for(adapter)):
            return refused
        if base != self.base and base not in self.loaded:
            return _bad_request(f"unknown model {base}")
        self.running[adapter] += 1
        try:
            return await self._stream(request, body)
        finally:
            self.running[adapter] -= 1

    def _asked_for(self, adapter: str) -> web.Response | None:
        """What is said when a request names an adapter that was never here."""
        if adapter not in self.known or self.forgets:
            names = f"dict_keys({list(self.known)})"
            return _bad_request(
                f"Got LoRA adapter that has never been loaded: {adapter}\nAll loaded adapters: {names}."
            )
        self.loaded.pop(adapter, None)
        self._take(adapter)
        return None

    async def _note(self, where: list[Any], what: object) -> None:
        async with self._news:
            where.append(what)
            self._news.notify_all()

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        own = self.pieces if ":" in body["model"] or self.base_pieces is None else self.base_pieces
        pieces = _echo(body) if self.echoes else list(own)
        if self.calls is not None and body.get("tools"):
            last = body["messages"][-1]
            pieces = [f"The result is {last['content']}."] if last["role"] == "tool" else [self.calls]
        if self.recites:
            pieces = [f"{message['content']}\n" for message in body["messages"]]
        if body.get("continue_final_message"):
            assert body["messages"][-1]["role"] == "assistant"
            so_far = body["messages"][-1]["content"].removeprefix(self.answer_head)
            while so_far and pieces and so_far.startswith(pieces[0]):
                so_far = so_far.removeprefix(pieces.pop(0))
            assert not so_far, f"an answer that was never given: {body['messages'][-1]['content']!r}"
        if self.prefill_gate is not None:
            await self.prefill_gate.wait()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await _send(response, _chunk(role="assistant", content=""))
            for number, piece in enumerate(pieces[: body["max_tokens"]], 1):
                await asyncio.sleep(self.pause)
                await _send(response, _chunk(content=piece))
                if number == 1 and self.answer_gate is not None:
                    await self.answer_gate.wait()
                if number == 2 and self.breaks is not None and self.breaks_left != 0:
                    if self.breaks_left is not None:
                        self.breaks_left -= 1
                    return await self._break(request, response)
            await _send(response, _chunk(finish_reason=self.finish_reason))
            if body["stream_options"]["include_usage"]:
                usage = {"prompt_tokens": 7, "completion_tokens": len(pieces), "total_tokens": 0}
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


def _echo(body: dict[str, Any]) -> list[str]:
    question = next(message["content"] for message in reversed(body["messages"]) if message["role"] == "user")
    words = question.split()
    return ["«", *(word if n == 0 else f" {word}" for n, word in enumerate(words)), "»."]


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
