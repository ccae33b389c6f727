"""The store of compositions: each made once, however many ask for it at once, and found again by its content.

A composition's name is a hash of its recipe, so equal names mean equal weights. It is made in a folder aside
and gets its name by one rename. Nothing is forced to the disk on the way: a power cut can therefore leave a
package whose files are not whole, and so each process compares a composition's weights with the digest recorded
in `composition.json` before it hands the composition out for the first time, and makes it again when they differ.

A revoked adapter is in none of them: it is refused before a composition is looked for and again after one was made,
and revoking removes those that are there. Whichever of the two comes first, nothing of it is left.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Final

import structlog
from blake3 import blake3
from prometheus_client import Counter, Histogram

from inference.adapters.compose import compose
from inference.adapters.composition import (
    COMPOSITION_FILES,
    RECORD_FILE,
    RECORD_FORMAT,
    Composition,
    CompositionRecord,
    RecipePart,
    disk_size,
    is_composition_name,
)
from inference.adapters.errors import AdapterError, CompositionNotFound
from inference.adapters.files import file_lock, read_json, translate_write_errors, write_json
from inference.adapters.merging.settings import SUM, Merge, MergeMethod
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, canonical_order
from inference.adapters.revocation import Revocations
from inference.adapters.usage import remove_usage
from inference.base_model import BaseModelSpec

_LOCKS, _STAGING = ".locks", ".making"
_LOCK_TIMEOUT_SECONDS = 300.0
_RECORD_BYTES = 64 << 10
"""Room that a record, a lock or a folder takes at most."""
log = structlog.get_logger(__name__)


class CompositionStore:
    """Compositions under one folder, which threads and processes may share.

    Everything here blocks; call it from a thread.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.revocations = Revocations(root)
        self._flights_lock = threading.Lock()
        self._flights: dict[str, Future[Composition]] = {}
        self._verified: dict[str, tuple[object, Composition]] = {}

    def composition_name(
        self, parts: Sequence[Part], base: BaseModelSpec, max_rank: int | None = None, merge: Merge = SUM
    ) -> str:
        """The name of a composition: the same for the same recipe, in whatever order it is given.

        A limit that the parts' ranks cannot go over even together is no part of the recipe, and neither are settings
        that the merge method does not look at.

        Raises:
            BandOutOfRange, WeightsNotFinite, PackageUnreadable, PackageChanged: a part is unfit.
        """
        recipe = {
            "format": RECORD_FORMAT,
            "base": _describe_base(base),
            "parts": [part.recipe for part in canonical_order(parts, base)],
            "max_rank": _effective_max_rank(parts, max_rank, merge),
        }
        if used := merge.of_adapters(len(parts)).recipe:
            recipe["merge"] = used
            if merge.method is MergeMethod.PROJECT:
                recipe["cores"] = sorted(part.package.digest for part in parts if part.is_core)
        return f"c-{blake3(json.dumps(recipe).encode()).hexdigest(16)}"

    def get_or_compose(
        self, parts: Sequence[Part], base: BaseModelSpec, *, max_rank: int | None = None, merge: Merge = SUM
    ) -> Composition:
        """The composition of `parts`: found, or made. Whoever asks while it is being made waits and gets it too.

        Raises:
            AdapterRevoked: one of the adapters may not be used any more.
            AdapterError: as `compose`; every one who waits gets the error.
        """
        self.revocations.check(parts)
        name = self.composition_name(parts, base, max_rank, merge)
        with self._flights_lock:
            flight = self._flights.get(name)
            leads = flight is None
            if flight is None:
                flight = self._flights[name] = Future()
        if not leads:
            return flight.result()
        try:
            composition, result = self._load_verified(name), "found"
            if composition is None:
                limit = _effective_max_rank(parts, max_rank, merge)
                composition, result = self._compose(name, parts, base, limit, merge), "made"
                self._discard_if_revoked(parts, name)
        except BaseException as error:
            COMPOSITIONS.labels(result="failed").inc()
            flight.set_exception(error)
            raise
        else:
            COMPOSITIONS.labels(result=result).inc()
            flight.set_result(composition)
            return composition
        finally:
            with self._flights_lock:
                del self._flights[name]

    def get(self, name: str) -> Composition:
        """The composition of this name, its weights not looked at.

        Raises:
            CompositionNotFound: there is none of that name.
            PackageUnreadable, PathOutsideFolder, DocumentInvalid: it is damaged.
        """
        path = self._folder(name)
        return Composition(name, path, read_json(path, RECORD_FILE, CompositionRecord))

    def list(self) -> list[Composition]:
        """The compositions there are, by name; damaged ones are left out."""
        found = []
        for path in self._folders():
            try:
                found.append(Composition(path.name, path, read_json(path, RECORD_FILE, CompositionRecord)))
            except AdapterError as error:
                log.warning("composition.skipped", name=path.name, reason=error)
        return found

    @property
    def size(self) -> int:
        """Bytes of all compositions."""
        return sum(disk_size(path) for path in self._folders())

    def remove(self, name: str) -> int:
        """Remove a composition and return how many bytes that frees; asked for again, it is made again.

        Raises:
            CompositionNotFound: there is none of that name.
            WriteFailed: it cannot be removed.
        """
        path = self._folder(name)
        with self._lock(name), translate_write_errors(path, _RECORD_BYTES):
            self._verified.pop(name, None)
            size = disk_size(path)
            aside = self._staging_folder(name)
            path.rename(aside)
            shutil.rmtree(aside)
            remove_usage(path)
        return size

    def revoke(self, digest: str, adapter: str) -> tuple[str, ...]:
        """Refuse the adapter with these weights from now on, in every process, and remove what contains it.

        Args:
            digest: `AdapterPackage.digest` of the weights; others under the adapter's name are not touched.
            adapter: its name, for people.

        Returns:
            The removed compositions, including those of an earlier revocation that no engine was asked to unload yet:
            engines may still hold them.

        Raises:
            DiskFull, WriteFailed: not all of it could be written or removed; ask again.
        """
        self.revocations.add(digest, adapter)
        found = [path.name for path in self._folders() if self._may_contain(path, digest)]
        untold = self.revocations.record_removed(digest, found)
        for name in found:
            with suppress(CompositionNotFound):  # another process was faster
                self.remove(name)
        log.warning("adapter.revoked", adapter=adapter, digest=digest, compositions=len(found))
        return untold

    def _may_contain(self, folder: Path, digest: str) -> bool:
        """Whether the adapter is in a composition; unknown for a damaged one."""
        try:
            record = read_json(folder, RECORD_FILE, CompositionRecord)
        except AdapterError:
            return True
        return any(part.digest == digest for part in record.parts)

    def _discard_if_revoked(self, parts: Sequence[Part], name: str) -> None:
        """Let go of a composition again whose adapter was revoked while it was made."""
        try:
            self.revocations.check(parts)
        except AdapterError:
            with suppress(CompositionNotFound):
                self.remove(name)
            raise

    def _folder(self, name: str) -> Path:
        path = self.root / name
        if not is_composition_name(name) or not path.is_dir():
            raise CompositionNotFound(name)
        return path

    def _folders(self) -> Iterator[Path]:
        if self.root.is_dir():
            yield from sorted(path for path in self.root.iterdir() if is_composition_name(path.name) and path.is_dir())

    def _load_verified(self, name: str) -> Composition | None:
        """The composition if it is there and whole; read through once a process, and again when its files change."""
        path = self.root / name
        if not path.is_dir():
            return None
        try:
            state = _files_state(path)
            known = self._verified.get(name)
            if known and known[0] == state:
                return known[1]
            record = read_json(path, RECORD_FILE, CompositionRecord)
            whole = record.name == name and AdapterPackage.open(path).digest == record.digest
        except (AdapterError, OSError) as error:
            log.warning("composition.damaged", name=name, reason=error)
            return None
        if not whole:
            log.warning("composition.damaged", name=name, reason="its digest differs")
            return None
        composition = Composition(name, path, record)
        self._verified[name] = state, composition
        return composition

    def _compose(
        self, name: str, parts: Sequence[Part], base: BaseModelSpec, max_rank: int | None, merge: Merge
    ) -> Composition:
        path = self.root / name
        with self._lock(name):
            if composition := self._load_verified(name):
                return composition
            making = self._staging_folder(name)
            try:
                with COMPOSITION_SECONDS.time():
                    report = compose(parts, base, making, max_rank=max_rank, merge=merge)
                record = CompositionRecord(
                    name=name,
                    base=base.name,
                    parts=tuple(
                        RecipePart(
                            digest=part.package.digest, weight=part.scaled_weight, layers=part.band, curve=part.curve
                        )
                        for part in canonical_order(parts, base)
                    ),
                    max_rank=max_rank,
                    merge=merge if merge.of_adapters(len(parts)).recipe else None,
                    digest=AdapterPackage.open(making).digest,
                    report=report,
                )
                write_json(making / RECORD_FILE, record)
                with translate_write_errors(path, report.size + _RECORD_BYTES):
                    if path.exists():
                        shutil.rmtree(path)
                    making.rename(path)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
            composition = Composition(name, path, record)
            self._verified[name] = _files_state(path), composition
            log.info("composition.created", name=name, rank=report.rank, size=report.size)
            if report.rank < report.rank_before:
                COMPOSITION_TRUNCATION.observe(report.truncation_error)
                cut = {"rank_before": report.rank_before, "rank": report.rank, "error": report.truncation_error}
                log.warning("composition.truncated", name=name, **cut)
            return composition

    def _staging_folder(self, name: str) -> Path:
        """A free place for a composition that is not to be seen; the lock must be held.

        The name is always the same, so what a killed process left there goes with the next one.
        """
        path = self.root / _STAGING / name
        with translate_write_errors(path, _RECORD_BYTES):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                shutil.rmtree(path)
        return path

    def _lock(self, name: str) -> AbstractContextManager[None]:
        """Hold the composition against other threads and processes."""
        return file_lock(self.root / _LOCKS / name, _LOCK_TIMEOUT_SECONDS)


