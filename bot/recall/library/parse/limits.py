"""How much of a file is read before it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """A document over any of them is left out whole: half a document would be cited as if it were all."""

    megabytes: int = 64
    """Of the file."""
    pages: int = 3000
    rows: int = 200_000
    characters: int = 60_000_000
    """Of text that comes out of it."""
    ratio: int = 200
    """How many times larger than the file its parts may be when unpacked."""
    unpacked_megabytes: int = 512
    entries: int = 10_000
    """Parts of an archive."""
    cpu_seconds: int = 60
    wall_seconds: int = 180
    memory_megabytes: int = 1024
    """Address space of the process that reads."""


DEFAULT_LIMITS: Final = ParseLimits()
