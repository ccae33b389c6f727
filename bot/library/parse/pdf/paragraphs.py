"""Lines of a PDF joined to paragraphs, with words that are divided at the ends of lines put together again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bot.library.parse.pdf.layout import Line, Table

_PARAGRAPH_GAP: Final = 1.4
"""Lines are paragraphs of their own when they are this many times further apart than lines usually are."""
_INDENT: Final = 0.8
"""By the height of a line: a line that begins further to the right than the others opens a paragraph."""
_SHORT_LINE: Final = 0.75
"""A line that ends before this share of its paragraph's width ends where its author ended it."""
_OTHER_SIZE: Final = 1.15
_BULLET: Final = re.compile(r"(?:[•●▪■◦‣·*–—-]\s|\(?\d{1,3}[.)]\s|\(?[a-zа-я][.)]\s)", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"[.!?…:;»”\"')\]]$")
_HYPHENS: Final = "-\u2010\u00ad"
_WORD: Final = re.compile(r"[^\W_]+(?:[-\u2010][^\W_]+)*")
_LAST_PART: Final = re.compile(r"[^\W_]+(?:[-\u2010][^\W_]+)*$")
_FIRST_PART: Final = re.compile(r"[^\W_]+")
_KEPT_BEFORE: Final = frozenset({"кое", "кой", "из", "во", "well", "self", "half", "ex", "non", "cross", "all"})
"""First parts of words that are written with a hyphen."""
_KEPT_AFTER: Final = frozenset({"то", "либо", "нибудь", "таки", "ка", "за", "под"})
"""Last parts of such words."""
_ADVERB_ENDING: Final = re.compile(r"(?:ому|ему|ски|цки|ьи)$")
"""Of «по-моему», «по-русски», «по-волчьи»."""


@dataclass(slots=True)
class Paragraph:
    """A paragraph, with the page it begins on."""

    text: str
    page: int
    height: float
    """Of its lines: tells the size of its letters."""
    is_open: bool
    """Whether it may go on in the next column or on the next page."""


class WordParts:
    """The words of a document: they tell whether a hyphen at the end of a line belongs to its word."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = {word.casefold() for text in texts for word in _WORD.findall(text)}

    def join(self, text: str, following: str) -> str:
        """Two lines as one text; a word that the first one divides is put together."""
        if not text or not following:
            return text + following
        if text[-1] not in _HYPHENS:
            return f"{text} {following}"
        left, right = _LAST_PART.search(text[:-1]), _FIRST_PART.match(following)
        if left is None or right is None:
            return f"{text} {following}"
        if text[-1] == "\u00ad":
            return text[:-1] + following
        is_compound = following[right.end() : right.end() + 1] in tuple(_HYPHENS)
        if is_compound or not following[0].islower() or self._keeps_hyphen(left[0].casefold(), right[0].casefold()):
            return text[:-1] + "-" + following
        return text[:-1] + following

    def _keeps_hyphen(self, left: str, right: str) -> bool:
        if f"{left}-{right}" in self._words:
            return True
        if left + right in self._words:
            return False
        if left == "по":
            return bool(_ADVERB_ENDING.search(right))
        if right in ("за", "под"):
            return left == "из"
        return left in _KEPT_BEFORE or right in _KEPT_AFTER or "-" in left


def paragraphs(pages: Sequence[Sequence[Line | Table]], words: WordParts) -> Iterator[Paragraph | tuple[int, Table]]:
    """The paragraphs of a document and its tables with their pages; what a page or a column divides is whole."""
    waiting: Paragraph | None = None
    for number, items in enumerate(pages, 1):
        for found in _page_paragraphs(items, number, words):
            if isinstance(found, Table):
                if waiting is not None:
                    yield waiting
                waiting = None
                yield number, found
                continue
            if waiting is not None and waiting.is_open and _goes_on(waiting, found):
                waiting.text = words.join(waiting.text, found.text)
                waiting.is_open = found.is_open
                continue
            if waiting is not None:
                yield waiting
            waiting = found
    if waiting is not None:
        yield waiting


def _goes_on(before: Paragraph, after: Paragraph) -> bool:
    is_same_size = max(before.height, after.height) < _OTHER_SIZE * min(before.height, after.height)
    return is_same_size and (after.text[:1].islower() or before.text[-1:] in _HYPHENS)


def _page_paragraphs(items: Sequence[Line | Table], page: int, words: WordParts) -> Iterator[Paragraph | Table]:
    gaps = [
        before.bottom - after.bottom
        for before, after in itertools.pairwise(items)
        if isinstance(before, Line) and isinstance(after, Line) and before.bottom > after.bottom
    ]
    usual_gap = min(median(gaps), 2.5 * median(_heights(items))) if gaps else 0.0
    lines: list[Line] = []
    for item in items:
        if isinstance(item, Table):
            if lines:
                yield _join_lines(lines, page, words)
            lines = []
            yield item
        elif lines and _opens_paragraph(lines[-1], item, usual_gap):
            yield _join_lines(lines, page, words, following=item)
            lines = [item]
        else:
            lines.append(item)
    if lines:
        yield _join_lines(lines, page, words)


def _join_lines(lines: Sequence[Line], page: int, words: WordParts, following: Line | None = None) -> Paragraph:
    """One paragraph.

    Args:
        following: the line after it on the page; it goes on there only in another column, which begins higher up.
    """
    text = ""
    right = max(line.right for line in lines)
    for before, line in zip([None, *lines], lines, strict=False):
        if before is not None and _is_short(before, right) and before.text[-1] not in _HYPHENS:
            text += f"\n{line.text}"
        else:
            text = words.join(text, line.text)
    last = lines[-1]
    may_go_on = following is None or following.bottom >= last.bottom
    return Paragraph(text, page, lines[0].height, may_go_on and not _SENTENCE_END.search(last.text))


def _heights(items: Sequence[Line | Table]) -> list[float]:
    return [item.height for item in items if isinstance(item, Line)]


def _opens_paragraph(before: Line, line: Line, usual_gap: float) -> bool:
    if max(before.height, line.height) > _OTHER_SIZE * min(before.height, line.height):
        return True
    gap = before.bottom - line.bottom
    if gap <= 0 or gap > _PARAGRAPH_GAP * usual_gap:
        return True
    is_indented = line.left - line.column_left > _INDENT * line.height and before.left - line.column_left < 1.0
    ends = _SENTENCE_END.search(before.text) is not None
    return bool(_BULLET.match(line.text)) or (is_indented and ends)


def _is_short(line: Line, right: float) -> bool:
    return line.right - line.left < _SHORT_LINE * (right - line.left)
