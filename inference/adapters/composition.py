"""One composition on disk: the package, and beside it `composition.json`, which says what it was made from."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import pydantic

from inference.adapters.compose import CompositionReport
from inference.adapters.config import CONFIG_FILE
from inference.adapters.merging.settings import Merge
from inference.adapters.package import WEIGHTS_FILE
from inference.adapters.usage import AdapterRef, last_used, touch

RECORD_FILE: Final = "composition.json"
COMPOSITION_FILES: Final = (CONFIG_FILE, WEIGHTS_FILE, RECORD_FILE)
RECORD_FORMAT: Final[Literal[1]] = 1

_MARK_INTERVAL_SECONDS: Final = 60.0
_NAME_PATTERN = re.compile(r"c-[0-9a-f]{32}")


class RecipePart(pydantic.BaseModel):
    """One adapter of a composition, by what identifies it."""

    model_config = pydantic.ConfigDict(frozen=True)

    digest: str
    weight: float
    """What its delta is multiplied by; the mind's strength is in it."""
    layers: tuple[int, int] | None
    """First and last layer, both included; None for all."""
    curve: tuple[float, ...] | None = None
    """What the weight is multiplied by in each layer, from the first; None for 1 in all."""


class CompositionRecord(pydantic.BaseModel):
    """`composition.json`: what the package beside it was made from."""

    model_config = pydantic.ConfigDict(frozen=True)

    format: Literal[1] = RECORD_FORMAT
    name: str
    base: str
    """Name of the base model."""
    parts: tuple[RecipePart, ...]
    max_rank: int | None
    """The limit it was made under; None when there was none that its adapters could go over."""
    merge: Merge | None = None
    """How its adapters were merged; None for the exact sum."""
    digest: str
    """`AdapterPackage.digest` of the composition itself."""
    report: CompositionReport


@dataclass(frozen=True, slots=True)
class Composition:
    """A composition in the store: read-only, and the same for ever."""

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
        return disk_size(self.path)

    @property
    def created_at(self) -> datetime:
        """When it was composed.

        Raises:
            FileNotFoundError: it has been removed in the meantime.
        """
        return datetime.fromtimestamp(_created(self.path), UTC)

    def mark_used(self) -> None:
        """Mark it as used now, unless it was marked just before: an engine that holds it marks it more often."""
        if time.time() - last_used(self.path) > _MARK_INTERVAL_SECONDS:
            touch(self.path)

    @property
    def last_used_at(self) -> datetime:
        """When it was last answered with, or else made.

        Raises:
            FileNotFoundError: it has been removed in the meantime.
        """
        return last_used_at(self.path)


def is_composition_name(text: str) -> bool:
    """Whether `text` may be a composition's name."""
    return _NAME_PATTERN.fullmatch(text) is not None


def last_used_at(folder: Path) -> datetime:
    """When the composition in this folder was last used, or else made.

    Raises:
        FileNotFoundError: it is not there.
    """
    return datetime.fromtimestamp(last_used(folder) or _created(folder), UTC)


def disk_size(folder: Path) -> int:
    """Bytes of a composition's files; 0 when it has been removed."""
    size = 0
    for name in COMPOSITION_FILES:
        with suppress(OSError):
            size += (folder / name).stat().st_size
    return size


def _created(folder: Path) -> float:
    return (folder / RECORD_FILE).stat().st_mtime
