"""The lines that are drawn on a PDF page, by which a table with borders shows its cells."""

from __future__ import annotations

import ctypes
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MAX_SEGMENTS: Final = 20_000
"""Of the paths of a page: drawings and maps have more, and no tables in them."""
_MAX_LINES: Final = 400
_THICKNESS: Final = 3.0
"""Points: a filled box that is thinner is a line."""
_SLANT: Final = 0.7
"""Points by which the ends of a line may differ across it."""
_SAME: Final = 2.5
"""Points: lines that are nearer to each other are one, as are those whose ends are."""

Box = tuple[float, float, float, float]
"""Left, right, bottom and top."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line along one axis."""

    place: float
    """Of an upright line how far to the right it is, of a level one how high."""
    start: float
    end: float


@dataclass(slots=True)
class Rulings:
    """The upright and level lines of a page, each sorted by their places."""

    upright: list[Stroke] = field(default_factory=list)
    level: list[Stroke] = field(default_factory=list)

    def divide(self, left: float, right: float, height: float) -> bool:
        """Whether an upright line stands between two places at this height."""
        return any(one.start <= height <= one.end for one in between(self.upright, left, right))


def between(strokes: Sequence[Stroke], first: float, last: float) -> Sequence[Stroke]:
    """Those of the lines, sorted by their places, that stand between two places."""
    return strokes[bisect_left(strokes, first, key=_place) : bisect_right(strokes, last, key=_place)]


def rulings_of(boxes: Iterable[Box]) -> Rulings:
    """The lines among drawn boxes; those that go on from each other are one. Empty where there are too many of them."""
    upright: list[Stroke] = []
    level: list[Stroke] = []
    for left, right, bottom, top in boxes:
        if right - left <= _THICKNESS < top - bottom:
            upright.append(Stroke((left + right) / 2, bottom, top))
        elif top - bottom <= _THICKNESS < right - left:
            level.append(Stroke((top + bottom) / 2, left, right))
    upright, level = _joined(upright), _joined(level)
    if len(upright) + len(level) > _MAX_LINES:
        return Rulings()
    return Rulings(upright, level)


def drawn_boxes(page: PdfPage) -> list[Box]:
    """The straight lines and boxes that a page draws; a stroked box gives its four sides. None of a drawing."""
    from pypdfium2 import raw

    boxes: list[Box] = []
    left_over = _MAX_SEGMENTS
    for one in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=1):
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        if not raw.FPDFPath_GetDrawMode(one.raw, fill, stroke) or not (fill.value or stroke.value):
            continue
        count = raw.FPDFPath_CountSegments(one.raw)
        left_over -= max(count, 1)
        if left_over < 0:
            return []
        if not stroke.value:
            left, bottom, right, top = one.get_bounds()
            if min(right - left, top - bottom) <= _THICKNESS:
                boxes.append((left, right, bottom, top))
            continue
        boxes += _sides(one.raw, count, one.get_matrix().on_point)
    return boxes


def _sides(path: object, count: int, place: Callable[[float, float], tuple[float, float]]) -> Iterator[Box]:
    """The straight parts of a path along the axes."""
    from pypdfium2 import raw

    x, y = ctypes.c_float(), ctypes.c_float()
    start: tuple[float, float] | None = None
    before: tuple[float, float] | None = None
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        if not segment or not raw.FPDFPathSegment_GetPoint(segment, x, y):
            continue
        point = place(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO and before is not None:
            yield from _straight(before, point)
        before = point
        if raw.FPDFPathSegment_GetClose(segment) and start is not None:
            yield from _straight(point, start)
            before = start


def _straight(first: tuple[float, float], second: tuple[float, float]) -> Iterator[Box]:
    (x1, y1), (x2, y2) = first, second
    if min(abs(x1 - x2), abs(y1 - y2)) <= _SLANT:
        yield min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)


def _joined(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The lines with those at one place that touch each other put together, sorted by their places."""
    numbered: list[tuple[int, Stroke]] = []
    for one in sorted(strokes, key=_place):
        group = numbered[-1][0] if numbered else 0
        is_other = not numbered or one.place - numbered[-1][1].place > _SAME
        numbered.append((group + is_other, one))
    joined: list[Stroke] = []
    for _, found in groupby(numbered, key=lambda item: item[0]):
        group_strokes = sorted((one for _, one in found), key=lambda one: one.start)
        place = sum(one.place for one in group_strokes) / len(group_strokes)
        current = Stroke(place, group_strokes[0].start, group_strokes[0].end)
        for one in group_strokes[1:]:
            if one.start <= current.end + _SAME:
                current = Stroke(place, current.start, max(current.end, one.end))
            else:
                joined.append(current)
                current = Stroke(place, one.start, one.end)
        joined.append(current)
    return joined


def _place(stroke: Stroke) -> float:
    return stroke.place
