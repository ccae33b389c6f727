"""The SGLang servers behind the address the settings give, and what each says of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.app.settings import Settings
from inference.engines.sglang import Timeouts
from inference.engines.sglang.api import ServerLimits
from inference.engines.sglang.client import ApiKeys, ServerClient
from inference.engines.sglang.fleet import DiscoveredServers, discover_servers
from inference.engines.sglang.server import SGLangServer


class ExposedKeys(BaseModel):
    """The part of `/server_info` that lets out keys: a server shows them to whoever may ask for answers."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    api_key: str | None = Field(None, repr=False)
    admin_api_key: str | None = Field(None, repr=False)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server says of itself."""

    url: str
    limits: ServerLimits
    loaded_adapters: int
    """Adapters in its memory now."""
    exposed_keys: ExposedKeys


def engine_keys(settings: Settings) -> ApiKeys:
    """The keys the service has for its servers."""
    api, admin = settings.sglang_api_key, settings.sglang_admin_key
    return ApiKeys(api.get_secret_value() if api else None, admin.get_secret_value() if admin else None)


async def find_servers(url: str, keys: ApiKeys) -> DiscoveredServers:
    """Ask the address who is behind it.

    Raises:
        EngineError: nobody answers there, or the keys do not do.
    """
    async with _link(url, keys) as link:
        return await discover_servers(link)


async def inspect_server(url: str, keys: ApiKeys) -> ServerInfo:
    """Ask one server about itself; nothing on it is changed.

    Raises:
        EngineError: it cannot be reached, does not take the API key, or is no SGLang server.
    """
    async with _link(url, keys) as link:
        server = SGLangServer(link)
        limits = await server.limits()
        loaded = await server.loaded()
        reply = await link.request("GET", "/server_info")
        try:
            shown = ExposedKeys.model_validate_json(reply.body)
        except ValidationError as error:
            raise link.status_error(reply.status, reply.reason) from error
    return ServerInfo(link.url, limits, len(loaded), shown)


@asynccontextmanager
async def _link(url: str, keys: ApiKeys) -> AsyncIterator[ServerClient]:
    link = ServerClient(url, keys, Timeouts())
    try:
        yield link
    finally:
        await link.close()
