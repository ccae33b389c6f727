"""Which compositions are in use, told between processes by a file beside them.

Several services may share one server and one folder of compositions. Each holds the file of what it uses, so that none
unloads what another is answering with, whoever dies lets go, and the file's time says when it was last used.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from inference.adapters.files import seize

if TYPE_CHECKING:
    from pathlib import Path


class Use:
    """A composition held: for use, beside all others that use it, or alone, while it is let go of."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def end(self) -> None:
        if self._descriptor is not None:
            # Closing is not enough where a forked child has the descriptor too.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None


def begin_use(folder: Path) -> Use | None:
    """Use the composition in `folder` from now on; None while another process is letting go of it."""
    mark(folder)
    return _hold(folder, fcntl.LOCK_SH)


def claim(folder: Path) -> Use | None:
    """Hold the composition in `folder` alone; None when anybody uses it."""
    return _hold(folder, fcntl.LOCK_EX)


def mark(folder: Path) -> None:
    """Say that the composition in `folder` is used now."""
    file = _file_of(folder)
    with suppress(OSError):  # nobody is hindered by a folder that is gone or cannot be written to
        file.parent.mkdir(exist_ok=True)
        file.touch()


def last_used(folder: Path) -> float:
    """When anybody last used the composition in `folder`, in seconds since the epoch; 0 when nobody did."""
    try:
        return _file_of(folder).stat().st_mtime
    except OSError:
        return 0.0


def forget_use(folder: Path) -> None:
    """Remove what was noted of a composition that is removed."""
    with suppress(OSError):
        _file_of(folder).unlink(missing_ok=True)


def _hold(folder: Path, how: int) -> Use | None:
    try:
        descriptor = os.open(_file_of(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return Use(None)  # without a file nobody can be told, and nobody could have told us
    if seize(descriptor, how):
        return Use(descriptor)
    os.close(descriptor)
    return None


def _file_of(folder: Path) -> Path:
    # Not the folder's own access time: on many systems, whoever lists a folder changes that.
    return folder.parent / ".used" / folder.name
