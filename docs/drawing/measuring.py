"""How wide a text is about, and where its lines end: pictures in SVG do not wrap."""

from __future__ import annotations

import unicodedata

SIZE = 14.0
"""Of letters, unless said otherwise."""


def width_of(text: str, size: float = SIZE, *, mono: bool = False) -> float:
    """About how wide a text is, in a font that is rather wide."""
    return sum(0.61 if mono else _em(char) for char in text) * size


def _em(char: str) -> float:
    if unicodedata.category(char) in ("Mn", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF" or 0x2300 <= ord(char) <= 0x2BFF:
        return 1.3
    if char in "ilj.,:;'|!()[]I ":
        return 0.36
    if char in "tfr":
        return 0.43
    if char in "scxyzkv":
        return 0.58
    if char in "mwMWжшщюыфмЖШЩЮЫФМ@—":
        return 0.9
    return 0.7 if char.isupper() else 0.61


def wrapped(text: str, room: float, size: float = SIZE) -> list[str]:
    """Lines that fit; a word too long for a line is broken."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if width_of(longer, size) <= room:
                line = longer
                continue
            if line:
                lines.append(line)
            line = ""
            for char in word:
                if width_of(line + char, size) > room:
                    lines.append(line)
                    line = ""
                line += char
        lines.append(line)
    return lines
