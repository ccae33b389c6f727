"""Splits long texts into messages: at paragraphs, losing nothing, with what is cut through closed and opened again."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from bot.channels.discord.inline_marks import OpenMark, marks_open_at
from bot.text.graphemes import cluster_boundary

MIN_LIMIT: Final = 128
"""A lower limit would leave no room for code fences and text."""
_FENCE: Final = re.compile(
    r"(?P<quote>[ \t]*(?:>[ \t]?)*[ \t]*)(?P<item>(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<ticks>`{3,})(?P<info>[^`\n]*)"
)
_LINE_PREFIX: Final = re.compile(r"[ \t]*(?:>[ \t]?)*(?:(?:#{1,3}|-#)[ \t]+)?")
_BREAKS_BY_PREFERENCE: Final = ("\n\n", "\n", ". ", "! ", "? ", " ")
"""Where to split, best first."""
_MAX_INFO: Final = 24
"""Characters behind a fence that are repeated when it is opened again."""
_MAX_QUOTE: Final = 24
"""Characters before a fence, such as its indentation, that are repeated."""
_MAX_HEAD_SHARE: Final = 3
"""The head of a table is repeated if it takes at most one part in so many of a message."""


@dataclass(frozen=True, slots=True)
class CodeFence:
    """A code block that is open."""

    ticks: str
    opening: str
    """The line that opens it again."""
    closing: str
    """The line that closes it."""
    line: int
    """Where the line that opens it begins."""
    start: int
    """Where its content begins."""


def split_message(
    text: str,
    limit: int,
    size: Callable[[str], int] = len,
    *,
    is_markup: bool = False,
    table_heads: Collection[str] = (),
) -> list[str]:
    """`text` in pieces of at most `limit`, each complete in itself; no pieces for a text that shows nothing.

    When text is appended, all pieces but the last stay as they are.

    Args:
        limit: at least `MIN_LIMIT`.
        size: how the platform counts a text; two texts joined count at most as much as both.
        is_markup: whether marks in the text are formatting, as `to_discord` makes it: links are not cut through then,
            and bold, spoilers and the like are closed and opened again where they are.
        table_heads: code blocks that begin with one of these are tables, and begin with it again in the next piece.
    """
    if limit < MIN_LIMIT:
        raise ValueError(f"a limit of {limit} leaves no room")
    splitter = _Splitter(limit, size, is_markup, tuple(table_heads))
    pieces = []
    rest = text.strip("\n")
    while rest.strip():
        if size(rest) <= limit:
            pieces.append(close_fence(rest))
            break
        piece, rest = splitter.split_once(rest)
        if piece.strip():
            pieces.append(piece)
    if pieces and size(pieces[-1]) > limit:
        # Closing its code block has made the last piece too long.
        piece, rest = splitter.split_once(pieces.pop())
        pieces += [piece, rest]
    return pieces


def find_open_fence(text: str) -> CodeFence | None:
    """The code block that is open at the end of `text`, if any."""
    fence: CodeFence | None = None
    position = 0
    for line in text.split("\n"):
        begins, position = position, position + len(line) + 1
        match = _FENCE.fullmatch(line.rstrip())
        if match is None:
            continue
        if fence is None:
            # In an item of a list, the text behind its mark is indented as far.
            quote = (match["quote"] + " " * len(match["item"] or ""))[:_MAX_QUOTE]
            info = match["info"].strip()
            info = info if len(info) <= _MAX_INFO else info.split()[0][:_MAX_INFO]
            closing = f"{quote}{match['ticks']}"
            fence = CodeFence(match["ticks"], f"{closing}{info}", closing, begins, position)
        elif not match["info"] and len(match["ticks"]) >= len(fence.ticks):
            fence = None
    return fence


def utf16_length(text: str) -> int:
    """The number of UTF-16 code units in a text."""
    return len(text) + sum(character > "\uffff" for character in text)


def close_fence(text: str) -> str:
    """`text`, with a code block that is open at its end closed."""
    fence = find_open_fence(text)
    return text if fence is None else f"{text}\n{fence.closing}"


@dataclass(frozen=True, slots=True)
class _Splitter:
    """Splits off one piece after another."""

    limit: int
    size: Callable[[str], int]
    is_markup: bool
    table_heads: tuple[str, ...]

    def split_once(self, text: str) -> tuple[str, str]:
        """The first piece of a text that is too long, and the rest."""
        room = 0
        while True:
            window = _longest_fitting_prefix(text, self.limit - room, self.size)
            piece, rest = self._split_at(text, window)
            excess = self.size(piece) - self.limit
            if excess <= 0 or room >= self.limit // 2:
                return piece, rest
            room += excess

    def _split_at(self, text: str, window: str) -> tuple[str, str]:
        end, skipped = _find_break(window, text)
        fence = find_open_fence(text[:end])
        if fence is not None and fence.start >= end and text[: fence.line].strip():
            # Nothing of the code would be left before the cut.
            end, skipped, fence = fence.line, 0, None
        if fence is not None:
            head = self._table_head(text[fence.start : end])
            opening = f"{fence.opening}\n{head}\n" if head else f"{fence.opening}\n"
            return f"{text[:end]}\n{fence.closing}", f"{opening}{text[end + skipped :]}"
        if self.is_markup:
            marks = [] if _begins_block(text, end) else marks_open_at(text, end)
            earlier = _end_before(marks, text, end)
            if earlier is not None:
                end, skipped, marks = earlier, 0, marks_open_at(text, earlier)
            if end + skipped < len(text) and text[end - 1] != "\n" and text[end : end + 1] != "\n":
                prefix = _LINE_PREFIX.match(text, text.rfind("\n", 0, end) + 1)
                lead = prefix[0] if prefix is not None and prefix.end() < end else ""
            else:
                lead = ""
            closers = "".join(mark.mark for mark in reversed(marks) if not mark.is_whole)
            openers = "".join(mark.mark for mark in marks if not mark.is_whole)
            if closers or lead.strip():
                piece = _join_marks(text[:end].rstrip(), closers)
                return piece, lead + _join_marks(openers, text[end + skipped :].lstrip())
        return text[:end].rstrip(), text[end + skipped :].lstrip("\n")

    def _table_head(self, code: str) -> str:
        """The head that a table's code block begins with; empty if it is no table, or the head would take too much."""
        heads = (head for head in self.table_heads if code.startswith(f"{head}\n"))
        head = next(heads, "")
        return head if self.size(head) * _MAX_HEAD_SHARE <= self.limit else ""


