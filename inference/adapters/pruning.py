"""Removes the compositions that have not been used for the longest time."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from inference.adapters.composition import Composition
from inference.adapters.errors import CompositionNotFound
from inference.adapters.store import CompositionStore

RECENT_USE: Final = timedelta(hours=1)
"""What was used within this time may be answering now, and stays."""


def prune(store: CompositionStore, max_bytes: int) -> dict[str, int]:
    """Remove the least recently used compositions until all together have at most `most` bytes; blocking.

    Returns:
        The bytes freed, by the name of what was removed. Engines may still hold these.

    Raises:
        WriteFailed: one cannot be removed; those before it are.
    """
    used = []
    for composition in store.list():
        with suppress(FileNotFoundError):  # removed by another process meanwhile
            used.append((composition.last_used_at, composition))
    used.sort(key=lambda pair: (pair[0], pair[1].name))
    size = store.size
    freed: dict[str, int] = {}
    for _, composition in used:
        if size <= max_bytes:
            break
        if _is_unused(composition):
            with suppress(CompositionNotFound):
                freed[composition.name] = store.remove(composition.name)
                size -= freed[composition.name]
    return freed


def _is_unused(composition: Composition) -> bool:
    """Looked at just before it is removed: it may have been used in the meantime."""
    try:
        return composition.last_used_at < datetime.now(UTC) - RECENT_USE
    except FileNotFoundError:
        return False
