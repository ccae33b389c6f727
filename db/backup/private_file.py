"""Files that only their owner may read, and that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from db.backup.errors import FileExists, FileNotWritten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


@contextmanager
def write_private_file(path: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its name once it is whole and on the disk; blocking.

    Its mode is 0600 from the beginning. When the caller raises, or is killed, `path` stays as it was.

    Args:
        replace: whether a file that is there already is replaced.

    Raises:
        FileExists: there is one, and it is not to be replaced.
        FileNotWritten: it cannot be made or written.
    """
    if not replace and path.exists():
        raise FileExists(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _give_name(unfinished, path, replace=replace)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FileNotWritten(path, error.strerror or str(error)) from error


def _give_name(unfinished: Path, path: Path, *, replace: bool) -> None:
    if replace:
        unfinished.replace(path)
    else:
        try:
            # Unlike a rename it fails when somebody has made a file of this name meanwhile.
            path.hardlink_to(unfinished)
        except FileExistsError:
            raise FileExists(path) from None
        except OSError:  # a file system without hard links
            if path.exists():
                raise FileExists(path) from None
            unfinished.rename(path)
    with suppress(OSError):  # not every file system lets a folder be synchronised
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
