"""Plain text: its paragraphs, and headings such as “Chapter 3”."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.decoding import read_text
from bot.library.parse.limits import ParseLimits

MAX_HEADING_LENGTH: Final = 120
_HEADING: Final = re.compile(
    r"(?:[IVXLC]{1,7}|\d{1,3}(?:\.\d{1,3})*)\.?"
    r"|(?:глава|часть|раздел|параграф|лекция|приложение|chapter|part|section|lecture|appendix)\b.{0,100}",
    re.IGNORECASE,
)
_INDENT: Final = re.compile(r"[ \t\u00a0]{2,}|\t")


def read(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """The blocks of a text file. Blank lines and indents separate paragraphs; “Chapter 3” is a heading."""
    yield from paragraphs(read_text(path))


def paragraphs(text: str) -> Iterator[Block]:
    """The blocks of a plain text."""
    number = 0
    for paragraph in _split_paragraphs(text):
        if len(paragraph) <= MAX_HEADING_LENGTH and _HEADING.fullmatch(paragraph):
            yield Block(BlockKind.HEADING, paragraph, level=2)
        else:
            number += 1
            yield Block(BlockKind.PARAGRAPH, paragraph, number=number)


def _split_paragraphs(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        is_blank = not line.strip()
        if lines and (is_blank or _INDENT.match(line)):
            yield "\n".join(lines)
            lines = []
        if not is_blank:
            lines.append(line.strip())
    if lines:
        yield "\n".join(lines)
