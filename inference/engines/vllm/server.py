"""One vLLM server: its state, and the adapters it loads and unloads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from inference.engines.errors import AdapterNotLoadable, AdaptersDisabled
from inference.engines.remote.bodies import ModelList
from inference.engines.vllm.api import ScoreReply, ServerLimits, score_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.adapters.usage import AdapterRef
    from inference.engines.remote.client import Reply, ServerClient

M = TypeVar("M", bound=BaseModel)

_ALREADY_LOADED = "already been loaded"


class VLLMServer:
    """The control endpoints of one server. What they do was seen by running them: see docs/vllm.md.

    What every method raises is said in `inference.engines.remote.port.AdapterServer`.
    """

    def __init__(self, client: ServerClient) -> None:
        self._client = client
        self._served_name: str | None = None

    @property
    def url(self) -> str:
        return self._client.url

    @property
    def lists_by_use(self) -> bool:
        return False

    async def limits(self) -> ServerLimits:
        """What it was started for.

        Raises:
            AdaptersDisabled: it does not tell, because something else than our launcher started it.
        """
        reply = await self._client.request("GET", "/consilium/limits")
        if reply.status == 404:
            reason = "it does not tell which, because deploy/vllm/launch did not start it"
            raise AdaptersDisabled(url=self.url, reason=reason)
        limits = self._parse(ServerLimits, reply)
        models = await self._models()
        length = next((model.max_model_len for model in models.data if model.id == limits.served_name), None)
        self._served_name = limits.served_name
        return limits.model_copy(update={"input_tokens": length})

    async def loaded(self) -> dict[str, str]:
        """The adapters it holds now: name and folder, the first loaded first."""
        return (await self._models()).adapters

    async def load(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Have it load an adapter; one it holds already is no error. It pins none: the residency keeps ours.

        Raises:
            AdapterNotLoadable: it will not take it.
        """
        body = {"lora_name": adapter.name, "lora_path": str(adapter.path.absolute())}
        reply = await self._post_adapter("/v1/load_lora_adapter", body)
        if reply.status != 200 and _ALREADY_LOADED not in reply.reason:
            raise AdapterNotLoadable(adapter=adapter.name, reason=reply.reason.strip().rstrip("."))

    async def unload(self, name: str) -> None:
        """Have it let go of an adapter, at once: running answers end with it, and new ones are refused.

        Raises:
            AdapterNotLoadable: it cannot.
        """
        reply = await self._post_adapter("/v1/unload_lora_adapter", {"lora_name": name})
        if reply.status not in (200, 404):
            raise AdapterNotLoadable(adapter=name, reason=reply.reason.strip().rstrip("."))

    async def logprobs(self, prompts: Sequence[tuple[Sequence[int], str | None]]) -> list[list[float]]:
        """Natural logarithms of how likely each token after the first of each prompt is, asked for side by side.

        Args:
            prompts: token ids, and the name of a loaded adapter, or None for the base model.

        Raises:
            EngineRefused: it does not know the adapter, or takes no such prompt.
        """
        if self._served_name is None:
            await self.limits()
        return list(await asyncio.gather(*(self._score(ids, name) for ids, name in prompts)))

    async def _score(self, ids: Sequence[int], adapter: str | None) -> list[float]:
        body = score_request(adapter or self._served_name or "", ids)
        reply = await self._client.request("POST", "/v1/completions", body, seconds=self._client.timeouts.first_token)
        if reply.status != 200:
            raise self._client.status_error(400 if reply.status == 404 else reply.status, reply.reason)
        try:
            return ScoreReply.parse(reply.body)[1:]
        except ValueError as error:
            raise self._client.unavailable_error("it sent something that is no account of likelihoods") from error

    async def _models(self) -> ModelList:
        return self._parse(ModelList, await self._client.request("GET", "/v1/models"))

    async def _post_adapter(self, path: str, body: dict[str, Any]) -> Reply:
        seconds = self._client.timeouts.load_adapter
        return await self._client.request("POST", path, body, seconds=seconds, admin=True)

    def _parse(self, model: type[M], reply: Reply) -> M:
        if reply.status != 200:
            raise self._client.status_error(reply.status, reply.reason)
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            raise self._client.unavailable_error(f"it sent something unexpected: {reply.reason[:80]}") from error
