"""Files that only their owner may read, and that are there whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from consilium.files import atomic_file
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
    try:
        with atomic_file(path, mode=0o600, replace=replace) as file:
            yield file
    except FileExistsError:
        raise FileExists(path) from None
    except OSError as error:
        raise FileNotWritten(path, error.strerror or str(error)) from error
