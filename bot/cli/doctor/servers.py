"""The servers behind the address in the settings, and what each reports about itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.app.settings import Settings
from inference.engines.remote.client import ApiKeys, ServerClient
from inference.engines.remote.fleet import DiscoveredServers, discover_servers
from inference.engines.sglang import Timeouts
from inference.engines.sglang.api import ServerLimits
from inference.engines.sglang.server import SGLangServer
from inference.engines.vllm.api import ServerLimits as VLLMLimits
from inference.engines.vllm.server import VLLMServer


class ExposedKeys(BaseModel):
    """The keys in `/server_info`: a server shows them to everybody who may ask it for answers."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    api_key: str | None = Field(None, repr=False)
    admin_api_key: str | None = Field(None, repr=False)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server reports about itself."""

    url: str
    limits: ServerLimits
    loaded_adapters: int
    """Number of adapters in its memory now."""
    exposed_keys: ExposedKeys


@dataclass(frozen=True, slots=True)
class VLLMInfo:
    """What a vLLM server reports about itself."""

    url: str
    limits: VLLMLimits
    loaded_adapters: int
    """Number of adapters in its memory now."""


def engine_keys(settings: Settings) -> ApiKeys:
    """The service's keys for its servers."""
    api, admin = settings.engine_api_key, settings.engine_admin_key
    return ApiKeys(api.get_secret_value() if api else None, admin.get_secret_value() if admin else None)


async def find_servers(url: str, keys: ApiKeys) -> DiscoveredServers:
    """Find the servers behind an address.

    Raises:
        EngineError: nothing answers there, or the keys are not accepted.
    """
    async with _connect(url, keys) as client:
        return await discover_servers(client)


async def inspect_server(url: str, keys: ApiKeys) -> ServerInfo:
    """Ask one server about itself, without changing anything on it.

    Raises:
        EngineError: it cannot be reached, does not accept the API key, or is not an SGLang server.
    """
    async with _connect(url, keys) as client:
        server = SGLangServer(client)
        limits = await server.limits()
        loaded = await server.loaded()
        reply = await client.request("GET", "/server_info")
        try:
            exposed_keys = ExposedKeys.model_validate_json(reply.body)
        except ValidationError as error:
            raise client.status_error(reply.status, reply.reason) from error
    return ServerInfo(client.url, limits, len(loaded), exposed_keys)


async def inspect_vllm_server(url: str, keys: ApiKeys) -> VLLMInfo:
    """Ask one vLLM server about itself, without changing anything on it.

    Raises:
        AdaptersDisabled: something else than our launcher started it.
        EngineError: it cannot be reached, or does not accept the API key.
    """
    async with _connect(url, keys) as client:
        server = VLLMServer(client)
        return VLLMInfo(client.url, await server.limits(), len(await server.loaded()))


@asynccontextmanager
async def _connect(url: str, keys: ApiKeys) -> AsyncIterator[ServerClient]:
    client = ServerClient(url, keys, Timeouts())
    try:
        yield client
    finally:
        await client.close()
