"""When a composition was last used, told between processes by the time of a file beside it.

Several services may share one server and one folder of compositions. Each marks what it uses, so that none unloads
what another is answering with, and so that the least recently used compositions can be found on disk.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MARK_EVERY = 10.0
"""Seconds between two marks of an adapter that is in use all the time."""
IDLE_AFTER = 90.0
"""Seconds without a mark after which an adapter of another process counts as idle: longer than a mark may be away."""


def mark(folder: Path) -> float:
    """Say that the adapter in `folder` is in use now; the mark as the file system keeps it, in seconds."""
    file = _file_of(folder)
    with suppress(OSError):  # nobody is hindered by a folder that is gone or cannot be written to
        file.parent.mkdir(exist_ok=True)
        file.touch()
        return file.stat().st_mtime
    return time.time()


def last_used(folder: Path) -> float:
    """When anybody last used the adapter in `folder`, in seconds since the epoch; 0 when nobody did."""
    try:
        return _file_of(folder).stat().st_mtime
    except OSError:
        return 0.0


def forget_use(folder: Path) -> None:
    """Remove the mark of an adapter that is removed."""
    with suppress(OSError):
        _file_of(folder).unlink(missing_ok=True)


def _file_of(folder: Path) -> Path:
    # Not the folder's own access time: on many systems, whoever lists a folder changes that.
    return folder.parent / ".used" / folder.name
