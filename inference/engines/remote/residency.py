"""Which adapters one server holds: loaded on demand, once however many ask, and only idle ones let go.

A server over its own cap evicts the least recently used adapter and waits until that one's running answers are out,
with all loading behind it. So the count is kept below the cap from here, and only an unused adapter is unloaded.
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
from inference.engines.errors import AdaptersDisabled, EngineError, EngineResponseTimeout
from inference.engines.remote import metrics
from inference.engines.remote.adapter_checks import AdapterVerifier
from inference.engines.remote.server_lock import ServerLock
from inference.engines.remote.tasks import cancel_all, wait_shielded
from inference.engines.remote.unloading import Unloader

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from inference.adapters.usage import AdapterRef
    from inference.engines.remote.adapter_checks import AdapterValidator
    from inference.engines.remote.client import Timeouts
    from inference.engines.remote.port import AdapterServer, ServerLimits

log = structlog.get_logger(__name__)
_RETRY_SECONDS = 0.2
"""Between two looks for a free place, when another process might have made one."""


class Residency:
    """The adapters of one server, for one process; other processes may bring and use theirs beside it."""

    def __init__(
        self,
        server: AdapterServer,
        validator: AdapterValidator,
        probe: Sequence[int],
        timeouts: Timeouts,
        shared_folder: Path | None = None,
    ) -> None:
        """
        Args:
            server: where the adapters go.
            validator: what every adapter has to pass.
            probe: tokens of a short prompt that no adapter with any effect leaves quite as it was.
            timeouts: how long to wait for what.
            shared_folder: folder that all processes using this server share; None when this is the only one.
        """
        self.server = server
        self._validator = validator
        self._timeouts = timeouts
        self._residents: dict[str, ResidentAdapter] = {}
        self._is_shared = shared_folder is not None
        self._server_lock = ServerLock(server.url, shared_folder)
        self._seen_removals = self._server_lock.removal_count
        """How many adapters had been taken from the server when this was last compared with it."""
        self._changed = asyncio.Event()
        """Set at the next change, and then replaced."""
        self._tickets = itertools.count()
        self._last_use: dict[str, int] = {}
        """Of each adapter that is here or asked for, the ticket of its last request."""
        self._waiting_loads: dict[int, float] = {}
        """Loads that wait for a place: their ticket, and since when."""
        self._limits: ServerLimits | None = None
        self._unloader = Unloader(server, timeouts)
        self._verifier = AdapterVerifier(server, probe, self._on_verification_failed)

    async def limits(self) -> ServerLimits:
        """What the server was started for.

        Raises:
            AdaptersDisabled: it takes no adapters.
            EngineError: it cannot be asked.
        """
        if self._limits is None:
            limits = await self.server.limits()
            if limits.adapters_disabled_reason:
                raise AdaptersDisabled(url=self.server.url, reason=limits.adapters_disabled_reason)
            self._limits = limits
        return self._limits

    @property
    def problem(self) -> str | None:
        """Why the server takes no other adapters than it has; None when it does, as far as is known."""
        return self._unloader.problem

    @property
    def wanted(self) -> list[tuple[AdapterRef, bool]]:
        """The adapters in use or pinned, and whether they are pinned."""
        return [(r.adapter, r.pinned) for r in self._residents.values() if r.users or r.pinned]

    @property
    def held(self) -> frozenset[str]:
        """Names of the adapters that the server holds, as far as is known."""
        return frozenset(name for name, resident in self._residents.items() if resident.present)

    async def acquire(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Return when the server holds the adapter; it stays until `release`.

        Whoever comes after a load that has waited long for a place waits behind it, so that a few busy adapters
        cannot keep all others out.

        Raises:
            EngineError: it cannot be loaded.
        """
        ticket = self._last_use[adapter.name] = next(self._tickets)
        resident = self._resident(adapter)
        while resident.present and not resident.pinned and self._must_wait(ticket):
            await self._wait_for_change()
            resident = self._resident(adapter)
        resident.users += 1
        resident.pinned = resident.pinned or pinned
        try:
            if resident.present and not resident.in_use:
                resident.present = self._lock_usage(resident)
            if not resident.present:
                await self._wait_for_load(resident, ticket)
        except BaseException:
            self.release(adapter)
            raise

    async def wait_until_verified(self, adapter: AdapterRef) -> None:
        """Return when a held adapter has been seen to change this server's answers: nothing may be shown before.

        An answer may be asked for in the meantime, so that it and the proof share a batch.

        Raises:
            AdapterHasNoEffect: it changes nothing.
            EngineError: that could not be found out.
        """
        await self._verifier.wait_until_verified(adapter.name)

    def release(self, adapter: AdapterRef) -> None:
        """One request with the adapter is over."""
        resident = self._residents[adapter.name]
        resident.users -= 1
        if not resident.users:
            if not resident.pinned:
                resident.unlock_usage()
            self._drop_if_idle(resident)
            self._notify_change()

    async def reload(self, adapter: AdapterRef) -> None:
        """Bring back an adapter that is held and that the server says it does not have.

        Raises:
            EngineError: it cannot be loaded.
        """
        resident = self._resident(adapter)
        self._mark_lost(resident)
        await self._wait_for_load(resident, next(self._tickets))

    async def synchronize(self) -> None:
        """Compare what is known with what the server holds; bring back pinned adapters it has lost.

        Raises:
            EngineError: the server cannot be asked, or does not take one back.
        """
        await self._unloader.prove()
        if self._server_lock.locked or self.problem is not None:
            return  # a load is on its way and looks by itself
        try:
            async with self._server_lock.acquire():
                await self._reconcile()
        except EngineError:
            self._limits = None  # it may come back with others
            raise
        for resident in [r for r in self._residents.values() if r.pinned and not r.present]:
            await self.preload(resident.adapter)

    async def preload(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Bring an adapter here before anybody asks for it, and see that it works; `pinned` keeps it here.

        Raises:
            EngineError: it cannot be loaded.
        """
        await self.acquire(adapter, pinned=pinned)
        try:
            await self.wait_until_verified(adapter)
        finally:
            self.release(adapter)

    async def unload(self, name: str) -> None:
        """Have the server let go of an adapter, once its running answers are out.

        Raises:
            EngineError: the server could not be reached.
        """
        async with self._server_lock.acquire():
            if (resident := self._residents.get(name)) is not None:
                resident.present = resident.pinned = False
                self._drop_if_idle(resident)
            await self._unloader.unload(name)
            self._seen_removals = self._server_lock.increment_removal_count()
        self._verifier.forget(name)
        log.info("adapter.unloaded", adapter=name, server=self.server.url)

    async def close(self) -> None:
        """Cancel running loads; their waiters get EngineStopped."""
        await cancel_all([r.loading for r in self._residents.values() if r.loading is not None])
        await self._verifier.close()
        for resident in self._residents.values():
            resident.unlock_usage()
        self._server_lock.close()

    def _resident(self, adapter: AdapterRef) -> ResidentAdapter:
        return self._residents.setdefault(adapter.name, ResidentAdapter(adapter))

    def _lock_usage(self, resident: ResidentAdapter) -> bool:
        """Keep other processes from taking an adapter away; False when one may just have done so.

        Who waits for an adapter must not hold it: others might be waiting for its place.
        """
        if not self._is_shared:
            return True
        if resident.lock_usage() and self._server_lock.removal_count == self._seen_removals:
            return True
        resident.unlock_usage()
        return False

    def _drop_if_idle(self, resident: ResidentAdapter) -> None:
        """Keep no account of what is neither here nor wanted."""
        if not (resident.present or resident.users or resident.pinned or resident.loading):
            resident.unlock_usage()
            self._residents.pop(resident.adapter.name, None)

    def _must_wait(self, ticket: int) -> bool:
        """Whether an earlier load has waited for a place for so long that this one must not take it."""
        now = time.monotonic()
        return any(t < ticket and now - since > self._timeouts.fair_wait for t, since in self._waiting_loads.items())

    async def _wait_for_load(self, resident: ResidentAdapter, ticket: int) -> None:
        """Wait for the one loading of an adapter. A caller who is cancelled leaves the others' loading alone."""
        if resident.loading is None:
            name = f"load {resident.adapter.name}"
            resident.loading = asyncio.create_task(self._load_with_timeout(resident, ticket), name=name)
            resident.loading.add_done_callback(lambda task: self._on_load_done(resident, task))
        await wait_shielded(resident.loading)

    def _on_load_done(self, resident: ResidentAdapter, task: asyncio.Task[None]) -> None:
        resident.loading = None
        if not task.cancelled() and (error := task.exception()):
            metrics.ADAPTER_LOADS.labels(self.server.url, "failed").inc()
            name = resident.adapter.name
            log.warning("adapter.load_failed", adapter=name, server=self.server.url, error=error)

    async def _load_with_timeout(self, resident: ResidentAdapter, ticket: int) -> None:
        began = time.monotonic()
        self._unloader.require_working()
        limits = await self.limits()
        safe = await self._validator.validate(resident.adapter, limits, self.server.url)
        self._waiting_loads[ticket] = began
        try:
            async with asyncio.timeout(self._timeouts.load_adapter), self._server_lock.acquire():
                await self._load(resident, limits)
                if not resident.in_use:
                    self._lock_usage(resident)
        except TimeoutError as error:
            raise EngineResponseTimeout(url=self.server.url, seconds=self._timeouts.load_adapter) from error
        finally:
            del self._waiting_loads[ticket]
            self._notify_change()
        if not safe.is_zero:
            self._verifier.start(resident.adapter.name)
        resident.present = True
        if not (resident.users or resident.pinned):
            resident.unlock_usage()  # all who asked have given up
        metrics.ADAPTER_LOAD_SECONDS.observe(time.monotonic() - began)

    async def _load(self, resident: ResidentAdapter, limits: ServerLimits) -> None:
        """Load an adapter, after making room for it. The turnstile is ours."""
        name = resident.adapter.name
        loaded = await self._reconcile()
        if name not in loaded:
            loaded = await self._make_room(loaded, limits)
            pins = sum(r.pinned and r.present for r in self._residents.values())
            if resident.pinned and pins >= limits.max_pinned:
                log.warning("adapter.pin_refused", adapter=name, server=self.server.url, pinned=pins)
                resident.pinned = False
            await self.server.load(resident.adapter, pinned=resident.pinned)
            metrics.ADAPTER_LOADS.labels(self.server.url, "loaded").inc()
            log.info("adapter.loaded", adapter=name, server=self.server.url, pinned=resident.pinned)
        metrics.ADAPTERS_RESIDENT.labels(self.server.url).set(len({*loaded, name}))

    async def _make_room(self, loaded: dict[str, str], limits: ServerLimits) -> dict[str, str]:
        """Unload idle adapters until there is a place; wait while all are in use."""
        while limits.max_loaded is not None and len(loaded) >= limits.max_loaded:
            if not await self._evict_one(loaded):
                await self._wait_for_change(_RETRY_SECONDS)
            loaded = await self.server.loaded()
        return loaded

    async def _evict_one(self, loaded: Mapping[str, str]) -> bool:
        """Unload the least recently used idle adapter."""
        for name, folder in self._by_use(loaded):
            resident = self._residents.get(name)
            if resident is not None and (resident.pinned or (resident.present and resident.users)):
                continue
            claim = usage.acquire_exclusive(Path(folder)) if self._is_shared else usage.UsageLock(None)
            if claim is None:
                continue  # another process uses it
            try:
                # From here on a request for it finds it gone and waits for the server lock.
                if resident is not None:
                    resident.present = False
                    self._drop_if_idle(resident)
                await self._unloader.unload(name)
                self._seen_removals = self._server_lock.increment_removal_count()
            finally:
                claim.release()
            metrics.ADAPTER_EVICTIONS.labels(self.server.url).inc()
            log.info("adapter.evicted", adapter=name, server=self.server.url)
            return True
        return False

    def _by_use(self, loaded: Mapping[str, str]) -> list[tuple[str, str]]:
        """The adapters a server holds, the least recently used first: by its own account, or by this process's."""
        held = list(loaded.items())
        return held if self.server.lists_by_use else sorted(held, key=lambda each: self._last_use.get(each[0], -1))

    def _on_verification_failed(self, name: str) -> None:
        """Whoever comes next has it loaded and proven again."""
        if (resident := self._residents.get(name)) is not None:
            resident.present = False

    async def _reconcile(self) -> dict[str, str]:
        """What the server holds, after what is known here was brought in line with it. The turnstile is ours."""
        loaded = await self.server.loaded()
        removals = self._server_lock.removal_count
        # Another process may have unloaded what was unused here; everything else was lost by the server.
        others = removals != self._seen_removals
        self._seen_removals = removals
        for resident in list(self._residents.values()):
            if resident.present and resident.adapter.name not in loaded:
                if others and not resident.users and not resident.pinned:
                    resident.present = False
                    self._drop_if_idle(resident)
                else:
                    self._mark_lost(resident)
        self._last_use = {
            name: use for name, use in self._last_use.items() if name in loaded or name in self._residents
        }
        return loaded

    def _mark_lost(self, resident: ResidentAdapter) -> None:
        if resident.present:
            metrics.ADAPTER_LOSSES.labels(self.server.url).inc()
            log.warning("adapter.lost", adapter=resident.adapter.name, server=self.server.url)
            self._verifier.reset()  # a server that loses adapters by itself is another one by now
        resident.present = False
        self._drop_if_idle(resident)

    def _notify_change(self) -> None:
        """Wake the waiters for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait_for_change(self, seconds: float | None = None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()


@dataclass(eq=False, slots=True)
class ResidentAdapter:
    """An adapter on this server, or on its way there."""

    adapter: AdapterRef
    users: int = 0
    """Requests that hold it or wait for it."""
    present: bool = False
    """The server holds it, as far as is known, and answers with it."""
    pinned: bool = False
    loading: asyncio.Task[None] | None = None
    _usage_lock: usage.UsageLock | None = None
    """What tells other processes that it is in use here."""

    @property
    def in_use(self) -> bool:
        """Whether other processes can see that it is used."""
        return self._usage_lock is not None

    def lock_usage(self) -> bool:
        """Tell other processes that it is in use here; False while one of them is letting go of it."""
        if self._usage_lock is None:
            self._usage_lock = usage.acquire_shared(self.adapter.path)
        return self._usage_lock is not None

    def unlock_usage(self) -> None:
        if self._usage_lock is not None:
            self._usage_lock.release()
            self._usage_lock = None
