"""Files of a package: read without being led astray, written whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from consilium.files import atomic_file
from inference.adapters.errors import DiskFull, DocumentInvalid, PackageUnreadable, PathOutsideFolder, WriteFailed

MAX_DOCUMENT_BYTES = 1 << 20
"""A JSON file of a package beyond this is not what it pretends to be."""

_DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_PREALLOCATION_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV})
_PREALLOCATE_FROM_BYTES, _LOCK_FILE_BYTES = 1 << 20, 1 << 16
_POLL_SECONDS = 0.01

Document = TypeVar("Document", bound=BaseModel)


def open_in_folder(folder: Path, name: str) -> int:
    """Open the plain file `name` of `folder` for reading and return its descriptor.

    Raises:
        PackageUnreadable: it is missing, is a folder, pipe or device, or may not be read.
        PathOutsideFolder: it is a link to somewhere outside `folder`.
    """
    path = folder / name
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(folder.resolve(strict=True)):
            raise PathOutsideFolder(path)
        # Without O_NONBLOCK, opening a pipe that was put there would block for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PackageUnreadable(path, error.strerror or str(error)) from error
    except RuntimeError as error:  # what pathlib makes of a link that leads to itself
        raise PackageUnreadable(path, "it is a link that leads nowhere") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PackageUnreadable(path, "it is not a plain file")
    return descriptor


def read_json(folder: Path, name: str, model: type[Document]) -> Document:
    """Read the JSON file `name` of `folder` as `model`.

    Raises:
        PackageUnreadable, PathOutsideFolder: as `open_inside`.
        DocumentInvalid: it is not JSON, or not what `model` asks for; says on which line.
    """
    path = folder / name
    with open(open_in_folder(folder, name), "rb") as file:
        raw = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise DocumentInvalid(path, 1, f"the file is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        text = raw.decode()
        values = json.loads(text, object_pairs_hook=reject_duplicate_keys, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise DocumentInvalid(path, error.lineno, f"this is not JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise DocumentInvalid(path, raw.count(b"\n", 0, error.start) + 1, "this is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise DocumentInvalid(path, 1, f"this is not JSON ({describe_json_error(error)})") from error
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        # pydantic puts the alternatives of a union into the path; a person knows only the keys they wrote.
        where = [str(key) for key in first["loc"] if isinstance(key, int) or json.dumps(key) in text]
        problem = f"“{'.'.join(where)}”: {first['msg']}" if where else first["msg"]
        raise DocumentInvalid(path, _find_line(text, where), problem) from error


def reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a name that stands twice, readers take the first or the last as they please.

    Raises:
        ValueError: a name stands twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def describe_json_error(error: Exception) -> str:
    """What was wrong with JSON from a stranger, in a few words."""
    return "brackets too deep" if isinstance(error, RecursionError) else str(error)[:80]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _find_line(text: str, where: list[str]) -> int:
    """The line of the innermost key of `where` that the text has, else the first."""
    for key in reversed(where):
        at = text.find(json.dumps(key))
        if at >= 0:
            return text.count("\n", 0, at) + 1
    return 1


@contextmanager
def translate_write_errors(path: Path, needed: int) -> Iterator[None]:
    """Turn what the system says while `path` is written into `DiskFull` or `WriteFailed`."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL_ERRNOS:
            raise DiskFull(path, needed) from error
        raise WriteFailed(path, error.strerror or str(error)) from error


@contextmanager
def atomic_write(path: Path, size: int, *, durable: bool = False) -> Iterator[int]:
    """A descriptor to write `size` bytes through; `path` becomes that file at the end, or stays as it was.

    Args:
        durable: whether it is forced to the disk.

    Raises:
        DiskFull, WriteFailed: nothing half-written is left behind.
    """
    with translate_write_errors(path, size), atomic_file(path, durable=durable) as file:
        _preallocate(file.fileno(), size)
        yield file.fileno()


def _preallocate(descriptor: int, size: int) -> None:
    """Have the room for a large file set aside: a full disk shows at once, and the writing is a third faster."""
    if size < _PREALLOCATE_FROM_BYTES or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in _PREALLOCATION_UNSUPPORTED:
            raise


@contextmanager
def file_lock(path: Path, timeout: float) -> Iterator[None]:
    """Lock `path` against every thread and process that locks it the same way; a process that dies releases it.

    Args:
        timeout: seconds to wait for another holder.

    Raises:
        WriteFailed: another holder has not let go in that time, or there can be no file at `path`.
        DiskFull: there is no room for it.
    """
    with translate_write_errors(path, _LOCK_FILE_BYTES):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        deadline = time.monotonic() + timeout
        while not try_flock(descriptor):
            if time.monotonic() > deadline:
                raise WriteFailed(path, f"another process has held it for {timeout:.0f} seconds")
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            # Closing is not enough where a forked child has the descriptor too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def try_flock(descriptor: int, operation: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file alone, or beside others with `fcntl.LOCK_SH`; False when another holder forbids it."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_json(path: Path, document: BaseModel) -> None:
    """Write `document` as JSON people can read.

    Raises:
        DiskFull, WriteFailed: the file is as it was.
    """
    text = document.model_dump_json(indent=2).encode() + b"\n"
    with atomic_write(path, len(text)) as descriptor:
        write_at(descriptor, text, 0)


def write_at(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of `data` at `offset`, however many calls the system takes for it."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
