"""The files of a collection, and a watcher of their changes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blake3 import blake3

from bot.library.parse.errors import Gone, error_reason
from bot.library.parse.formats import is_document, is_streamed
from bot.library.parse.limits import MB, ParseLimits
from bot.minds import Mind
from bot.minds.load import MIND_FILE, RAG_FILE
from bot.minds.paths import is_inside
from bot.minds.schema import DEFAULT_UPLOAD_COLLECTION

POLL_INTERVAL: Final = 2.0
"""Seconds between two snapshots. Polling works on every file system, network drives included."""
_READ_SIZE: Final = 1 << 20

FileSnapshot = frozenset[tuple[str, int, int]]
"""Path, modification time in nanoseconds and size of each file."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a document is made from: a file or an upload."""

    path: Path
    """Of a file, absolute; of an upload, its name."""
    uri: str
    """What the document is known by: the path within the mind's folder, or the absolute path outside of it."""
    added_by_hand: bool
    """Added by a person, not by the collection's patterns."""
    digest: str | None = None
    """Of an upload, whose content is in the database; None for a file."""


@dataclass(frozen=True, slots=True)
class FoundSources:
    """The files of a collection."""

    sources: list[Source]
    links_outside: list[Path]
    """Links in folders added by hand that lead out of them. They are not followed: a folder that others may write to
    must not decide which files of this machine are read."""


def list_sources(mind: Mind, collection: str, added_paths: Iterable[str | Path] = ()) -> FoundSources:
    """The existing files of a collection, by its patterns and added by hand; blocking.

    Args:
        added_paths: files, and folders that are searched for files of known formats; missing ones and links are
            skipped. What a link within a folder leads to is found at its own place.
    """
    by_pattern = [
        Source(path, source_uri(mind, path), added_by_hand=False) for path in mind.collection_files(collection)
    ]
    known = {source.uri for source in by_pattern}
    by_hand = {}
    links_outside: list[Path] = []
    for path in added_paths:
        for file in _readable_files(mind.folder / path, links_outside):
            uri = source_uri(mind, file)
            if uri not in known:
                by_hand[uri] = Source(file, uri, added_by_hand=True)
    return FoundSources([*by_pattern, *(by_hand[uri] for uri in sorted(by_hand))], links_outside)


def source_uri(mind: Mind, path: Path) -> str:
    """The URI of a file's document."""
    path = path.absolute()
    return (path.relative_to(mind.folder) if path.is_relative_to(mind.folder) else path).as_posix()


def shown_name(uri: str) -> str:
    """A URI with U+FFFD for bytes of a file's name that are no text; itself where it has none."""
    return uri.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def uploaded_source(name: str, digest: str | None = None) -> Source:
    """The source of a document uploaded in a chat."""
    return Source(Path(name), f"{DEFAULT_UPLOAD_COLLECTION}:{name}", added_by_hand=False, digest=digest)


def file_digest(path: Path, limits: ParseLimits) -> str:
    """Digest of a file's content; of a file over the size limit, its size and modification time; blocking.

    Raises:
        Gone: it cannot be opened.
    """
    try:
        status = path.stat()
        if status.st_size > (limits.streamed_megabytes if is_streamed(path) else limits.megabytes) * MB:
            return f"{status.st_size} bytes of {status.st_mtime_ns}"
        digest = blake3()
        with path.open("rb") as stream:
            while block := stream.read(_READ_SIZE):
                digest.update(block)
    except OSError as error:
        raise Gone(error_reason(error)) from error
    return str(digest.hexdigest(16))


def _readable_files(path: Path, links_outside: list[Path]) -> Iterator[Path]:
    """The file at a path, or the documents in a folder and its folders, those in old formats as well: they are refused
    with what to do about it.

    Args:
        links_outside: links that lead out of the folder are added to it.
    """
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    found = []
    for folder, folders, files in os.walk(path, followlinks=False):
        for name in (*folders, *files):
            entry = Path(folder, name)
            if entry.is_symlink():
                is_wanted = name in folders or is_document(entry)
                if is_wanted and entry.exists() and not is_inside(entry, path):
                    links_outside.append(entry)
            elif name in files and is_document(entry) and entry.is_file():
                found.append(entry)
    yield from sorted(found)


def take_snapshot(mind: Mind, added_paths: Iterable[Path] = ()) -> FileSnapshot:
    """The state of a mind's library files, of those at `added_paths`, and of the two files that configure the library;
    blocking."""
    paths = {mind.folder / MIND_FILE, mind.folder / RAG_FILE}
    for name in mind.collections:
        paths.update(mind.collection_files(name))
    for path in added_paths:
        paths.update(path.rglob("*") if path.is_dir() else [path])
    files = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        files.append((str(path), status.st_mtime_ns, status.st_size))
    return frozenset(files)


async def watch_files(
    mind: Mind, added_paths: Iterable[Path] = (), *, interval: float = POLL_INTERVAL
) -> AsyncIterator[None]:
    """Yields whenever files have changed, once two successive snapshots are equal.

    Args:
        interval: seconds between two snapshots.
    """
    paths = tuple(added_paths)
    reported = previous = await asyncio.to_thread(take_snapshot, mind, paths)
    while True:
        await asyncio.sleep(interval)
        current = await asyncio.to_thread(take_snapshot, mind, paths)
        if current != reported and current == previous:
            reported = current
            yield
        previous = current
