"""What a file is by its first bytes, where its name says something else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bot.library.parse.errors import EmptyFile, OldFormat, OtherContent, Protected

_SIGNATURES: Final = (
    (b"%PDF-", ".pdf"),
    (b"{\\rtf", ".rtf"),
    (b"PK\x03\x04", ".zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".doc"),
    (b"\x89PNG", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF8", ".gif"),
    (b"OggS", ".ogg"),
    (b"ID3", ".mp3"),
    (b"\x1f\x8b\x08", ".gz"),
    (b"Rar!", ".rar"),
    (b"7z\xbc\xaf\x27", ".7z"),
)
_MAX_SIGNATURE: Final = 16
_ARCHIVES: Final = frozenset({".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".odt", ".ods", ".odp", ".epub", ".zip"})
"""Formats that are zip archives."""
_OLD_PARTS: Final = (
    (b"WordDocument", ".doc", ".docx"),
    (b"Workbook", ".xls", ".xlsx"),
    (b"PowerPoint", ".ppt", ".pptx"),
)
"""Parts by which an old office file is known, its suffix, and what it should be saved as."""
_DIRECTORY_SIZE: Final = 1 << 22
"""Bytes in which the names of such parts are looked for."""


def refuse_other_content(path: Path) -> None:
    """Refuse a file that is empty, or whose first bytes are those of another format than its name says.

    Raises:
        EmptyFile, OtherContent, OldFormat, Protected
    """
    with path.open("rb") as stream:
        beginning = stream.read(_MAX_SIGNATURE)
    if not beginning:
        raise EmptyFile
    suffix = path.suffix.lower()
    found = next((name for signature, name in _SIGNATURES if beginning.startswith(signature)), None)
    if found is None and suffix in _ARCHIVES and not beginning.startswith(b"PK"):
        raise OtherContent(suffix, _guess(beginning))
    if found is None or found == suffix or (found == ".zip" and suffix in _ARCHIVES):
        return
    if found == ".doc" and suffix in _ARCHIVES:
        raise _old_office_file(path)
    raise OtherContent(suffix, found)


def _guess(beginning: bytes) -> str:
    """The suffix of a file that begins so, and not as any known binary file."""
    start = beginning.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    return {b"<": ".html", b"{": ".json", b"[": ".json"}.get(start, ".txt")


def _old_office_file(path: Path) -> OldFormat | Protected:
    """What an old office container holds: an old document, or a new one under a password."""
    with path.open("rb") as stream:
        content = stream.read(_DIRECTORY_SIZE)
    for part, suffix, better in _OLD_PARTS:
        if part.decode("ascii").encode("utf-16-le") in content:
            return OldFormat(suffix, better)
    return Protected()