def _begins_block(text: str, end: int) -> bool:
    """Whether a cut stands before an empty line or a block of code, over which no mark goes on."""
    lines = text[end:].split("\n", 2)
    starts_line = end == 0 or text[end - 1] == "\n"
    following = lines[0] if starts_line and lines[0] else lines[1] if len(lines) > 1 and not lines[0].strip() else None
    return following is not None and (not following.strip() or _FENCE.fullmatch(following.rstrip()) is not None)


def _join_marks(first: str, second: str) -> str:
    """Two texts, one of them marks; backticks that meet would be another mark."""
    meets = first.endswith("`") and second.startswith("`")
    return f"{first} {second}" if meets else first + second


def _end_before(marks: list[OpenMark], text: str, end: int) -> int | None:
    """A better end than one that cuts through these marks: before what cannot be cut, or what has only just begun."""
    whole = next((mark.start for mark in marks if mark.is_whole), None)
    outermost = marks[0].start if marks else None
    if outermost is not None and outermost >= end // 2:
        earlier = outermost
    elif whole is not None:
        earlier = whole
    else:
        return None
    # What begins the text has to be cut nevertheless.
    return earlier if text[:earlier].strip() else None


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
    if len(window) == len(text) or text[len(window)] == "\n":
        return len(window), 1
    earliest = len(window) // 3
    for separator in _BREAKS_BY_PREFERENCE:
        at = window.rfind(separator, earliest)
        if at >= 0:
            return at + len(separator.rstrip()), 1
    return cluster_boundary(text, len(window)), 0
