"""Files that are there whole or not at all, however the process that writes them ends."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

UNFINISHED: Final = ".unfinished"
"""End of the name that a file has while it is written."""


@contextmanager
def atomic_file(path: Path, *, mode: int = 0o666, replace: bool = True, durable: bool = True) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its name once it is whole; blocking.

    When the caller raises, or is killed, `path` stays as it was. A killed process leaves the unfinished file behind
    (`remove_unfinished`).

    Args:
        mode: permissions of the file from the beginning, less the process's umask.
        replace: whether a file that is there already is replaced.
        durable: whether it is forced to the disk before it takes its name, and the name after it; without that a power
            cut may leave a file that is not whole.

    Raises:
        FileExistsError: there is a file, and it is not to be replaced.
        OSError: it cannot be written.
    """
    if not replace and os.path.lexists(path):
        raise FileExistsError(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        # Closed before it takes its name: network file systems report a spent quota only then.
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(descriptor)
        _give_name(unfinished, path, replace=replace)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def write_atomically(
    path: Path, content: bytes | str, *, mode: int = 0o666, replace: bool = True, durable: bool = True
) -> None:
    """Write a file in one piece, as `atomic_file` does; text as UTF-8.

    Raises:
        FileExistsError: there is a file, and it is not to be replaced.
        OSError: it cannot be written.
    """
    with atomic_file(path, mode=mode, replace=replace, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes have left of files in a folder; nobody else may be writing there."""
    for path in folder.glob(f".*{UNFINISHED}"):
        if path.is_file():
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where its file system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Force a folder with everything in it to the disk.

    Raises:
        OSError: a file cannot be read or written out.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(os.path.join(parent, name), os.O_RDONLY | os.O_CLOEXEC)  # noqa: PTH118 - as os.walk
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(parent))


def _give_name(unfinished: Path, path: Path, *, replace: bool) -> None:
    if replace:
        unfinished.replace(path)
        return
    try:
        # Unlike a rename it fails when somebody has made a file of this name meanwhile.
        path.hardlink_to(unfinished)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        unfinished.rename(path)
    else:
        unfinished.unlink()
