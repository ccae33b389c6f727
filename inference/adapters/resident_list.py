"""`resident.json` beside the compositions: what a server is to load at its start, the most important first.

Several services may share one folder of compositions. Each mind owns the entries under its name: the last writer
for a mind replaces that mind's, and leaves the other minds' as long as they are still in use. Services of one mind
count the same turns, so it does not matter which of them was the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import pydantic
import structlog

from inference.adapters.composition import RECORD_FILE, is_composition_name, last_used_at
from inference.adapters.errors import AdapterError
from inference.adapters.files import file_lock, read_json, write_json

RESIDENT_FILE: Final = "resident.json"

_LOCKS: Final = ".locks"
_LOCK_TIMEOUT_SECONDS: Final = 30.0

log = structlog.get_logger(__name__)


class ResidentEntry(pydantic.BaseModel):
    """One composition to be loaded."""

    model_config = pydantic.ConfigDict(frozen=True)

    name: str
    pinned: bool
    mind: str
    """Name of the mind that wants it."""


class ResidentList(pydantic.BaseModel):
    """`resident.json`."""

    model_config = pydantic.ConfigDict(frozen=True)

    format: Literal[1] = 1
    resident: tuple[ResidentEntry, ...] = ()
    """Each name once; the pinned ones come first."""


def read_resident_list(root: Path) -> ResidentList:
    """What a server is to load at its start; nothing when no service has said so, or the file is unusable."""
    if not (root / RESIDENT_FILE).exists():
        return ResidentList()
    try:
        return read_json(root, RESIDENT_FILE, ResidentList)
    except AdapterError as error:
        log.warning("resident_list.read_failed", reason=error)
        return ResidentList()


def update_resident_list(root: Path, mind: str, entries: Sequence[ResidentEntry], since: datetime) -> None:
    """Replace the entries of `mind` by `wanted`, whole or not at all; blocking.

    Args:
        entries: the hottest first.
        since: entries of other minds whose compositions were last used before this are dropped.

    Raises:
        DiskFull, WriteFailed: the list is as it was.
    """
    with file_lock(root / _LOCKS / RESIDENT_FILE, _LOCK_TIMEOUT_SECONDS):
        others = [
            one for one in read_resident_list(root).resident if one.mind != mind and _is_in_use(root, one.name, since)
        ]
        merged: dict[str, ResidentEntry] = {}
        for one in sorted((*entries, *others), key=lambda one: not one.pinned):
            merged.setdefault(one.name, one)
        write_json(root / RESIDENT_FILE, ResidentList(resident=tuple(merged.values())))


def _is_in_use(root: Path, name: str, since: datetime) -> bool:
    folder = root / name
    return is_composition_name(name) and (folder / RECORD_FILE).is_file() and last_used_at(folder) >= since
