"""The servers behind an address, and adapters loaded on all of them.

A router (sglang-router) chooses a server for each answer and passes nothing on about adapters. So an adapter is
brought to every server that may be chosen, directly, before an answer is asked for.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError

from inference.engines.errors import EngineError, EngineStopped, EngineUnavailable
from inference.engines.remote import metrics
from inference.engines.remote.bodies import ApiModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from inference.adapters.usage import AdapterRef
    from inference.engines.remote.client import ServerClient
    from inference.engines.remote.residency import Residency

log = structlog.get_logger(__name__)


class FleetMember:
    """A server of the fleet."""

    def __init__(self, client: ServerClient, residency: Residency) -> None:
        self.client = client
        self.residency = residency

    async def close(self) -> None:
        await self.residency.close()
        await self.client.close()


class AdapterLease:
    """An adapter that stays on the servers which may be asked to answer with it."""

    def __init__(self, fleet: Fleet, adapter: AdapterRef) -> None:
        self.name = adapter.name
        self._fleet = fleet
        self._adapter = adapter
        self._members: list[FleetMember] = []

    async def ensure_loaded(self, *, missing: bool = False) -> None:
        """Bring the adapter to every server that lacks it. One that cannot be reached is left out as long as another
        holds it; the router leaves it out as well.

        Args:
            missing: a server has said that it does not have the adapter, whatever is known of it here.

        Raises:
            EngineError: no server can take it, or one refuses it.
        """
        members = await self._fleet.members()
        errors = [e for e in await asyncio.gather(*(self._load_on(m, missing) for m in members)) if e is not None]
        for error in errors:
            if not error.retryable:
                raise error
        if len(errors) == len(members):
            raise errors[0] if errors else self._fleet.no_server_error()

    async def wait_until_verified(self) -> None:
        """Return when the adapter has been seen to work wherever it was brought; nothing may be shown before.

        Raises:
            EngineError: it does not, or that could not be found out.
        """
        for member in self._members:
            await member.residency.wait_until_verified(self._adapter)

    def release(self) -> None:
        for member in self._members:
            member.residency.release(self._adapter)
        self._members.clear()

    async def _load_on(self, member: FleetMember, missing: bool) -> EngineError | None:
        try:
            if member not in self._members:
                await member.residency.acquire(self._adapter)
                self._members.append(member)
            if missing:
                await member.residency.reload(self._adapter)
        except EngineStopped as error:
            # The server may have left the fleet in the meantime; only the fleet's own end is an end.
            return error if self._fleet.closed else self._fleet.no_server_error()
        except EngineError as error:
            return error
        return None


class Fleet:
    """Follows which servers there are, and keeps adapters on all of them."""

    def __init__(self, entry_client: ServerClient, make_member: Callable[[str], FleetMember]) -> None:
        """
        Args:
            entry_client: of the address that requests are sent to.
            make_member: builds what handles the server at an address.
        """
        self._entry_client = entry_client
        self._make_member = make_member
        self._members: dict[str, FleetMember] = {}
        self._refresh_lock = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None
        self._problem: str | None = None
        self.closed = False

    async def start(self) -> None:
        """Find the servers, and go on following them until `close`.

        Raises:
            EngineError: nothing answers at the address, or no server is behind it.
        """
        await self._refresh()
        if not self._members:
            raise self.no_server_error()
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="watch the servers")

    async def members(self) -> list[FleetMember]:
        """The servers that may be asked.

        Raises:
            EngineError: the router cannot be asked.
        """
        if not self._members:
            await self._refresh()
        return list(self._members.values())

    @property
    def problem(self) -> str | None:
        """Why no answers are to be expected, as of the last look at the servers; None when some are."""
        if self._problem is not None or not self._members:
            return self._problem or str(self.no_server_error())
        problems = [member.residency.problem for member in self._members.values()]
        return next(iter(problems)) if all(problems) else None

    @property
    def held_adapters(self) -> frozenset[str]:
        """Names of the adapters that every server holds, as far as is known."""
        held = [member.residency.held for member in self._members.values()]
        return frozenset.intersection(*held) if held else frozenset()

    def no_server_error(self) -> EngineUnavailable:
        return EngineUnavailable(url=self._entry_client.url, reason="no server behind it is ready")

    @asynccontextmanager
    async def lease(self, adapter: AdapterRef) -> AsyncIterator[AdapterLease]:
        """Within the block the adapter is on every server that may be asked.

        Raises:
            EngineError: it cannot be loaded.
        """
        hold = AdapterLease(self, adapter)
        try:
            await hold.ensure_loaded()
            yield hold
        finally:
            hold.release()

    async def reload(self, lease: AdapterLease) -> None:
        """Bring an adapter back after a server has said that it lacks it.

        Raises:
            EngineError: it cannot be loaded.
        """
        await self._refresh()
        await lease.ensure_loaded(missing=True)

    async def load_adapter(self, adapter: AdapterRef, *, pinned: bool) -> None:
        """Bring an adapter to every server, and keep it there if `pinned`.

        Raises:
            EngineError: a server cannot take it.
        """
        for member in await self.members():
            await member.residency.preload(adapter, pinned=pinned)

    async def unload_adapter(self, name: str) -> None:
        """Have every server let go of an adapter.

        Raises:
            EngineError: one could not be reached.
        """
        await self._refresh()
        for member in list(self._members.values()):
            await member.residency.unload(name)

    async def close(self) -> None:
        self.closed = True
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        for member in self._members.values():
            await member.close()

    async def _refresh(self) -> None:
        async with self._refresh_lock:
            urls = set((await discover_servers(self._entry_client)).ready)
            for url in urls - self._members.keys():
                member = self._make_member(url)
                # What the others are answering with now may be asked of the newcomer next.
                wanted = {a.name: (a, pin) for m in self._members.values() for a, pin in m.residency.wanted}
                self._members[url] = member
                log.info("server.joined", server=url, servers=len(self._members))
                for adapter, pinned in wanted.values():
                    with suppress(EngineError):
                        await member.residency.preload(adapter, pinned=pinned)
            for url in self._members.keys() - urls:
                await self._members.pop(url).close()
                log.info("server.left", server=url, servers=len(self._members))
            metrics.ENGINE_SERVERS.set(len(self._members))

    async def _check_entry(self) -> None:
        try:
            await self._refresh()
        except EngineError as error:
            self._problem = str(error)
            raise
        self._problem = None

    async def _watch(self) -> None:
        """Check the servers periodically; errors are left to the answers that meet them."""
        while True:
            await asyncio.sleep(self._entry_client.timeouts.poll_interval)
            looks = [self._check_entry(), *(member.residency.synchronize() for member in self._members.values())]
            for error in await asyncio.gather(*looks, return_exceptions=True):
                if isinstance(error, EngineError):
                    log.debug("server.check_failed", error=error)
                elif error is not None:
                    log.error("server.watch_failed", exc_info=error)


_NO_ROUTER_STATUS = 404
"""How a server answers what only a router knows."""


class Worker(ApiModel):
    url: str
    is_healthy: bool = True


class WorkerList(ApiModel):
    """Reply of a router's `/workers`: the servers behind it."""

    workers: list[Worker]


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
        EngineError: nothing answers there, or the keys are refused.
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
