"""Finds what frames the pages of a PDF: headers, footers and page numbers, which are no part of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from bot.library.parse.pdf.layout import Line, Table

_MAX_LEVELS: Final = 3
"""Heights at the top and at the bottom of a page at which lines may be its frame."""
_MAX_DEPTH: Final = 0.2
"""Of the page's height: further from its edges nothing frames it."""
_MIN_PAGES: Final = 2
_MIN_SHARE: Final = 0.45
"""Of the pages: headers may differ on even and odd pages."""
_MIN_GAP: Final = 1.4
"""A frame is further from the text than lines of text are from each other, by this factor."""
_USUAL_LEADING: Final = 1.5
"""Distance of two lines by their height, where a page has too few to tell."""
_MAX_LEADING: Final = 2.0
"""Distance of two lines of text at most, by their height: pages with few lines have larger gaps."""
_NUMBER: Final = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_SAME_PLACE: Final = 6.0
"""Points: a line that frames pages stands at the same height on each."""

Item = Line | Table


def without_margins(pages: Sequence[list[Item]], edges: Sequence[tuple[float, float]]) -> list[list[Item]]:
    """The pages without lines at their edges that stand in the same place on many of them; numbers in them may differ.

    A page that consists of nothing else stays as it is.

    Args:
        edges: the bottom and the top of each page.
    """
    if len(pages) < _MIN_PAGES:
        return list(pages)
    levels = [_levels(page) for page in pages]
    counts = Counter(key for page in levels for key in {_key(line) for level in _edges(page) for line in level.lines})
    needed = max(_MIN_PAGES, _MIN_SHARE * sum(1 for page in pages if page))
    repeated = {key for key, count in counts.items() if count >= needed}
    kept = []
    for page, found, (bottom, top) in zip(pages, levels, edges, strict=True):
        depth = _MAX_DEPTH * (top - bottom)
        headers = [line for line in _frame(found, repeated) if line.top > top - depth]
        footers = [line for line in _frame(found[::-1], repeated) if line.bottom < bottom + depth]
        framing = {id(line) for line in (*headers, *footers)}
        if page and len(framing) == len(page):
            # Then the text of the pages is alike as well, and only what is outermost frames it.
            framing = {id(line) for level in (found[0], found[-1]) for line in level.lines}
        kept.append([item for item in page if id(item) not in framing] or page)
    return kept


@dataclass(frozen=True, slots=True)
class _Level:
    """What stands at one height of a page."""

    lines: tuple[Line, ...]
    place: float
    """The height of its middle."""
    height: float
    has_table: bool = False


def _levels(page: Sequence[Item]) -> list[_Level]:
    """What stands at each height of a page, from top to bottom."""
    levels: list[_Level] = []
    for item in sorted(page, key=lambda one: -(one.top + one.bottom)):
        place = (item.top + item.bottom) / 2
        if isinstance(item, Table):
            levels.append(_Level((), place, item.top - item.bottom, has_table=True))
        elif levels and not levels[-1].has_table and levels[-1].place - place < item.height / 2:
            last = levels[-1]
            levels[-1] = _Level((*last.lines, item), last.place, max(last.height, item.height))
        else:
            levels.append(_Level((item,), place, item.height))
    return levels


def _edges(levels: Sequence[_Level]) -> Sequence[_Level]:
    return [*levels[:_MAX_LEVELS], *levels[max(len(levels) - _MAX_LEVELS, _MAX_LEVELS) :]]


def _key(line: Line) -> tuple[str, int]:
    return _NUMBER.sub("#", line.text.casefold()), round(line.bottom / _SAME_PLACE)


def _frame(levels: Sequence[_Level], repeated: set[tuple[str, int]]) -> list[Line]:
    """The lines that frame a page at one of its edges: repeated ones, up to the last gap before the text."""
    gaps = [abs(upper.place - lower.place) for upper, lower in pairwise(levels)]
    candidates: list[Line] = []
    framing: list[Line] = []
    for index, level in enumerate(levels[:_MAX_LEVELS]):
        if level.has_table or not all(_is_repeated(line, repeated) for line in level.lines):
            break
        candidates += level.lines
        usual = median(gaps[index + 1 :]) if gaps[index + 1 :] else _USUAL_LEADING * level.height
        if index < len(gaps) and gaps[index] > _MIN_GAP * min(usual, _MAX_LEADING * level.height):
            framing = list(candidates)
    return framing


def _is_repeated(line: Line, repeated: set[tuple[str, int]]) -> bool:
    text, place = _key(line)
    return any((text, place + offset) in repeated for offset in (-1, 0, 1))
