"""Finds what frames the pages of a PDF: headers, footers and page numbers, which are no part of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.library.parse.pdf.layout import Line, Table

_EDGE_LINES: Final = 3
"""Lines at the top and at the bottom of a page that may be its frame."""
_MIN_PAGES: Final = 2
_MIN_SHARE: Final = 0.45
"""Of the pages: headers may differ on even and odd pages."""
_NUMBER: Final = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER: Final = re.compile(
    r"\W{0,3}(?:page|стр\.?|страница|с\.|p\.)?\s{0,2}(?:\d{1,5}|[ivxlc]{1,7})(?:\s{0,2}(?:of|из|/)\s{0,2}\d{1,5})?\W{0,3}",
    re.IGNORECASE,
)
_SAME_PLACE: Final = 6.0
"""Points: a line that frames pages stands at the same height on each."""

Item = Line | Table


def without_margins(pages: Sequence[list[Item]]) -> list[list[Item]]:
    """The pages without lines that stand in the same place on many of them; numbers in such lines may differ.

    A page that consists of nothing else stays as it is.
    """
    if len(pages) < _MIN_PAGES:
        return list(pages)
    edges = [_edge_lines(page) for page in pages]
    counts = Counter(key for lines in edges for key in {_key(line) for line in lines})
    needed = max(_MIN_PAGES, _MIN_SHARE * sum(1 for page in pages if page))
    repeated = {key for key, count in counts.items() if count >= needed}
    kept = []
    for page, lines in zip(pages, edges, strict=True):
        dropped = {id(line) for line in _framing(page, lines, repeated)}
        rest = [item for item in page if id(item) not in dropped]
        kept.append(rest or page)
    return kept


def _edge_lines(page: Sequence[Item]) -> list[Line]:
    """The first and the last lines of a page by their height; in one of a few lines, only the outermost."""
    lines = sorted((item for item in page if isinstance(item, Line)), key=lambda line: -line.top)
    count = min(_EDGE_LINES, max(len(page) // 3, 1))
    return [*lines[:count], *lines[max(len(lines) - count, count) :]]


def _key(line: Line) -> tuple[str, int]:
    return _NUMBER.sub("#", line.text.casefold()), round(line.bottom / _SAME_PLACE)


def _framing(page: Sequence[Item], lines: Sequence[Line], repeated: set[tuple[str, int]]) -> list[Line]:
    """The lines that frame a page: from its edges inwards, as long as they are repeated ones or page numbers."""
    tops = [item.top for item in page]
    bottoms = [item.bottom for item in page]
    framing: list[Line] = []
    for line in lines:
        text, place = _key(line)
        is_repeated = any((text, place + offset) in repeated for offset in (-1, 0, 1))
        is_outermost = line.top >= max(tops) or line.bottom <= min(bottoms)
        if is_repeated or (is_outermost and _PAGE_NUMBER.fullmatch(line.text)):
            framing.append(line)
    return framing
