"""Which adapters one server holds: loaded on demand, once however many ask, and only idle ones let go.

A server over its own cap evicts the least recently used adapter and waits until that one's running answers are out,
with all loading behind it. So the count is kept below the cap from here, and only an adapter nobody uses is unloaded.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from inference.adapters import usage
from inference.engine.errors import AdaptersDisabled, EngineError, EngineSlow
from inference.engine.sglang import metrics
from inference.engine.sglang.proof import Proofs
from inference.engine.sglang.resident import Resident
from inference.engine.sglang.shared import cancel, shared
from inference.engine.sglang.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inference.engine.port import AdapterRef
    from inference.engine.sglang.deadlines import Deadlines
    from inference.engine.sglang.guard import Guard
    from inference.engine.sglang.limits import ServerLimits
    from inference.engine.sglang.server import SGLangServer

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 0.2
"""Between two looks for a free place, when another process might have made one."""


class Residency:
    """The adapters of one server, for one process; other processes may bring and use theirs beside it."""

    def __init__(
        self,
        server: SGLangServer,
        guard: Guard,
        probe: Sequence[int],
        deadlines: Deadlines,
        shared: Path | None = None,
    ) -> None:
        """
        Args:
            server: where the adapters go.
            guard: what every adapter has to pass.
            probe: tokens of a short prompt that no adapter with any effect leaves quite as it was.
            deadlines: how long to wait for what.
            shared: folder that all processes using this server share; None when this is the only one.
        """
        self.server = server
        self._guard = guard
        self._deadlines = deadlines
        self._residents: dict[str, Resident] = {}
        self._shared = shared is not None
        self._turnstile = Turnstile(server.url, shared)
        self._removals = self._turnstile.removals
        """How many adapters had been taken from the server when this was last compared with it."""
        self._change = asyncio.Event()
        """Set at the next change, and then replaced."""
        self._tickets = itertools.count()
        self._queue: dict[int, float] = {}
        """Loads that wait for a place: their ticket, and since when."""
        self._limits: ServerLimits | None = None
        self._proofs = Proofs(server, probe, self._unproven)

    async def limits(self) -> ServerLimits:
        """What the server was started for.

        Raises:
            AdaptersDisabled: it takes no adapters.
            EngineError: it cannot be asked.
        """
        if self._limits is None:
            limits = await self.server.limits()
            if limits.refusal:
                raise AdaptersDisabled(url=self.server.url, reason=limits.refusal)
            self._limits = limits
        return self._limits

    @property
    def wanted(self) -> list[tuple[AdapterRef, bool]]:
        """The adapters in use or pinned, and whether they are pinned."""
        return [(r.adapter, r.pinned) for r in self._residents.values() if r.users or r.pinned]

    async def acquire(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Return when the server holds the adapter; it stays until `release`.

        Whoever comes after a load that has waited long for a place waits behind it, so that a few busy adapters
        cannot keep all others out.

        Raises:
            EngineError: it cannot be loaded.
        """
        ticket = next(self._tickets)
        resident = self._resident(adapter)
        while resident.present and not resident.pinned and self._held_back(ticket):
            await self._next_change()
            resident = self._resident(adapter)
        resident.users += 1
        resident.pinned = resident.pinned or pinned
        try:
            if resident.present and not resident.in_use:
                resident.present = self._begin_use(resident)
            if not resident.present:
                await self._arrival(resident, ticket)
        except BaseException:
            self.release(adapter)
            raise

    async def proven(self, adapter: AdapterRef) -> None:
        """Return when a held adapter has been seen to change this server's answers: nothing may be shown before.

        An answer may be asked for in the meantime, so that it and the proof share a batch.

        Raises:
            AdapterInert: it changes nothing.
            EngineError: that could not be found out.
        """
        await self._proofs.passed(adapter.name)

    def release(self, adapter: AdapterRef) -> None:
        """One request with the adapter is over."""
        resident = self._residents[adapter.name]
        resident.users -= 1
        if not resident.users:
            if not resident.pinned:
                resident.end_use()
            self._drop_if_idle(resident)
            self._tell()

    async def restore(self, adapter: AdapterRef) -> None:
        """Bring back an adapter that is held and that the server says it does not have.

        Raises:
            EngineError: it cannot be loaded.
        """
        resident = self._resident(adapter)
        self._lose(resident)
        await self._arrival(resident, next(self._tickets))

    async def look(self) -> None:
        """Compare what is known with what the server holds; bring back pinned adapters it has lost.

        Raises:
            EngineError: the server cannot be asked, or does not take one back.
        """
        if self._turnstile.taken:
            return  # a load is on its way and looks by itself
        try:
            async with self._turnstile.passing():
                await self._compare()
        except EngineError:
            self._limits = None  # it may come back with others
            raise
        for resident in [r for r in self._residents.values() if r.pinned and not r.present]:
            await self.warm(resident.adapter)

    async def warm(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Bring an adapter here before anybody asks for it, and see that it works; `pinned` keeps it here.

        Raises:
            EngineError: it cannot be loaded.
        """
        await self.acquire(adapter, pinned=pinned)
        try:
            await self.proven(adapter)
        finally:
            self.release(adapter)

    async def forget(self, name: str) -> None:
        """Have the server let go of an adapter, once its running answers are out.

        Raises:
            EngineError: the server could not be told.
        """
        async with self._turnstile.passing():
            if (resident := self._residents.get(name)) is not None:
                resident.present = resident.pinned = False
                self._drop_if_idle(resident)
            await self.server.unload(name)
            self._removals = self._turnstile.count_removal()
        self._proofs.forget(name)
        log.info("adapter.forgotten", adapter=name, server=self.server.url)

    async def close(self) -> None:
        """End the loading that goes on; who waits for it is told that the engine stops."""
        await cancel([r.loading for r in self._residents.values() if r.loading is not None])
        await self._proofs.close()
        for resident in self._residents.values():
            resident.end_use()
        self._turnstile.close()

    def _resident(self, adapter: AdapterRef) -> Resident:
        return self._residents.setdefault(adapter.name, Resident(adapter))

    def _begin_use(self, resident: Resident) -> bool:
        """Keep other processes from taking an adapter away; False when one may just have done so.

        Who waits for an adapter must not hold it: others might be waiting for its place.
        """
        if not self._shared:
            return True
        if resident.begin_use() and self._turnstile.removals == self._removals:
            return True
        resident.end_use()
        return False

    def _drop_if_idle(self, resident: Resident) -> None:
        """Keep no account of what is neither here nor wanted."""
        if not (resident.present or resident.users or resident.pinned or resident.loading):
            resident.end_use()
            self._residents.pop(resident.adapter.name, None)

    def _held_back(self, ticket: int) -> bool:
        """Whether an earlier load has waited for a place for so long that this one must not take it."""
        now = time.monotonic()
        return any(t < ticket and now - since > self._deadlines.crowding for t, since in self._queue.items())

    async def _arrival(self, resident: Resident, ticket: int) -> None:
        """Wait for the one loading of an adapter. A caller who is cancelled leaves the others' loading alone."""
        if resident.loading is None:
            name = f"load {resident.adapter.name}"
            resident.loading = asyncio.create_task(self._bring(resident, ticket), name=name)
            resident.loading.add_done_callback(lambda task: self._arrived(resident, task))
        await shared(resident.loading)

    def _arrived(self, resident: Resident, task: asyncio.Task[None]) -> None:
        resident.loading = None
        if not task.cancelled() and (error := task.exception()):
            metrics.LOADS.labels(self.server.url, "failed").inc()
            name = resident.adapter.name
            log.warning("adapter.not_loaded", adapter=name, server=self.server.url, error=str(error))

    async def _bring(self, resident: Resident, ticket: int) -> None:
        began = time.monotonic()
        limits = await self.limits()
        safe = await self._guard.admit(resident.adapter, limits, self.server.url)
        self._queue[ticket] = began
        try:
            async with asyncio.timeout(self._deadlines.load_adapter), self._turnstile.passing():
                await self._load(resident, limits)
                if not resident.in_use:
                    self._begin_use(resident)
        except TimeoutError as error:
            raise EngineSlow(url=self.server.url, seconds=self._deadlines.load_adapter) from error
        finally:
            del self._queue[ticket]
            self._tell()
        if not safe.inert:
            self._proofs.begin(resident.adapter.name)
        resident.present = True
        if not (resident.users or resident.pinned):
            resident.end_use()  # all who asked have given up
        metrics.LOAD_SECONDS.observe(time.monotonic() - began)

    async def _load(self, resident: Resident, limits: ServerLimits) -> None:
        """Load an adapter, after making room for it. The turnstile is ours."""
        name = resident.adapter.name
        loaded = await self._compare()
        if name not in loaded:
            loaded = await self._make_room(loaded, limits)
            pins = sum(r.pinned and r.present for r in self._residents.values())
            if resident.pinned and pins >= limits.most_pinned:
                log.warning("adapter.not_pinned", adapter=name, server=self.server.url, pinned=pins)
                resident.pinned = False
            await self.server.load(resident.adapter, pinned=resident.pinned)
            metrics.LOADS.labels(self.server.url, "loaded").inc()
            log.info("adapter.loaded", adapter=name, server=self.server.url, pinned=resident.pinned)
        metrics.RESIDENT.labels(self.server.url).set(len({*loaded, name}))

    async def _make_room(self, loaded: dict[str, str], limits: ServerLimits) -> dict[str, str]:
        """Unload idle adapters until there is a place; wait while all are in use."""
        while limits.max_loaded is not None and len(loaded) >= limits.max_loaded:
            if not await self._evict_one(loaded):
                await self._next_change(_RETRY_SECONDS)
            loaded = await self.server.loaded()
        return loaded

    async def _evict_one(self, loaded: Mapping[str, str]) -> bool:
        """Unload the least recently used adapter that nobody needs now; the server lists them in that order."""
        for name, folder in loaded.items():
            resident = self._residents.get(name)
            if resident is not None and (resident.pinned or (resident.present and resident.users)):
                continue
            claim = usage.claim(Path(folder)) if self._shared else usage.Use(None)
            if claim is None:
                continue  # another process uses it
            try:
                # From here on whoever wants it finds it gone, and waits in the turnstile's queue.
                if resident is not None:
                    resident.present = False
                    self._drop_if_idle(resident)
                await self.server.unload(name)
                self._removals = self._turnstile.count_removal()
            finally:
                claim.end()
            metrics.EVICTIONS.labels(self.server.url).inc()
            log.info("adapter.evicted", adapter=name, server=self.server.url)
            return True
        return False

    def _unproven(self, name: str) -> None:
        """Whoever comes next has it loaded and proven again."""
        if (resident := self._residents.get(name)) is not None:
            resident.present = False

    async def _compare(self) -> dict[str, str]:
        """What the server holds, after what is known here was brought in line with it. The turnstile is ours."""
        loaded = await self.server.loaded()
        removals = self._turnstile.removals
        # Another process may have taken away what nobody here used; all else the server has lost by itself.
        others = removals != self._removals
        self._removals = removals
        for resident in list(self._residents.values()):
            if resident.present and resident.adapter.name not in loaded:
                if others and not resident.users and not resident.pinned:
                    resident.present = False
                    self._drop_if_idle(resident)
                else:
                    self._lose(resident)
        return loaded

    def _lose(self, resident: Resident) -> None:
        if resident.present:
            metrics.LOSSES.labels(self.server.url).inc()
            log.warning("adapter.lost", adapter=resident.adapter.name, server=self.server.url)
            self._proofs.start_over()  # a server that loses adapters by itself is another one by now
        resident.present = False
        self._drop_if_idle(resident)

    def _tell(self) -> None:
        """Wake whoever waits for a change."""
        self._change.set()
        self._change = asyncio.Event()

    async def _next_change(self, seconds: float | None = None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._change.wait()
