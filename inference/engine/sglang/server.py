"""One SGLang server, asked about itself and told which adapters to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from inference.engine.errors import AdapterNotLoadable
from inference.engine.sglang.limits import ServerLimits
from inference.engine.sglang.wire import LoadReply, ModelList, ScoreReply, score_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.engine.port import AdapterRef
    from inference.engine.sglang.link import Link, Reply

M = TypeVar("M", bound=BaseModel)

_ALREADY = "already loaded"
_UNKNOWN = "does not exist"
_HALF_UNLOADED = "incomplete unload"


class SGLangServer:
    """The control endpoints of one server. What they do was seen by running them: see docs/sglang.md.

    Every method raises EngineUnavailable, EngineSilent or EngineSlow when the server cannot be reached, fails or
    takes too long, and EngineKeyRefused when it wants another key.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def url(self) -> str:
        return self._link.url

    async def limits(self) -> ServerLimits:
        """What it was started for."""
        return self._read(ServerLimits, await self._link.ask("GET", "/server_info"))

    async def loaded(self) -> dict[str, str]:
        """The adapters it holds now: name and folder, the least recently used first."""
        models = self._read(ModelList, await self._link.ask("GET", "/v1/models"))
        return {model.id: model.root for model in models.data if model.parent is not None}

    async def load(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Have it load an adapter; one it holds already is no error.

        Raises:
            AdapterNotLoadable: it will not take it.
        """
        body = {"lora_name": adapter.name, "lora_path": str(adapter.path.absolute()), "pinned": pinned}
        result = await self._move("/load_lora_adapter", body, adapter.name)
        if not result.success and _HALF_UNLOADED in (result.error_message or ""):
            await self.unload(adapter.name)
            result = await self._move("/load_lora_adapter", body, adapter.name)
        if not result.success and _ALREADY not in (result.error_message or ""):
            raise self._refused(adapter.name, result)

    async def unload(self, name: str) -> None:
        """Have it let go of an adapter, which waits until that adapter's running answers are out.

        One it does not hold is no error. It still knows the folder, and takes the adapter from there again when a
        request names it.

        Raises:
            AdapterNotLoadable: it cannot.
        """
        result = await self._move("/unload_lora_adapter", {"lora_name": name}, name)
        if not result.success and _UNKNOWN not in (result.error_message or ""):
            raise self._refused(name, result)

    async def logprobs(self, prompts: Sequence[tuple[Sequence[int], str | None]]) -> list[list[float]]:
        """Natural logarithms of how likely each token after the first of each prompt is, all in one batch.

        Args:
            prompts: token ids, and the name of a loaded adapter, or None for the base model.

        Raises:
            EngineRefused: it does not know the adapter, or takes no such prompt.
        """
        body = score_request([list(ids) for ids, _ in prompts], [name for _, name in prompts], start=0)
        reply = await self._link.ask("POST", "/generate", body, seconds=self._link.deadlines.first_token)
        if reply.status != 200:
            raise self._link.refused(reply.status, reply.reason)
        return [logprobs[1:] for logprobs in ScoreReply.read(reply.body)]

    async def _move(self, path: str, body: dict[str, Any], adapter: str) -> LoadReply:
        reply = await self._link.ask("POST", path, body, seconds=self._link.deadlines.load_adapter, admin=True)
        try:
            return LoadReply.model_validate_json(reply.body)
        except ValidationError as error:
            raise AdapterNotLoadable(adapter=adapter, reason=reply.reason) from error

    def _refused(self, adapter: str, result: LoadReply) -> AdapterNotLoadable:
        reason = (result.error_message or "no reason given").strip().rstrip(".")
        return AdapterNotLoadable(adapter=adapter, reason=reason)

    def _read(self, shape: type[M], reply: Reply) -> M:
        if reply.status != 200:
            raise self._link.refused(reply.status, reply.reason)
        try:
            return shape.model_validate_json(reply.body)
        except ValidationError as error:
            raise self._link.broken(f"it sent something unexpected: {reply.reason[:80]}") from error
