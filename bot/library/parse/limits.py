"""Limits on the size of documents and on reading them, and a check of office archives before they are unpacked."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.library.parse.errors import Bomb, DamagedArchive, Protected, TooLarge

MB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """A document over any limit is left out completely: half a document would be cited as if it were all of it."""

    megabytes: int = 64
    """Of the file."""
    streamed_megabytes: int = 512
    """Of a file that may be a chat: one is read message by message, whatever its size."""
    pages: int = 3000
    rows: int = 200_000
    characters: int = 60_000_000
    """Of its text."""
    ratio: int = 200
    """How many times larger than the file its parts may be once unpacked."""
    unpacked_megabytes: int = 512
    entries: int = 10_000
    """Parts of an archive."""
    cpu_seconds: int = 60
    wall_seconds: int = 180
    memory_megabytes: int = 1024
    """Address space of the process that reads it."""


DEFAULT_LIMITS: Final = ParseLimits()


def check_archive(path: Path, limits: ParseLimits) -> None:
    """Refuse an archive that would unpack to too much, before any of it is unpacked.

    An archive that states false sizes is caught later: reading stops at the stated size, and its process is limited.

    Raises:
        Bomb, TooLarge, Protected, DamagedArchive
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise DamagedArchive from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise Protected
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > limits.entries or unpacked > limits.ratio * max(path.stat().st_size, MB // 8):
        raise Bomb(limits.ratio)
    if unpacked > limits.unpacked_megabytes * MB:
        raise TooLarge(limits.unpacked_megabytes)
