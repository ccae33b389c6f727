"""Brings adapters to an SGLang server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import structlog
from pydantic import ValidationError

from inference.engine.errors import (
    AdapterNotLoadable,
    EngineKeyRefused,
    EngineSlow,
    EngineStopped,
    EngineUnavailable,
)
from inference.engine.sglang.wire import LoadReply, refusal

if TYPE_CHECKING:
    from inference.engine.port import AdapterRef

log = structlog.get_logger(__name__)


class AdapterLoader:
    """Asks a server to load adapters, each once however many ask at the same time."""

    def __init__(self, client: httpx.AsyncClient, url: str, key: str | None, deadline: float) -> None:
        self._client = client
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._deadline = deadline
        self._loading: dict[str, asyncio.Task[None]] = {}

    async def load(self, adapter: AdapterRef) -> None:
        """Return when the server has it. A caller who is cancelled leaves the others' loading alone.

        Raises:
            AdapterNotLoadable: the server will not take it.
            EngineKeyRefused: the server wants another admin key.
            EngineUnavailable, EngineSlow: the server cannot be reached, failed, or took too long.
        """
        task = self._loading.get(adapter.name)
        if task is None:
            task = asyncio.create_task(self._load(adapter), name=f"load {adapter.name}")
            self._loading[adapter.name] = task
            task.add_done_callback(lambda done: self._finished(adapter.name, done))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise EngineStopped from None  # it was `close` that cancelled the loading, not the caller

    async def close(self) -> None:
        tasks = list(self._loading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, name: str, task: asyncio.Task[None]) -> None:
        del self._loading[name]
        if not task.cancelled() and (error := task.exception()):
            log.warning("adapter.not_loaded", adapter=name, server=self._url, error=str(error))

    async def _load(self, adapter: AdapterRef) -> None:
        request = {"lora_name": adapter.name, "lora_path": str(adapter.path.absolute()), "pinned": False}
        try:
            async with asyncio.timeout(self._deadline):
                reply = await self._client.post("/load_lora_adapter", json=request, headers=self._headers)
        except TimeoutError as error:
            raise EngineSlow(url=self._url, seconds=self._deadline) from error
        except httpx.TransportError as error:
            raise EngineUnavailable(url=self._url, reason=str(error) or type(error).__name__) from error
        if reply.status_code in (401, 403):
            raise EngineKeyRefused(url=self._url, key="admin")
        if reply.status_code >= 500:
            raise EngineUnavailable(url=self._url, reason=refusal(reply.content))
        try:
            result = LoadReply.model_validate_json(reply.content)
        except ValidationError as error:
            raise AdapterNotLoadable(adapter=adapter.name, reason=refusal(reply.content)) from error
        # Another process may have loaded it in the meantime; equal names are equal weights.
        if not result.success and adapter.name not in (result.loaded_adapters or {}):
            reason = (result.error_message or "no reason given").strip().rstrip(".")
            raise AdapterNotLoadable(adapter=adapter.name, reason=reason)
        log.info("adapter.loaded", adapter=adapter.name, server=self._url)
