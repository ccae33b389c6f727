"""One adapter on one server, as one process knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.adapters import usage

if TYPE_CHECKING:
    import asyncio

    from inference.engine.port import AdapterRef


@dataclass(eq=False, slots=True)
class Resident:
    """An adapter on this server, or on its way there."""

    adapter: AdapterRef
    users: int = 0
    """Requests that hold it or wait for it."""
    present: bool = False
    """The server holds it, as far as is known, and answers with it."""
    pinned: bool = False
    loading: asyncio.Task[None] | None = None
    _use: usage.Use | None = None
    """What tells other processes that it is in use here."""

    @property
    def in_use(self) -> bool:
        """Whether other processes are told so."""
        return self._use is not None

    def begin_use(self) -> bool:
        """Tell other processes that it is in use here; False while one of them is letting go of it."""
        if self._use is None:
            self._use = usage.begin_use(self.adapter.path)
        return self._use is not None

    def end_use(self) -> None:
        if self._use is not None:
            self._use.end()
            self._use = None
