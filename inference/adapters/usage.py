"""Which compositions are in use, known to all processes by a lock file beside each.

Several services may share one server and one folder of compositions. Each holds the file of what it uses, so that none
unloads what another is answering with. A process that dies releases its locks, and the file's time says when it was
last used.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.adapters.files import try_flock

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class AdapterRef:
    """A composition made ready on disk, in the safe form (see `inference.adapters.package`)."""

    name: str
    """Content-addressed name; equal names mean equal weights."""
    path: Path
    """Folder with `adapter_config.json` and `adapter_model.safetensors`."""


class UsageLock:
    """A composition held: for use, beside all others that use it, or alone, while it is let go of."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            # Closing is not enough where a forked child has the descriptor too.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None


def acquire_shared(folder: Path) -> UsageLock | None:
    """Use the composition in `folder` from now on; None while another process is letting go of it."""
    touch(folder)
    return _acquire(folder, fcntl.LOCK_SH)


def acquire_exclusive(folder: Path) -> UsageLock | None:
    """Hold the composition in `folder` alone; None when anybody uses it."""
    return _acquire(folder, fcntl.LOCK_EX)


def touch(folder: Path) -> None:
    """Say that the composition in `folder` is used now."""
    file = _usage_file(folder)
    with suppress(OSError):  # a folder that is gone or read-only is no obstacle
        file.parent.mkdir(exist_ok=True)
        file.touch()


def last_used(folder: Path) -> float:
    """When the composition in `folder` was last used, in seconds since the epoch; 0 when never."""
    try:
        return _usage_file(folder).stat().st_mtime
    except OSError:
        return 0.0


def remove_usage(folder: Path) -> None:
    """Remove what was noted of a composition that is removed."""
    with suppress(OSError):
        _usage_file(folder).unlink(missing_ok=True)


def _acquire(folder: Path, operation: int) -> UsageLock | None:
    try:
        descriptor = os.open(_usage_file(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return UsageLock(None)  # without a file no process can share its use
    if try_flock(descriptor, operation):
        return UsageLock(descriptor)
    os.close(descriptor)
    return None


def _usage_file(folder: Path) -> Path:
    # Not the folder's own access time: on many systems, listing a folder changes that.
    return folder.parent / ".used" / folder.name
