"""The files of a collection, and a watcher that notices when they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blake3 import blake3

from bot.library.parse.errors import Gone, error_reason
from bot.library.parse.formats import READERS
from bot.library.parse.limits import MB, ParseLimits
from bot.minds import Mind
from bot.minds.load import MIND_FILE, RAG_FILE
from bot.minds.schema import DEFAULT_UPLOAD_COLLECTION

_READ_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be a document."""

    path: Path
    """Absolute, of a file."""
    uri: str
    """What the document is known by: the path within the mind, or absolute where it lies outside."""
    added_by_hand: bool
    """Named by hand, and not by the collection's patterns."""
    digest: str | None = None
    """Of a document that came in a chat and lies in the database: its path is its name, and no file's."""


def list_sources(mind: Mind, collection: str, added_paths: Iterable[str | Path] = ()) -> list[Source]:
    """The files of a collection that are there now: those its patterns name, and those given by hand; blocking.

    Args:
        given: files, or folders that are searched for files of known formats; one that is gone is passed over.
    """
    by_pattern = [
        Source(path, source_uri(mind, path), added_by_hand=False) for path in mind.collection_files(collection)
    ]
    known = {source.uri for source in by_pattern}
    by_hand = {}
    for path in added_paths:
        for file in _readable_files(mind.folder / path):
            uri = source_uri(mind, file)
            if uri not in known:
                by_hand[uri] = Source(file, uri, added_by_hand=True)
    return [*by_pattern, *(by_hand[uri] for uri in sorted(by_hand))]


def source_uri(mind: Mind, path: Path) -> str:
    """What a file's document is known by."""
    path = path.absolute()
    return (path.relative_to(mind.folder) if path.is_relative_to(mind.folder) else path).as_posix()


def uploaded_source(name: str, digest: str | None = None) -> Source:
    """A document that came in a chat."""
    return Source(Path(name), f"{DEFAULT_UPLOAD_COLLECTION}:{name}", added_by_hand=False, digest=digest)


def file_digest(path: Path, limits: ParseLimits) -> str:
    """Of a file's bytes; of one that is too large to be read, of its size and time; blocking.

    Raises:
        Gone: it cannot be opened.
    """
    try:
        found = path.stat()
        if found.st_size > limits.megabytes * MB:
            return f"{found.st_size} bytes of {found.st_mtime_ns}"
        digest = blake3()
        with path.open("rb") as stream:
            while block := stream.read(_READ_SIZE):
                digest.update(block)
    except OSError as error:
        raise Gone(error_reason(error)) from error
    return str(digest.hexdigest(16))


def _readable_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.suffix.lower() in READERS and file.is_file())
    elif path.is_file():
        yield path


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
