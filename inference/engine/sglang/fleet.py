"""The servers behind one address: the server that is there, or those a router sends requests to.

A router (sglang-router) chooses a server for each answer and passes nothing on about adapters. So an adapter is
brought to every server that may be chosen, directly, before an answer is asked for.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from inference.engine.errors import EngineError, EngineStopped, EngineUnavailable
from inference.engine.sglang import metrics
from inference.engine.sglang.workers import servers_behind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from inference.engine.port import AdapterRef
    from inference.engine.sglang.link import Link
    from inference.engine.sglang.residency import Residency

log = structlog.get_logger(__name__)


class Member:
    """A server of the fleet."""

    def __init__(self, link: Link, residency: Residency) -> None:
        self.link = link
        self.residency = residency

    async def close(self) -> None:
        await self.residency.close()
        await self.link.close()


class Hold:
    """An adapter that stays on the servers which may be asked to answer with it."""

    def __init__(self, fleet: Fleet, adapter: AdapterRef) -> None:
        self.name = adapter.name
        self._fleet = fleet
        self._adapter = adapter
        self._on: list[Member] = []

    async def extend(self, *, missing: bool = False) -> None:
        """Bring the adapter to every server that lacks it. One that cannot be reached is left out as long as another
        holds it; the router leaves it out as well.

        Args:
            missing: a server has said that it does not have the adapter, whatever is known of it here.

        Raises:
            EngineError: no server can take it, or one refuses it.
        """
        members = await self._fleet.members()
        errors = [e for e in await asyncio.gather(*(self._bring(m, missing) for m in members)) if e is not None]
        for error in errors:
            if not error.retryable:
                raise error
        if len(errors) == len(members):
            raise errors[0] if errors else self._fleet.nobody()

    async def proven(self) -> None:
        """Return when the adapter has been seen to work wherever it was brought; nothing may be shown before.

        Raises:
            EngineError: it does not, or that could not be found out.
        """
        for member in self._on:
            await member.residency.proven(self._adapter)

    def release(self) -> None:
        for member in self._on:
            member.residency.release(self._adapter)
        self._on.clear()

    async def _bring(self, member: Member, missing: bool) -> EngineError | None:
        try:
            if member not in self._on:
                await member.residency.acquire(self._adapter)
                self._on.append(member)
            if missing:
                await member.residency.restore(self._adapter)
        except EngineStopped as error:
            # The server may have left the fleet in the meantime; only the fleet's own end is an end.
            return error if self._fleet.closed else self._fleet.nobody()
        except EngineError as error:
            return error
        return None


class Fleet:
    """Follows which servers there are, and keeps adapters on all of them."""

    def __init__(self, entrance: Link, make_member: Callable[[str], Member]) -> None:
        """
        Args:
            entrance: the address requests are sent to.
            make_member: builds what handles the server at an address.
        """
        self._entrance = entrance
        self._make_member = make_member
        self._members: dict[str, Member] = {}
        self._refreshing = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None
        self.closed = False

    async def start(self) -> None:
        """Find the servers, and go on following them until `close`.

        Raises:
            EngineError: nobody answers at the address, or no server is behind it.
        """
        await self._refresh()
        if not self._members:
            raise self.nobody()
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="watch the servers")

    async def members(self) -> list[Member]:
        """The servers that may be asked.

        Raises:
            EngineError: the router cannot be asked.
        """
        if not self._members:
            await self._refresh()
        return list(self._members.values())

    def nobody(self) -> EngineUnavailable:
        return EngineUnavailable(url=self._entrance.url, reason="no server behind it is ready")

    @asynccontextmanager
    async def holding(self, adapter: AdapterRef) -> AsyncIterator[Hold]:
        """Within the block the adapter is on every server that may be asked.

        Raises:
            EngineError: it cannot be loaded.
        """
        hold = Hold(self, adapter)
        try:
            await hold.extend()
            yield hold
        finally:
            hold.release()

    async def heal(self, hold: Hold) -> None:
        """Bring an adapter back after a server has said that it lacks it.

        Raises:
            EngineError: it cannot be loaded.
        """
        await self._refresh()
        await hold.extend(missing=True)

    async def warm(self, adapter: AdapterRef, *, pinned: bool) -> None:
        """Bring an adapter to every server, and keep it there if `pinned`.

        Raises:
            EngineError: a server cannot take it.
        """
        for member in await self.members():
            await member.residency.warm(adapter, pinned=pinned)

    async def forget(self, name: str) -> None:
        """Have every server let go of an adapter.

        Raises:
            EngineError: one could not be told.
        """
        await self._refresh()
        for member in list(self._members.values()):
            await member.residency.forget(name)

    async def close(self) -> None:
        self.closed = True
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        for member in self._members.values():
            await member.close()

    async def _refresh(self) -> None:
        async with self._refreshing:
            urls = set((await servers_behind(self._entrance)).ready)
            for url in urls - self._members.keys():
                member = self._make_member(url)
                # What the others are answering with now may be asked of the newcomer next.
                wanted = {a.name: (a, pin) for m in self._members.values() for a, pin in m.residency.wanted}
                self._members[url] = member
                log.info("server.joined", server=url, servers=len(self._members))
                for adapter, pinned in wanted.values():
                    with suppress(EngineError):
                        await member.residency.warm(adapter, pinned=pinned)
            for url in self._members.keys() - urls:
                await self._members.pop(url).close()
                log.info("server.left", server=url, servers=len(self._members))
            metrics.SERVERS.set(len(self._members))

    async def _watch(self) -> None:
        """Look now and then; what goes wrong here is met, and told, by the answers that need it."""
        while True:
            await asyncio.sleep(self._entrance.deadlines.watch)
            looks = [self._refresh(), *(member.residency.look() for member in self._members.values())]
            for error in await asyncio.gather(*looks, return_exceptions=True):
                if isinstance(error, EngineError):
                    log.debug("server.not_seen", error=str(error))
                elif error is not None:
                    log.error("server.watch_failed", exc_info=error)
