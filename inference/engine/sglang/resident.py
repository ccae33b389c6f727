"""One adapter on one server, as one process knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.adapters import usage

if TYPE_CHECKING:
    import asyncio

    from inference.engine.port import AdapterRef


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
        """Whether other processes are told so."""
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
