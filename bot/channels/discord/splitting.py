"""Splits long texts into messages: at paragraphs, losing nothing, with code blocks closed and reopened."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MIN_LIMIT: Final = 128
"""A lower limit would leave no room for code fences and text."""
_FENCE: Final = re.compile(r" {0,3}(?P<ticks>`{3,8})(?P<info>[^`\n]{0,24})", re.ASCII)
_BREAKS_BY_PREFERENCE: Final = ("\n\n", "\n", ". ", "! ", "? ", " ")
"""Where to split, best first."""
_FENCE_ROOM: Final = 9
"""Characters that closing a code block may need: a line end and a fence of eight."""


@dataclass(frozen=True, slots=True)
class CodeFence:
    """A code block that is open."""

    ticks: str
    opening: str
    """The line that opens it."""


def split_message(text: str, limit: int, size: Callable[[str], int] = len) -> list[str]:
    """`text` in pieces of at most `limit`, each complete in itself; no pieces for a text that shows nothing.

    When text is appended, all pieces but the last stay as they are.

    Args:
        limit: at least `MIN_LIMIT`.
        size: how the platform counts a text; two texts joined count at most as much as both.
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
        # Closing its code block has made the last piece too long.
        piece, rest = _split_once(pieces.pop(), limit, size)
        pieces += [piece, rest]
    return pieces


def find_open_fence(text: str) -> CodeFence | None:
    """The code block that is open at the end of `text`, if any."""
    fence: CodeFence | None = None
    for line in text.split("\n"):
        match = _FENCE.fullmatch(line.rstrip())
        if match is None:
            continue
        if fence is None:
            fence = CodeFence(match["ticks"], line.rstrip())
        elif not match["info"] and len(match["ticks"]) >= len(fence.ticks):
            fence = None
    return fence


def utf16_length(text: str) -> int:
    """The number of UTF-16 code units in a text."""
    return len(text) + sum(character > "\uffff" for character in text)


def close_fence(text: str) -> str:
    """`text`, with a code block that is open at its end closed."""
    fence = find_open_fence(text)
    return text if fence is None else f"{text}\n{fence.ticks}"


def _split_once(text: str, limit: int, size: Callable[[str], int]) -> tuple[str, str]:
    """The first piece of a text that is too long, and the rest."""
    window = _longest_fitting_prefix(text, limit - _FENCE_ROOM, size)
    end, skipped = _find_break(window, text)
    piece, rest = window[:end], text[end + skipped :]
    fence = find_open_fence(piece)
    if fence is None:
        return piece.rstrip(), rest.lstrip("\n")
    return f"{piece}\n{fence.ticks}", f"{fence.opening}\n{rest}"


def _longest_fitting_prefix(text: str, limit: int, size: Callable[[str], int]) -> str:
    """The longest prefix of a text that counts at most `limit`."""
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def _find_break(window: str, text: str) -> tuple[int, int]:
    """Where to split, and how many characters after that to drop: the white space that the split replaces."""
    if text[len(window)] == "\n":
        return len(window), 1
    earliest = len(window) // 3
    for separator in _BREAKS_BY_PREFERENCE:
        at = window.rfind(separator, earliest)
        if at >= 0:
            return at + len(separator.rstrip()), 1
    return len(window), 0
