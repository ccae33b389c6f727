"""Markdown: headings and tables become blocks of their own, everything else stays as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.library.parse import html
from bot.library.parse.block import Block, BlockKind
from bot.library.parse.decoding import read_text
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.tables import table_blocks

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER: Final = re.compile(r"---\n(.{0,5000}?)\n---\n", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_TITLE: Final = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of a Markdown file; of front matter only the title is used."""
    text = read_text(path)
    if front := _FRONT_MATTER.match(text):
        if title := _TITLE.search(front[1]):
            yield Block(BlockKind.TITLE, title[1])
        text = text[front.end() :]
    yield from blocks(text, limits)


def blocks(text: str, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of a Markdown text. Every line that is not blank is in one of them; tables in HTML are tables."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    lines = text.split("\n")
    number = row = reached = 0
    has_comments = False
    for index, token in enumerate(tokens):
        if token.level or token.map is None or token.nesting < 0:
            continue
        start, end = token.map
        # Lines between two tokens are definitions of links, which have no token.
        for source, kind in ((lines[reached:start], ""), (lines[start:end], token.type)):
            content = "\n".join(source).strip("\n")
            if not content.strip():
                continue
            if kind == "heading_open" and (heading := tokens[index + 1].content.strip()):
                yield Block(BlockKind.HEADING, heading, level=int(token.tag[1:]))
            elif kind == "html_block" and not _COMMENT.sub("", content).strip():
                has_comments = True
            elif kind == "html_block" and "<table" in content.lower():
                for found in html.blocks(content, limits):
                    if isinstance(found, Note):
                        yield found
                    elif found.kind is BlockKind.ROW:
                        row += 1
                        yield replace(found, number=row)
                    else:
                        number += 1
                        yield Block(BlockKind.PARAGRAPH, found.text, number=number)
            elif kind == "table_open":
                for block in table_blocks(_cells(tokens[index:]), limits, first_number=row + 1):
                    row = block.number
                    yield block
            else:
                number += 1
                yield Block(BlockKind.PARAGRAPH, content, number=number)
        reached = max(reached, end)
    if rest := "\n".join(lines[reached:]).strip("\n"):
        yield Block(BlockKind.PARAGRAPH, rest, number=number + 1)
    if has_comments:
        yield note(NoteKind.HIDDEN_TEXT)


def _cells(tokens: Sequence[Token]) -> Iterator[list[str]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            return
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(token.content)
        elif token.type == "tr_close":
            yield row
