"""Which servers stand behind an address: the one that is there, or those of a router."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from inference.engine.sglang.wire import WorkerList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.engine.sglang.link import ServerClient

_NO_ROUTER_STATUS = 404
"""How a server answers what only a router knows."""


@dataclass(frozen=True, slots=True)
class DiscoveredServers:
    """The servers there are."""

    ready: Sequence[str]
    """Addresses of those that are sent requests."""
    unhealthy: Sequence[str]
    """Addresses of those a router knows and sends nothing to."""
    has_router: bool
    """Whether a router stands before them."""


async def discover_servers(client: ServerClient) -> DiscoveredServers:
    """Ask the address who is behind it.

    Raises:
        EngineError: nobody answers there, or the keys do not do.
    """
    reply = await client.request("GET", "/workers")
    if reply.status == _NO_ROUTER_STATUS:
        return DiscoveredServers([client.url], [], has_router=False)
    try:
        workers = WorkerList.model_validate_json(reply.body).workers
    except ValidationError as error:
        raise client.status_error(reply.status, reply.reason) from error
    ready = sorted({worker.url.rstrip("/") for worker in workers if worker.is_healthy})
    away = sorted({worker.url.rstrip("/") for worker in workers if not worker.is_healthy})
    return DiscoveredServers(ready, away, has_router=True)
