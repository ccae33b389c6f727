"""Adapters that may not be used any more: `revoked.json` beside the compositions, by the digest of their weights.

Weights are revoked and not names, so an adapter trained again under the same name works. Every process that composes
looks at the file's state before each use; a list that cannot be read refuses everything rather than nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import pydantic

from consilium.errors import N_
from inference.adapters.errors import AdapterError
from inference.adapters.files import file_lock, read_json, write_json
from inference.adapters.manifest import Digest
from inference.adapters.parts import Part

REVOKED_FILE: Final = "revoked.json"

_LOCKS: Final = ".locks"
_LOCK_TIMEOUT_SECONDS: Final = 30.0


class AdapterRevoked(AdapterError):
    """A composition is asked for that contains an adapter whose weights have been revoked."""

    sentence = N_("The adapter “{adapter}” has been revoked and answers no more.")
    remedy = N_("Use a mode without it. An operator can undo it with: consilium adapters revoke --undo {digest}")

    def __init__(self, adapter: str, digest: str) -> None:
        super().__init__(adapter=adapter, digest=digest)


class NotRevoked(AdapterError):
    """A revocation is asked for that there is none of."""

    sentence = N_("No adapter called “{which}”, or with weights of this digest, has been revoked.")
    remedy = N_("consilium adapters list shows the revoked ones.")

    def __init__(self, which: str) -> None:
        super().__init__(which=which)


class Revocation(pydantic.BaseModel):
    """One revoked adapter."""

    model_config = pydantic.ConfigDict(frozen=True)

    digest: Digest
    adapter: str
    """What it was called when it was revoked."""
    at: datetime
    untold: tuple[str, ...] = ()
    """Removed compositions that engines may still hold, because none was asked to unload them yet."""


class _RevocationList(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)

    format: Literal[1] = 1
    revoked: tuple[Revocation, ...] = ()


class Revocations:
    """The revoked adapters of one folder of compositions, which threads and processes may share.

    Everything here blocks; looking costs one `stat` as long as nothing has changed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / REVOKED_FILE
        self._cached: tuple[object, Mapping[str, Revocation]] = (None, {})

    def list(self) -> list[Revocation]:
        """The revoked adapters, the latest first.

        Raises:
            PackageUnreadable, PathOutsideFolder, DocumentInvalid: the list cannot be read.
        """
        return sorted(self._read().values(), key=lambda revocation: revocation.at, reverse=True)

    def find(self, digest: str) -> Revocation | None:
        """The revocation of these weights, if they are revoked."""
        return self._read().get(digest)

    def check(self, parts: Iterable[Part]) -> None:
        """Refuse parts of which one is revoked.

        Raises:
            AdapterRevoked: one is.
            PackageUnreadable, PathOutsideFolder, DocumentInvalid: whether one is cannot be determined.
            WeightsNotFinite, PackageChanged: a part is unfit.
        """
        if not (revoked := self._read()):
            return
        for part in parts:
            if found := revoked.get(part.package.digest):
                raise AdapterRevoked(found.adapter, found.digest)

    def add(self, digest: str, adapter: str) -> None:
        """Revoke weights; those that are revoked already stay so.

        Raises:
            DiskFull, WriteFailed: nothing has changed.
        """
        with self._lock():
            revoked = self._read()
            if digest not in revoked:
                self._write({**revoked, digest: Revocation(digest=digest, adapter=adapter, at=datetime.now(UTC))})

    def record_removed(self, digest: str, compositions: Sequence[str]) -> tuple[str, ...]:
        """Record compositions that contain revoked weights; return all that no engine was asked to unload yet.

        Raises:
            NotRevoked: these weights are not revoked.
            DiskFull, WriteFailed: nothing has changed.
        """
        with self._lock():
            revocation = self._get(digest)
            untold = tuple(dict.fromkeys((*revocation.untold, *compositions)))
            self._replace_untold(revocation, untold)
            return untold

    def mark_unloaded(self, digest: str) -> None:
        """Note that the engine holds nothing of these weights any more.

        Raises:
            NotRevoked: these weights are not revoked.
            DiskFull, WriteFailed: nothing has changed.
        """
        with self._lock():
            self._replace_untold(self._get(digest), ())

    def undo(self, digest: str) -> None:
        """Allow revoked weights again.

        Raises:
            NotRevoked: these weights are not revoked.
            DiskFull, WriteFailed: nothing has changed.
        """
        with self._lock():
            self._get(digest)
            self._write({one: revocation for one, revocation in self._read().items() if one != digest})

    def _get(self, digest: str) -> Revocation:
        revocation = self.find(digest)
        if revocation is None:
            raise NotRevoked(digest)
        return revocation

    def _replace_untold(self, revocation: Revocation, untold: tuple[str, ...]) -> None:
        if untold != revocation.untold:
            changed = revocation.model_copy(update={"untold": untold})
            self._write({**self._read(), revocation.digest: changed})

    def _read(self) -> Mapping[str, Revocation]:
        try:
            state = _file_state(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError:
            state = None  # reading it below says what is wrong
        known = self._cached
        if state is None or known[0] != state:
            document = read_json(self._root, REVOKED_FILE, _RevocationList)
            # The state is older than what was read, never newer: a change in between is read again next time.
            known = self._cached = state, {revocation.digest: revocation for revocation in document.revoked}
        return known[1]

    def _write(self, revoked: Mapping[str, Revocation]) -> None:
        write_json(self._path, _RevocationList(revoked=tuple(revoked.values())))

    def _lock(self) -> AbstractContextManager[None]:
        return file_lock(self._root / _LOCKS / REVOKED_FILE, _LOCK_TIMEOUT_SECONDS)


def _file_state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
