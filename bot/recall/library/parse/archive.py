"""What an office document's archive says of itself, believed only so far."""

from __future__ import annotations

import zipfile
from pathlib import Path

from bot.recall.library.parse.limits import MB, ParseLimits
from bot.recall.library.parse.refusals import Bomb, Protected, TooLarge, Unreadable

_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Old binary office files, and new ones under a password."""


def check_archive(path: Path, limits: ParseLimits) -> None:
    """Refuse an archive that would unpack to too much, before any of it is unpacked.

    Sizes that an archive lies about are caught later: the reader stops at the size stated, and its process is bounded.

    Raises:
        Bomb, TooLarge, Protected, Unreadable
    """
    with path.open("rb") as stream:
        if stream.read(len(_OLE_SIGNATURE)) == _OLE_SIGNATURE:
            raise Protected
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Unreadable(str(error)) from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise Protected
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > limits.entries or unpacked > limits.ratio * max(path.stat().st_size, MB // 8):
        raise Bomb(limits.ratio)
    if unpacked > limits.unpacked_megabytes * MB:
        raise TooLarge(limits.unpacked_megabytes)
