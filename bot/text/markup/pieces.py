"""Cuts long Markdown into pieces that can be parsed by themselves, without changing what is formatted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_PIECE_CHARACTERS: Final = 20_000
"""Parsing takes longer than in proportion to the length, so nothing longer is parsed in one piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text."""

    markdown: str
    separator: str
    """What stands between this part and the one before it, as it is shown."""


def split_into_pieces(markdown: str, parser: MarkdownIt, limit: int = MAX_PIECE_CHARACTERS) -> Iterator[Piece]:
    """The parts of a text, each of at most about `limit` characters.

    A part ends where a block of the text does, or at the end of a line of a longer block; code goes on as code. When
    text is added, all parts but the last two stay as they are.
    """
    rest, separator = markdown, ""
    while len(rest) > limit:
        window = rest[:limit]
        blocks = [token for token in parser.parse(window) if token.level == 0 and token.map and token.nesting >= 0]
        start = _line_start(window, blocks[-1].map[0]) if blocks and blocks[-1].map else 0
        if start > 0:
            yield Piece(window[:start].rstrip("\n"), separator)
            rest, separator = rest[start:], "\n\n"
            continue
        fence = blocks[-1] if blocks and blocks[-1].type == "fence" else None
        end = window.rfind("\n") + 1 or window.rfind(" ") + 1 or limit
        if fence is not None and end <= _line_start(window, 1):
            end = limit
        head, rest = _cut_block(rest, end, fence)
        yield Piece(head, separator)
        separator = "\n" if window[end - 1] == "\n" else "" if fence is not None or window[end - 1] != " " else " "
    yield Piece(rest, separator)


def _cut_block(text: str, end: int, fence: Token | None) -> tuple[str, str]:
    """A text cut within its first block; what is left of a code block is opened again."""
    head, rest = text[:end], text[end:]
    return (head, rest) if fence is None else (head, f"{text[: _line_start(text, 1)]}{rest}")


def _line_start(text: str, line: int) -> int:
    """Where a line begins, counted from 0."""
    position = 0
    for _ in range(line):
        position = text.index("\n", position) + 1
    return position
