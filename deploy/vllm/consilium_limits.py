"""What a vLLM server tells Consilium and asks of it; a middleware that `launch` puts into the server.

vLLM says nowhere for which adapters it was started, and it loads and unloads them for whoever may ask for answers.
So `GET /consilium/limits` says the first, and with an admin key only its holder may do the second.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

LIMITS_PATH = "/consilium/limits"
LIMITS = "CONSILIUM_VLLM_LIMITS"
"""Variable in which the launcher leaves what to say, as JSON."""
ADMIN_KEY = "CONSILIUM_VLLM_ADMIN_KEY"
GUARDED = {"/v1/load_lora_adapter", "/v1/unload_lora_adapter"}


class Consilium:
    """Answers what it knows itself and passes on everything else."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._limits = os.environ.get(LIMITS, "{}").encode()
        self._admin_key = os.environ.get(ADMIN_KEY)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == LIMITS_PATH:
            await _reply(send, 200, self._limits)
        elif scope["path"] in GUARDED and self._admin_key and not _holds(scope, self._admin_key):
            await _reply(send, 401, json.dumps({"error": {"message": "the admin key is missing"}}).encode())
        else:
            await self._app(scope, receive, send)


def _holds(scope: Message, key: str) -> bool:
    sent = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return secrets.compare_digest(sent, f"Bearer {key}".encode())


async def _reply(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
