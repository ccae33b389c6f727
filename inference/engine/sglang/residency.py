"""Which adapters one server holds: loaded on demand, once however many ask, and only idle ones let go.

A server over its own cap evicts the least recently used adapter and waits until that one's running answers are out,
with all loading behind it. So the count is kept below the cap from here, and only an adapter nobody uses is unloaded.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from inference.adapters import usage
from inference.engine.errors import AdaptersDisabled, EngineError, EngineSlow
from inference.engine.sglang import metrics
from inference.engine.sglang.proof import Proofs
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

_RETRY_SECONDS = 0.5
"""Between two looks for a free place, when another process might have made one."""


@dataclass(eq=False, slots=True)
class _Resident:
    """An adapter on this server, or on its way there."""

    adapter: AdapterRef
    users: int = 0
    """Requests that hold it or wait for it."""
    present: bool = False
    """The server holds it, as far as is known, and answers with it."""
    pinned: bool = False
    loading: asyncio.Task[None] | None = None
    marked: float = 0.0
    """Our last mark of use on its folder, as `usage.mark` gave it."""


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
        self._residents: dict[str, _Resident] = {}
        self._turnstile = Turnstile(server.url, shared)
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
            if not resident.present:
                await self._arrival(resident, ticket)
            await self.renew(adapter)
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
            if not resident.present and not resident.pinned and resident.loading is None:
                del self._residents[adapter.name]
            self._tell()

    async def renew(self, adapter: AdapterRef) -> None:
        """Tell other processes that the adapter is still in use; cheap to call often."""
        resident = self._resident(adapter)
        if time.time() - resident.marked > usage.MARK_EVERY:
            resident.marked = await asyncio.to_thread(usage.mark, adapter.path)

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
                self._compare(await self.server.loaded())
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
                if not resident.users and resident.loading is None:
                    del self._residents[name]
            await self.server.unload(name)
        log.info("adapter.forgotten", adapter=name, server=self.server.url)

    async def close(self) -> None:
        """End the loading that goes on; who waits for it is told that the engine stops."""
        await cancel([r.loading for r in self._residents.values() if r.loading is not None])
        await self._proofs.close()

    def _resident(self, adapter: AdapterRef) -> _Resident:
        return self._residents.setdefault(adapter.name, _Resident(adapter))

    def _held_back(self, ticket: int) -> bool:
        """Whether an earlier load has waited for a place for so long that this one must not take it."""
        now = time.monotonic()
        return any(t < ticket and now - since > self._deadlines.crowding for t, since in self._queue.items())

    async def _arrival(self, resident: _Resident, ticket: int) -> None:
        """Wait for the one loading of an adapter. A caller who is cancelled leaves the others' loading alone."""
        if resident.loading is None:
            name = f"load {resident.adapter.name}"
            resident.loading = asyncio.create_task(self._bring(resident, ticket), name=name)
            resident.loading.add_done_callback(lambda task: self._arrived(resident, task))
        await shared(resident.loading)

    def _arrived(self, resident: _Resident, task: asyncio.Task[None]) -> None:
        resident.loading = None
        if not task.cancelled() and (error := task.exception()):
            metrics.LOADS.labels(self.server.url, "failed").inc()
            name = resident.adapter.name
            log.warning("adapter.not_loaded", adapter=name, server=self.server.url, error=str(error))

    async def _bring(self, resident: _Resident, ticket: int) -> None:
        began = time.monotonic()
        limits = await self.limits()
        safe = await self._guard.admit(resident.adapter, limits, self.server.url)
        self._queue[ticket] = began
        try:
            async with asyncio.timeout(self._deadlines.load_adapter), self._turnstile.passing():
                await self._load(resident, limits)
        except TimeoutError as error:
            raise EngineSlow(url=self.server.url, seconds=self._deadlines.load_adapter) from error
        finally:
            del self._queue[ticket]
            self._tell()
        if not safe.inert:
            self._proofs.begin(resident.adapter.name)
        resident.present = True
        metrics.LOAD_SECONDS.observe(time.monotonic() - began)

    async def _load(self, resident: _Resident, limits: ServerLimits) -> None:
        """Load an adapter, after making room for it. The turnstile is ours."""
        name = resident.adapter.name
        loaded = await self.server.loaded()
        self._compare(loaded)
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
        since = time.monotonic()
        while limits.max_loaded is not None and len(loaded) >= limits.max_loaded:
            # After a while another process's adapter has to do, though it may be in use now and then.
            patient = time.monotonic() - since < self._deadlines.load_adapter / 4
            victim = self._victim(loaded, patient=patient)
            if victim is None:
                await self._next_change(_RETRY_SECONDS)
            else:
                if (resident := self._residents.get(victim)) is not None:
                    resident.present = False
                    del self._residents[victim]
                await self.server.unload(victim)
                metrics.EVICTIONS.labels(self.server.url).inc()
                log.info("adapter.evicted", adapter=victim, server=self.server.url)
            loaded = await self.server.loaded()
        return loaded

    def _victim(self, loaded: Mapping[str, str], *, patient: bool) -> str | None:
        """The least recently used adapter that nobody needs now; the server lists them in that order."""
        for name, folder in loaded.items():
            resident = self._residents.get(name)
            if resident is not None and (resident.users or resident.pinned or resident.loading is not None):
                continue
            used = usage.last_used(Path(folder))
            ours = resident is not None and used <= resident.marked
            if ours or not patient or time.time() - used > usage.IDLE_AFTER:
                return name
        return None

    def _unproven(self, name: str) -> None:
        """Whoever comes next has it loaded and proven again."""
        if (resident := self._residents.get(name)) is not None:
            resident.present = False

    def _compare(self, loaded: Mapping[str, str]) -> None:
        for resident in list(self._residents.values()):
            if resident.present and resident.adapter.name not in loaded:
                self._lose(resident)

    def _lose(self, resident: _Resident) -> None:
        if resident.present:
            metrics.LOSSES.labels(self.server.url).inc()
            log.warning("adapter.lost", adapter=resident.adapter.name, server=self.server.url)
            self._proofs.start_over()  # a server that loses adapters by itself is another one by now
        resident.present = False
        if not resident.users and not resident.pinned and resident.loading is None:
            self._residents.pop(resident.adapter.name, None)

    def _tell(self) -> None:
        """Wake whoever waits for a change."""
        self._change.set()
        self._change = asyncio.Event()

    async def _next_change(self, seconds: float | None = None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._change.wait()
