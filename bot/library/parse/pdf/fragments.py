"""The text of a PDF page in fragments: pieces of a line, with their places."""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.library.parse.pdf.rulings import Rulings, drawn_boxes, rulings_of

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MAX_WORD_GAP: Final = 1.0
"""A wider space than this share of the line's height divides fragments: it is between columns, or cells."""
_WORD_GAP: Final = 0.2
"""A space that is wider than this share of the line's height divides words, even where no space is written."""
_SAME_LINE: Final = 0.5
"""Two characters are in one line when their middles differ in height by less than this share."""
_OVERLAP: Final = 1.0
"""Points by which a letter may reach over the line between two cells."""
_MAX_BACKSTEP: Final = 1.0
_ANGLE_SAMPLES: Final = 50
_QUARTER: Final = math.pi / 2
_LINE_END_HYPHEN: Final = 0x02
"""What PDFium makes of a hyphen at the end of a line."""
_LIGATURES: Final = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_IGNORED: Final = frozenset({0, 0xFFFE, 0xFEFF})


@dataclass(slots=True)
class Fragment:
    """A piece of a line. Lengths are in points; `bottom` and `top` grow upwards."""

    text: str
    left: float
    right: float
    bottom: float
    top: float

    @property
    def height(self) -> float:
        """Of the line, which tells the size of its letters."""
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        """The height at which it stands on the page."""
        return (self.top + self.bottom) / 2

    def is_beside(self, other: Fragment) -> bool:
        """Whether both stand in one line."""
        return abs(self.middle - other.middle) < _SAME_LINE * min(self.height, other.height)


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page shows, turned so that its text stands upright."""

    fragments: list[Fragment]
    """In the order in which they are drawn."""
    rulings: Rulings
    bottom: float
    top: float
    """Of the page itself."""


def page_content(page: PdfPage) -> PageContent:
    """The text and the lines of a page.

    Text at another angle than most of the page, such as a watermark, is left out. Drawn lines divide fragments.
    """
    from pypdfium2 import raw

    text_page = page.get_textpage()
    try:
        count = text_page.count_chars()
        handle = text_page.raw
        turned = _main_angle(handle, count)
        character = raw.FS_RECTF()
        address = ctypes.byref(character)
        rulings = rulings_of(_turn(*box, turned or 0) for box in drawn_boxes(page))
        builder = _Builder(rulings)
        for index in range(count):
            code = raw.FPDFText_GetUnicode(handle, index)
            if code in _IGNORED:
                continue
            if raw.FPDFText_IsGenerated(handle, index) == 1:
                builder.add_space()
                continue
            if not raw.FPDFText_GetLooseCharBox(handle, index, address):
                continue
            if turned is not None and _quarter(raw.FPDFText_GetCharAngle(handle, index)) != turned:
                continue
            place = _turn(character.left, character.right, character.bottom, character.top, turned or 0)
            builder.add(_character(code), place)
        left, bottom, right, top = page.get_mediabox()
        _, _, bottom, top = _turn(left, right, bottom, top, turned or 0)
        return PageContent(builder.fragments(), rulings, bottom, top)
    finally:
        text_page.close()


def _character(code: int) -> str:
    if code == _LINE_END_HYPHEN:
        return "-"
    return _LIGATURES.get(code) or chr(code)


def _main_angle(handle: object, count: int) -> int | None:
    """How many quarters most of the text is turned; None where all of it stands upright."""
    from pypdfium2 import raw

    step = max(count // _ANGLE_SAMPLES, 1)
    angles = Counter(_quarter(raw.FPDFText_GetCharAngle(handle, index)) for index in range(0, count, step))
    if set(angles) <= {0}:
        return None
    angles.pop(None, None)
    return max(angles, key=lambda quarter: angles[quarter] or 0, default=0)


def _quarter(angle: float) -> int | None:
    """An angle in quarters of a turn; None for one in between."""
    quarters = angle / _QUARTER
    nearest = round(quarters)
    return nearest % 4 if abs(quarters - nearest) < 0.1 else None  # nine degrees


def _turn(left: float, right: float, bottom: float, top: float, quarters: int) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a box after the page is turned so that its text stands upright."""
    if quarters == 1:
        return -top, -bottom, left, right
    if quarters == 2:  # upside down
        return -right, -left, -top, -bottom
    if quarters == 3:  # from the bottom to the top
        return bottom, top, -right, -left
    return left, right, bottom, top


class _Builder:
    """Puts characters together to fragments."""

    def __init__(self, rulings: Rulings) -> None:
        self._rulings = rulings
        self._done: list[Fragment] = []
        self._current: Fragment | None = None
        self._has_space = False

    def add_space(self) -> None:
        """A space that the page does not draw may stand here."""
        self._has_space = True

    def add(self, character: str, box: tuple[float, float, float, float]) -> None:
        """The next character that is drawn, with its left, right, bottom and top."""
        left, right, bottom, top = box
        if character.isspace() or top <= bottom:
            self._has_space = True
            return
        piece = Fragment(character, left, right, bottom, top)
        current = self._current
        if current is None or not self._goes_on(current, piece):
            if current is not None:
                self._done.append(current)
            self._current = piece
        else:
            gap = left - current.right
            is_apart = self._has_space if gap > -0.1 * current.height else False
            current.text += f" {character}" if is_apart or gap > _WORD_GAP * current.height else character
            current.right = max(current.right, right)
            current.bottom, current.top = min(current.bottom, bottom), max(current.top, top)
        self._has_space = False

    def fragments(self) -> list[Fragment]:
        """All of them."""
        if self._current is not None:
            self._done.append(self._current)
            self._current = None
        return self._done

    def _goes_on(self, current: Fragment, piece: Fragment) -> bool:
        height = max(current.height, piece.height)
        is_near = -_MAX_BACKSTEP * height < piece.left - current.right < _MAX_WORD_GAP * height
        if is_near and self._rulings.divide(current.right - _OVERLAP, piece.left + _OVERLAP, piece.middle):
            return False
        return is_near and (current.is_beside(piece) or self._is_raised(current, piece))

    def _is_raised(self, current: Fragment, piece: Fragment) -> bool:
        """Whether a smaller character stands above or below the line, as the number of a note does."""
        small, large = sorted((current, piece), key=lambda fragment: fragment.height)
        return large.bottom - 0.2 * large.height <= small.middle <= large.top + 0.2 * large.height
