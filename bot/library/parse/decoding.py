"""Decodes text files of any common encoding."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final, TextIO

from bot.library.parse.code_pages import guess_code_page
from bot.library.parse.errors import NotText

_READ_SIZE: Final = 1 << 20
_SAMPLE_SIZE: Final = 1 << 16
_BOMS: Final = (
    # The mark of UTF-16 is the beginning of that of UTF-32.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL_CHARACTER: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_MAX_CONTROL_SHARE: Final = 0.02
"""Share of control characters above which a file is not text."""
_MIN_WIDE_CHARACTERS: Final = 8
"""Characters of UTF-16 or UTF-32 without a byte order mark by which it is known."""


def open_text(path: Path, declared: str | None = None) -> TextIO:
    """The file as a stream of text, decoded while it is read; line ends stay as they are.

    Args:
        declared: the encoding that the file itself states; it is used where nothing surer is known.

    Raises:
        NotText: it is not text in any known encoding.
    """
    return path.open(encoding=detect_encoding(path, declared), errors="replace", newline="")


def read_text(path: Path, declared: str | None = None) -> str:
    """The whole file as text, with lines that end in ``\\n``."""
    with open_text(path, declared) as stream:
        return stream.read().replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")


def decode_bytes(content: bytes, declared: str | None = None) -> str:
    """A text in memory, with lines that end in ``\\n``.

    Args:
        declared: the encoding stated for it.
    """
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    for candidate in (encoding, "utf-8", declared):
        try:
            if candidate is not None:
                return content.decode(candidate).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
        except (LookupError, UnicodeError):
            continue
    return content.decode(guess_code_page(content[:_SAMPLE_SIZE]), "replace").replace("\r\n", "\n")


def detect_encoding(path: Path, declared: str | None = None) -> str:
    """The encoding of a text file: by its byte order mark, else UTF-8 if all of it decodes, else what it declares, else
    a guess by letters.

    Raises:
        NotText: it is a binary file.
    """
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE_SIZE)
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    if wide := _wide_without_bom(sample):
        return wide
    if _is_utf8(path):
        encoding = "utf-8"
    elif declared is not None and _decodes(path, declared):
        encoding = declared
    else:
        encoding = guess_code_page(_sample_beyond_ascii(path))
    _reject_control_characters(sample.decode(encoding, "replace"))
    return encoding


def _is_utf8(path: Path) -> bool:
    return _decodes(path, "utf-8")


def _decodes(path: Path, encoding: str) -> bool:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        with path.open("rb") as stream:
            while block := stream.read(_READ_SIZE):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except (LookupError, UnicodeError):
        return False
    return True


def _sample_beyond_ascii(path: Path) -> bytes:
    with path.open("rb") as stream:
        while block := stream.read(_SAMPLE_SIZE):
            if not block.isascii():
                return block
    return b""


def _wide_without_bom(sample: bytes) -> str | None:
    """UTF-32 or UTF-16 without its byte order mark: nearly every high byte is zero or that of Cyrillic."""
    quads, pairs = len(sample) // 4, len(sample) // 2
    if quads >= _MIN_WIDE_CHARACTERS:
        for encoding, high, low in (
            ("utf-32-le", (sample[3::4], sample[2::4]), sample[::4]),
            ("utf-32-be", (sample[::4], sample[1::4]), sample[3::4]),
        ):
            if all(half.count(0) > 0.95 * quads for half in high) and low.count(0) < 0.1 * quads:
                return encoding
    if pairs < _MIN_WIDE_CHARACTERS:
        return None
    for encoding, high_bytes in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if sum(high_bytes.count(byte) for byte in (b"\x00", b"\x04")) > 0.9 * pairs and 0 in high_bytes:
            return encoding
    return None


def _reject_control_characters(text: str) -> None:
    if len(_CONTROL_CHARACTER.findall(text)) > _MAX_CONTROL_SHARE * len(text) + 1:
        raise NotText
