"""Long texts in messages of a platform's length: cut at paragraphs, nothing lost, code closed and opened again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MIN_LIMIT: Final = 128
"""Below it there would be no room for fences and text."""
_FENCE: Final = re.compile(r" {0,3}(?P<ticks>`{3,8})(?P<info>[^`\n]{0,24})", re.ASCII)
_BREAKS_BY_PREFERENCE: Final = ("\n\n", "\n", ". ", "! ", "? ", " ")
"""Where to cut, the best first."""


@dataclass(frozen=True, slots=True)
class CodeFence:
    """A block of code that is open."""

    ticks: str
    opening: str
    """The line that opened it."""


def split_message(text: str, limit: int, size: Callable[[str], int] = len) -> list[str]:
    """`text` in pieces of at most `limit`, each of which stands alone; none for a text with nothing to see.

    All pieces but the last stay as they are when the text goes on.

    Args:
        limit: at least `SHORTEST_LIMIT`.
        size: what a text counts for the platform; of two texts joined, at most both.
    """
    if limit < MIN_LIMIT:
        raise ValueError(f"a limit of {limit} leaves no room")
    pieces = []
    rest = text.strip("\n")
    while rest.strip():
        if size(rest) <= limit:
            pieces.append(close_fence(rest))
            break
        piece, rest = _split_once(rest, limit, size)
        if piece.strip():
            pieces.append(piece)
    if pieces and size(pieces[-1]) > limit:
        # Closing its code has made the last one too long.
        piece, rest = _split_once(pieces.pop(), limit, size)
        pieces += [piece, rest]
    return pieces


def find_open_fence(text: str) -> CodeFence | None:
    """The block of code that is open at the end of `text`, if any."""
    fence: CodeFence | None = None
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line.rstrip())
        if found is None:
            continue
        if fence is None:
            fence = CodeFence(found["ticks"], line.rstrip())
        elif not found["info"] and len(found["ticks"]) >= len(fence.ticks):
            fence = None
    return fence


def utf16_length(text: str) -> int:
    """UTF-16 code units of a text."""
    return len(text) + sum(character > "\uffff" for character in text)


def close_fence(text: str) -> str:
    """`text` with the block of code closed that is open at its end, if any."""
    fence = find_open_fence(text)
    return text if fence is None else f"{text}\n{fence.ticks}"


def _split_once(text: str, limit: int, size: Callable[[str], int]) -> tuple[str, str]:
    """The first piece of a text that is too long, and what is left."""
    window = _longest_fitting_prefix(text, limit - 9, size)  # a fence of eight and its line end may have to close it
    end, skipped = _find_break(window, text)
    piece, rest = window[:end], text[end + skipped :]
    fence = find_open_fence(piece)
    if fence is None:
        return piece.rstrip(), rest.lstrip("\n")
    return f"{piece}\n{fence.ticks}", f"{fence.opening}\n{rest}"


def _longest_fitting_prefix(text: str, limit: int, size: Callable[[str], int]) -> str:
    """The longest head of a text that counts at most `limit`."""
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def _find_break(window: str, text: str) -> tuple[int, int]:
    """Where to cut, and how many characters after it are dropped: the white space that the cut stands for."""
    if text[len(window)] == "\n":
        return len(window), 1
    earliest = len(window) // 3
    for wanted in _BREAKS_BY_PREFERENCE:
        at = window.rfind(wanted, earliest)
        if at >= 0:
            kept = at + len(wanted.rstrip())
            return kept, 1
    return len(window), 0