def _files_state(folder: Path) -> list[tuple[int, int, int]]:
    """What changes when a composition's files are replaced or written to."""
    return [(s.st_ino, s.st_size, s.st_mtime_ns) for s in ((folder / name).stat() for name in COMPOSITION_FILES)]


def _describe_base(base: BaseModelSpec) -> list[object]:
    """What of a base decides how a composition for it looks."""
    modules = sorted((name, *shape) for name, shape in base.modules.items())
    partial = [sorted((name, sorted(layers)) for name, layers in base.partial.items())] if base.partial else []
    return [base.layers, base.prefix, modules, *partial]


def _effective_max_rank(parts: Sequence[Part], max_rank: int | None, merge: Merge) -> int | None:
    """The limit, if it may cut anything: servers of different limits share what fits them all."""
    limit = min((rank for rank in (max_rank, merge.rank) if rank is not None), default=None)
    most = sum(part.package.rank for part in parts)
    if merge.of_adapters(len(parts)).is_always_cut:
        return min(rank for rank in (max_rank, merge.rank or most) if rank is not None)
    return limit if limit is not None and most > limit else None


COMPOSITIONS: Final = Counter(
    "consilium_compositions", "Compositions asked for, by what came of it: made, found or failed.", ["result"]
)
"""Exposed as `consilium_compositions_total`; callers that wait for another's composing are not counted again."""
COMPOSITION_SECONDS: Final = Histogram(
    "consilium_composition_seconds",
    "Seconds to compose adapters into one package.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
COMPOSITION_TRUNCATION: Final = Histogram(
    "consilium_composition_truncation",
    "Relative error of compositions cut to the rank limit: lost norm over exact norm.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
