"""One SGLang server: its state, and the adapters it loads and unloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from inference.engines.errors import AdapterNotLoadable
from inference.engines.remote.bodies import ModelList
from inference.engines.sglang.api import LoadReply, ScoreReply, ServerLimits, score_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.adapters.usage import AdapterRef
    from inference.engines.remote.client import Reply, ServerClient

M = TypeVar("M", bound=BaseModel)

_ALREADY_LOADED = "already loaded"
_NOT_LOADED = "does not exist"
_HALF_UNLOADED = "incomplete unload"


class SGLangServer:
    """The control endpoints of one server. What they do was seen by running them: see docs/sglang.md.

    What every method raises is said in `inference.engines.remote.port.AdapterServer`.
    """

    def __init__(self, client: ServerClient) -> None:
        self._client = client

    @property
    def url(self) -> str:
        return self._client.url

    @property
    def lists_by_use(self) -> bool:
        return True

    async def limits(self) -> ServerLimits:
        """What it was started for."""
        return self._parse(ServerLimits, await self._client.request("GET", "/server_info"))

    async def loaded(self) -> dict[str, str]:
        """The adapters it holds now: name and folder, the least recently used first."""
        return self._parse(ModelList, await self._client.request("GET", "/v1/models")).adapters

    async def load(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Have it load an adapter; one it holds already is no error.

        Raises:
            AdapterNotLoadable: it will not take it.
        """
        body = {"lora_name": adapter.name, "lora_path": str(adapter.path.absolute()), "pinned": pinned}
        result = await self._post_adapter("/load_lora_adapter", body, adapter.name)
        if not result.success and _HALF_UNLOADED in (result.error_message or ""):
            await self.unload(adapter.name)
            result = await self._post_adapter("/load_lora_adapter", body, adapter.name)
        if not result.success and _ALREADY_LOADED not in (result.error_message or ""):
            raise self._load_error(adapter.name, result)

    async def unload(self, name: str) -> None:
        """Have it let go of an adapter, which waits until that adapter's running answers are out.

        One it does not hold is no error. It still knows the folder, and takes the adapter from there again when a
        request names it.

        Raises:
            AdapterNotLoadable: it cannot.
        """
        result = await self._post_adapter("/unload_lora_adapter", {"lora_name": name}, name)
        if not result.success and _NOT_LOADED not in (result.error_message or ""):
            raise self._load_error(name, result)

    async def logprobs(self, prompts: Sequence[tuple[Sequence[int], str | None]]) -> list[list[float]]:
        """Natural logarithms of how likely each token after the first of each prompt is, all in one batch.

        Args:
            prompts: token ids, and the name of a loaded adapter, or None for the base model.

        Raises:
            EngineRefused: it does not know the adapter, or takes no such prompt.
        """
        body = score_request([list(ids) for ids, _ in prompts], [name for _, name in prompts], start=0)
        reply = await self._client.request("POST", "/generate", body, seconds=self._client.timeouts.first_token)
        if reply.status != 200:
            raise self._client.status_error(reply.status, reply.reason)
        return [logprobs[1:] for logprobs in ScoreReply.parse(reply.body)]

    async def _post_adapter(self, path: str, body: dict[str, Any], adapter: str) -> LoadReply:
        reply = await self._client.request("POST", path, body, seconds=self._client.timeouts.load_adapter, admin=True)
        try:
            return LoadReply.model_validate_json(reply.body)
        except ValidationError as error:
            raise AdapterNotLoadable(adapter=adapter, reason=reply.reason) from error

    def _load_error(self, adapter: str, result: LoadReply) -> AdapterNotLoadable:
        reason = (result.error_message or "no reason given").strip().rstrip(".")
        return AdapterNotLoadable(adapter=adapter, reason=reason)

    def _parse(self, model: type[M], reply: Reply) -> M:
        if reply.status != 200:
            raise self._client.status_error(reply.status, reply.reason)
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            raise self._client.unavailable_error(f"it sent something unexpected: {reply.reason[:80]}") from error
