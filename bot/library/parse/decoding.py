"""Decodes text files of any common encoding."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final, TextIO

from bot.library.parse.errors import NotText

_READ_SIZE: Final = 1 << 20
_SAMPLE_SIZE: Final = 1 << 16
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CODEPAGES: Final = ["cp1251", "koi8_r", "cp866", "mac_cyrillic", "cp1252"]
_CONTROL_CHARACTER: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_MAX_CONTROL_SHARE: Final = 0.02
"""Share of control characters above which a file is not text."""


def open_text(path: Path) -> TextIO:
    """The file as a stream of text, decoded while it is read; line ends stay as they are.

    Raises:
        NotText: it is not text in any known encoding.
    """
    return path.open(encoding=detect_encoding(path), errors="replace", newline="")


def read_text(path: Path) -> str:
    """The whole file as text, with lines that end in ``\\n``."""
    with open_text(path) as stream:
        return stream.read().replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")


def detect_encoding(path: Path) -> str:
    """The encoding of a text file: by its byte order mark, else UTF-8 if all of it decodes, else a guess by letters.

    Raises:
        NotText: it is a binary file.
    """
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE_SIZE)
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    if utf16 := _utf16_without_bom(sample):
        return utf16
    if not _is_utf8(path):
        return _guess_encoding(sample)
    _reject_control_characters(sample.decode("utf-8", "replace"))
    return "utf-8"


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while block := stream.read(_READ_SIZE):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _utf16_without_bom(sample: bytes) -> str | None:
    """UTF-16 without its byte order mark: nearly every high byte is zero or that of Cyrillic."""
    pairs = len(sample) // 2
    if pairs < 8:
        return None
    for encoding, high_bytes in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if sum(high_bytes.count(byte) for byte in (b"\x00", b"\x04")) > 0.9 * pairs and 0 in high_bytes:
            return encoding
    return None


def _guess_encoding(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    guess = from_bytes(sample, cp_isolation=_CODEPAGES, threshold=0.4).best()
    if guess is None:
        raise NotText
    _reject_control_characters(str(guess))
    return guess.encoding


def _reject_control_characters(text: str) -> None:
    if len(_CONTROL_CHARACTER.findall(text)) > _MAX_CONTROL_SHARE * len(text) + 1:
        raise NotText
