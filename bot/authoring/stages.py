"""Stages of an import, each with a file: complete or not there, and made anew when what it is made from has changed."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from consilium.files import atomic_file, remove_unfinished

_VERSION: Final = 1
"""Raised when a stage makes something else of the same input."""
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600


class StageFolder:
    """The folder with an import's files. What was finished before is used again, however the process ended."""

    def __init__(self, folder: Path) -> None:
        """Create the folder, closed to others and to git: there is personal data in it."""
        folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        self.folder = folder
        if not (folder / ".gitignore").exists():
            write_atomically(folder / ".gitignore", ["*\n"])
        remove_unfinished(folder)

    def ensure(self, name: str, inputs: str, make: Callable[[], Iterable[dict[str, Any]]]) -> bool:
        """Write the file of a stage, unless it is there and made from the same; returns whether it was written.

        Args:
            inputs: digest of what it is made from.
            make: the records, asked for only if they are needed.
        """
        head = _line({"stage": name, "version": _VERSION, "inputs": inputs})
        path = self._path(name)
        if path.exists():
            with path.open(encoding="utf-8") as stream:
                if stream.readline() == head:
                    return False
        write_atomically(path, (head, *map(_line, make())))
        return True

    def read(self, name: str) -> Iterator[dict[str, Any]]:
        """The records of a stage, one in memory at a time."""
        with self._path(name).open(encoding="utf-8") as stream:
            next(stream)
            for line in stream:
                yield json.loads(line)

    def remove_others(self, pattern: str, names: Collection[str]) -> None:
        """Remove the files of stages that are called by a pattern and are not among these."""
        for path in self.folder.glob(f"{pattern}.jsonl"):
            if path.stem not in names:
                path.unlink()

    def salt(self) -> bytes:
        """What the hashes of speakers are made with; of this import alone, so that they tell nothing elsewhere."""
        path = self.folder / "salt"
        if not path.exists():
            write_atomically(path, [secrets.token_hex(16)])
        return path.read_bytes()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"


def digest_of(*parts: object) -> str:
    """A digest of values, each as JSON."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """A digest of a file's content; blocking."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, parts: Iterable[str]) -> None:
    """Write a file that is complete or not there, for its owner only."""
    with atomic_file(path, mode=_PRIVATE_FILE) as file:
        file.writelines(part.encode() for part in parts)


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
