"""The store of compositions: each made once, however many ask for it at once, and found again by its content.

A composition's name is a hash of its recipe, so equal names mean equal weights. It is made in a folder aside
and gets its name by one rename. Nothing is forced to the disk on the way: a power cut can therefore leave a
package whose files are not whole, and so each process compares a composition's weights with the digest recorded
in `composition.json` before it hands the composition out for the first time, and makes it again when they differ.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pydantic
import structlog
from blake3 import blake3

from inference.adapters.compose import CompositionReport, compose
from inference.adapters.config import CONFIG_FILE
from inference.adapters.errors import AdapterError, CompositionUnknown
from inference.adapters.files import holding, read_document, write_document, writing
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage
from inference.adapters.parts import Part, in_order
from inference.base_model import BaseModel
from inference.engine.port import AdapterRef

RECORD_FILE = "composition.json"

_FORMAT: Literal[1] = 1
_FILES = (CONFIG_FILE, WEIGHTS_FILE, RECORD_FILE)
_NAME = re.compile(r"c-[0-9a-f]{32}")
_LOCKS, _MAKING = ".locks", ".making"
_PATIENCE_SECONDS = 300.0
_SMALL = 64 << 10
"""Room that a record, a lock or a folder takes at most."""

log = structlog.get_logger(__name__)


class RecipePart(pydantic.BaseModel):
    """One adapter of a composition, by what identifies it."""

    model_config = pydantic.ConfigDict(frozen=True)

    digest: str
    weight: float
    layers: tuple[int, int] | None
    """First and last layer, both included; None for all."""


class CompositionRecord(pydantic.BaseModel):
    """`composition.json`: what the package beside it was made from."""

    model_config = pydantic.ConfigDict(frozen=True)

    format: Literal[1] = _FORMAT
    name: str
    base: str
    """Name of the base model."""
    parts: tuple[RecipePart, ...]
    max_rank: int | None
    digest: str
    """`AdapterPackage.digest` of the composition itself."""
    report: CompositionReport


@dataclass(frozen=True, slots=True)
class Composition:
    """A composition on disk."""

    name: str
    path: Path
    record: CompositionRecord

    @property
    def report(self) -> CompositionReport:
        """What was written, and what it cost in exactness."""
        return self.record.report

    @property
    def ref(self) -> AdapterRef:
        """What an engine takes."""
        return AdapterRef(self.name, self.path)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return _size_of(self.path)


class CompositionStore:
    """Compositions under one folder, which threads and processes may share.

    Everything here blocks; call it from a thread.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._guard = threading.Lock()
        self._flights: dict[str, Future[Composition]] = {}
        self._known: dict[str, tuple[object, Composition]] = {}

    def name_of(self, parts: Sequence[Part], base: BaseModel, max_rank: int | None = None) -> str:
        """The name of a composition: the same for the same recipe, in whatever order it is given.

        Raises:
            BandOutOfRange, WeightsNotFinite, PackageUnreadable, PackageChanged: a part is unfit.
        """
        recipe = {
            "format": _FORMAT,
            "base": [base.layers, base.prefix, sorted((name, *shape) for name, shape in base.modules.items())],
            "parts": [(part.package.digest, part.hundredths, part.band) for part in in_order(parts, base)],
            "max_rank": max_rank,
        }
        return f"c-{blake3(json.dumps(recipe).encode()).hexdigest(16)}"

    def ensure(self, parts: Sequence[Part], base: BaseModel, *, max_rank: int | None = None) -> Composition:
        """The composition of `parts`: found, or made. Whoever asks while it is being made waits and gets it too.

        Raises:
            AdapterError: as `compose`; every one who waits gets the error.
        """
        name = self.name_of(parts, base, max_rank)
        with self._guard:
            flight = self._flights.get(name)
            leads = flight is None
            if flight is None:
                flight = self._flights[name] = Future()
        if not leads:
            return flight.result()
        try:
            composition = self._find(name) or self._make(name, parts, base, max_rank)
        except BaseException as error:
            flight.set_exception(error)
            raise
        else:
            flight.set_result(composition)
            return composition
        finally:
            with self._guard:
                del self._flights[name]

    def list(self) -> list[Composition]:
        """The compositions there are, by name; damaged ones are left out."""
        found = []
        for path in self._folders():
            try:
                found.append(Composition(path.name, path, read_document(path, RECORD_FILE, CompositionRecord)))
            except AdapterError as error:
                log.warning("composition.left_out", name=path.name, reason=str(error))
        return found

    @property
    def size(self) -> int:
        """Bytes of all compositions."""
        return sum(_size_of(path) for path in self._folders())

    def remove(self, name: str) -> int:
        """Remove a composition and return how many bytes that frees; asked for again, it is made again.

        Raises:
            CompositionUnknown: there is none of that name.
            CannotWrite: it cannot be removed.
        """
        path = self.root / name
        if not _NAME.fullmatch(name) or not path.is_dir():
            raise CompositionUnknown(name)
        with self._lock(name), writing(path, _SMALL):
            self._known.pop(name, None)
            size = _size_of(path)
            aside = self._aside(name)
            path.rename(aside)
            shutil.rmtree(aside)
        return size

    def _folders(self) -> Iterator[Path]:
        if self.root.is_dir():
            yield from sorted(path for path in self.root.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())

    def _find(self, name: str) -> Composition | None:
        """The composition if it is there and whole; read through once a process, and again when its files change."""
        path = self.root / name
        if not path.is_dir():
            return None
        try:
            state = _state_of(path)
            known = self._known.get(name)
            if known and known[0] == state:
                return known[1]
            record = read_document(path, RECORD_FILE, CompositionRecord)
            whole = record.name == name and AdapterPackage.open(path).digest == record.digest
        except (AdapterError, OSError) as error:
            log.warning("composition.damaged", name=name, reason=str(error))
            return None
        if not whole:
            log.warning("composition.damaged", name=name, reason="its digest differs")
            return None
        composition = Composition(name, path, record)
        self._known[name] = state, composition
        return composition

    def _make(self, name: str, parts: Sequence[Part], base: BaseModel, max_rank: int | None) -> Composition:
        path = self.root / name
        with self._lock(name):
            if composition := self._find(name):
                return composition
            making = self._aside(name)
            try:
                report = compose(parts, base, making, max_rank=max_rank)
                record = CompositionRecord(
                    name=name,
                    base=base.name,
                    parts=tuple(
                        RecipePart(digest=part.package.digest, weight=part.weight, layers=part.band)
                        for part in in_order(parts, base)
                    ),
                    max_rank=max_rank,
                    digest=AdapterPackage.open(making).digest,
                    report=report,
                )
                write_document(making / RECORD_FILE, record)
                with writing(path, report.size + _SMALL):
                    if path.exists():
                        shutil.rmtree(path)
                    making.rename(path)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
            composition = Composition(name, path, record)
            self._known[name] = _state_of(path), composition
            log.info("composition.made", name=name, rank=report.rank, size=report.size)
            return composition

    def _aside(self, name: str) -> Path:
        """A free place for a composition that is not to be seen; the lock must be held.

        The name is always the same, so what a killed process left there goes with the next one.
        """
        path = self.root / _MAKING / name
        with writing(path, _SMALL):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                shutil.rmtree(path)
        return path

    def _lock(self, name: str) -> AbstractContextManager[None]:
        """Hold the composition against other threads and processes."""
        return holding(self.root / _LOCKS / name, _PATIENCE_SECONDS)


def _state_of(folder: Path) -> list[tuple[int, int, int]]:
    """What changes when a composition's files are replaced or written to."""
    return [(s.st_ino, s.st_size, s.st_mtime_ns) for s in ((folder / name).stat() for name in _FILES)]


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
