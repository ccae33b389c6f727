"""One mover of adapters at a time for each server: of all tasks of this process, and of all processes."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_POLL_SECONDS = 0.02

log = structlog.get_logger(__name__)


class Turnstile:
    """Held by whoever changes which adapters a server holds; first come, first served within a process.

    Without it two services could each see one free place and both load: the server would then evict on its own,
    and wait with all loading until the evicted adapter's answers are out.
    """

    def __init__(self, server: str, shared: Path | None) -> None:
        """
        Args:
            server: its address; holders of equal addresses exclude each other.
            shared: folder that all processes share; None when there are no others.
        """
        self._lock = asyncio.Lock()
        name = f"server-{blake3(server.encode()).hexdigest(8)}"
        self._file = shared / ".locks" / name if shared else None

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        async with self._lock:
            descriptor = self._open()
            if descriptor is None:
                yield
                return
            try:
                # Asking takes microseconds; only the waiting is long, and it leaves the event loop alone.
                while not _seize(descriptor):  # noqa: ASYNC110 - another process lets go of it
                    await asyncio.sleep(_POLL_SECONDS)
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
                os.close(descriptor)

    def _open(self) -> int | None:
        if self._file is None:
            return None
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            # A folder that cannot be written to is no reason not to answer.
            log.warning("turnstile.not_shared", file=str(self._file), error=str(error))
            return None

    @property
    def taken(self) -> bool:
        """Whether someone of this process is in it."""
        return self._lock.locked()


def _seize(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
