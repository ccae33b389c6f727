"""Finds what of Discord's markup a text that is cut would leave open: bold, spoilers, links, code, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.text.markup.literals import find_url

_TOKEN: Final = re.compile(
    r"(?P<escape>\\.)"
    r"|(?P<code>`+)"
    r"|(?P<link>\[(?=[^\]\n]))"
    r"|(?P<url>https?://[^\s<>)\]]+)"
    r"|(?P<tag><[^\s<>]{2,80}>)"
    r"|(?P<mark>\*+|_+|~~|\|\|)",
    re.DOTALL,
)
_LINK: Final = re.compile(r"\[(?:[^\[\]\\]|\\.)+\]\([^\s()]*(?:\([^\s()]*\)[^\s()]*)*\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class OpenMark:
    """A mark that has begun before a place and ends after it."""

    mark: str
    start: int
    """Where it begins."""
    is_whole: bool = False
    """Whether it cannot be closed and opened again: a link, an address, an emoji."""


def marks_open_at(text: str, end: int) -> list[OpenMark]:
    """What is open at `end`, the outermost first. Nothing goes on over an empty line.

    Every mark in `text` that is meant as text has a backslash before it.
    """
    start = text.rfind("\n\n", 0, end) + 1
    stack: list[OpenMark] = []
    position = start
    for token_start, token_end, kind in _tokens(text, start, end):
        if token_start < position:
            continue
        if kind != "mark":
            if token_end > end > token_start:
                is_code = kind == "code"
                mark = text[token_start:token_end]
                ticks = mark[: len(mark) - len(mark.lstrip("`"))]
                return [*stack, OpenMark(ticks if is_code else mark, token_start, is_whole=not is_code)]
            if kind != "link":
                position = token_end
            continue
        position = token_end
        if token_end > end:
            return [*stack, OpenMark(text[token_start:token_end], token_start, is_whole=True)]
        _apply_run(stack, text, token_start, token_end)
    return stack


def _apply_run(stack: list[OpenMark], text: str, start: int, end: int) -> None:
    """Close and open what a run of equal marks does: `***` may end italics within bold, or bold within italics."""
    while start < end:
        rest = text[start:end]
        closed = next((n for n in range(len(stack) - 1, -1, -1) if rest.startswith(stack[n].mark)), None)
        if closed is not None and not text[start - 1 : start].isspace():
            start += len(stack[closed].mark)
            del stack[closed:]
            continue
        if not _may_open(text, start, end):
            return
        mark = rest[:2]
        stack.append(OpenMark(mark, start))
        start += len(mark)


def _tokens(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of the tokens that begin before `end`; code and links whole."""
    limit = text.find("\n\n", end)
    limit = len(text) if limit < 0 else limit
    at = start
    while at < end and (match := _TOKEN.search(text, at, limit)) is not None and match.start() < end:
        kind = str(match.lastgroup)
        token_end = match.end()
        if kind == "code":
            closing = re.compile(rf"(?<!`){match[0]}(?!`)").search(text, token_end, limit)
            token_end = closing.end() if closing else token_end
        elif kind == "link":
            link = _LINK.match(text, match.start(), limit)
            token_end = link.end() if link else token_end
        elif kind == "url":
            token_end = find_url(text, match.start()) or token_end
        yield match.start(), token_end, kind
        # The label of a link may have marks of its own.
        at = match.end() if kind == "link" else token_end


def _may_open(text: str, start: int, end: int) -> bool:
    """Whether a mark begins something: a space after it, or a letter on both sides of an underscore, say no."""
    after = text[end : end + 1]
    if not after or after.isspace():
        return False
    return text[start] != "_" or start == 0 or not text[start - 1].isalnum()
