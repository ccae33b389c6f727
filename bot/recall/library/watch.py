"""Notices that files of a library have changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from bot.mind import Mind
from bot.mind.load import MIND_FILE, RAG_FILE

POLL_INTERVAL: Final = 2.0
"""Seconds between two looks. Asking the file system works everywhere, on network drives as well."""

FileSnapshot = frozenset[tuple[str, int, int]]
"""Path, time of change and size of each file."""


def take_snapshot(mind: Mind, added_paths: Iterable[Path] = ()) -> FileSnapshot:
    """The files of a mind's library and of the folders given, and the two that say what is one; blocking."""
    paths = {mind.folder / MIND_FILE, mind.folder / RAG_FILE}
    for name in mind.collections:
        paths.update(mind.collection_files(name))
    for path in added_paths:
        paths.update(path.rglob("*") if path.is_dir() else [path])
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return frozenset(found)


async def watch_files(
    mind: Mind, added_paths: Iterable[Path] = (), *, interval: float = POLL_INTERVAL
) -> AsyncIterator[None]:
    """Yields whenever something is other than it was, once things have been quiet for as long as between two looks."""
    folders = tuple(added_paths)
    before = seen = await asyncio.to_thread(take_snapshot, mind, folders)
    while True:
        await asyncio.sleep(interval)
        now = await asyncio.to_thread(take_snapshot, mind, folders)
        if now != before and now == seen:
            before = now
            yield
        seen = now
