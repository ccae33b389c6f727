"""One mover of adapters at a time for each server: of all tasks of this process, and of all processes."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from blake3 import blake3

from inference.adapters.files import try_flock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_POLL_SECONDS = 0.02
_COUNTER_BYTES = 8

log = structlog.get_logger(__name__)


class ServerLock:
    """Held while a server's adapters are changed; first come, first served within a process.

    Without it two services could each see one free place and both load: the server would then evict on its own,
    and wait with all loading until the evicted adapter's answers are out. It also counts the adapters taken away, so
    that each process learns cheaply when what it knows may be out of date.
    """

    def __init__(self, server: str, shared_folder: Path | None) -> None:
        """
        Args:
            server: its address; holders of equal addresses exclude each other.
            shared_folder: folder that all processes share; None when there are no others.
        """
        self._lock = asyncio.Lock()
        self._file: int | None = None
        if shared_folder is not None:
            path = shared_folder / ".locks" / f"server-{blake3(server.encode()).hexdigest(8)}"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except OSError as error:
                # A folder that cannot be written to is no reason not to answer.
                log.warning("server_lock.sharing_failed", file=str(path), error=error)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        async with self._lock:
            # Asking takes microseconds; only the waiting is long, and it leaves the event loop alone.
            while self._file is not None and not try_flock(self._file):  # noqa: ASYNC110 - another process lets go of it
                await asyncio.sleep(_POLL_SECONDS)
            try:
                yield
            finally:
                if self._file is not None:
                    fcntl.flock(self._file, fcntl.LOCK_UN)

    @property
    def locked(self) -> bool:
        """Whether someone of this process is in it."""
        return self._lock.locked()

    @property
    def removal_count(self) -> int:
        """How many adapters were taken away from the server, by any process."""
        if self._file is None:
            return 0
        return int.from_bytes(os.pread(self._file, _COUNTER_BYTES, 0), "big")

    def increment_removal_count(self) -> int:
        """Count one more unload by the holder; the new count."""
        if self._file is None:
            return 0
        count = self.removal_count + 1
        os.pwrite(self._file, count.to_bytes(_COUNTER_BYTES, "big"), 0)
        return count

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
