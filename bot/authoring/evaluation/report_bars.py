"""Figures as bars, each an SVG that stands in the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 360
_HEIGHT: Final = 26
_TOP: Final = 4
_BAR: Final = 12
GOOD, BAD, OTHER = "#228833", "#cc3311", "#bbbbbb"
"""Colours that people with a colour vision deficiency tell apart (Paul Tol)."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure beside what it is compared with."""

    value: float
    most: float
    """Where the picture ends."""
    is_good: bool
    limit: float | None = None
    """Drawn as a line across."""
    other: float | None = None
    """The base model's figure, or another's: a thin bar below."""


def draw_bar(bar: Bar, description: str) -> str:
    """The picture.

    Args:
        description: what it shows, in words, for those who do not see it.
    """
    colour = GOOD if bar.is_good else BAD
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img">',
        f"<title>{escape(description)}</title>",
        f'<rect x="0" y="{_TOP}" width="{_WIDTH}" height="{_BAR}" fill="#eeeeee"/>',
        f'<rect x="0" y="{_TOP}" width="{_length(bar.value, bar.most)}" height="{_BAR}" fill="{colour}"/>',
    ]
    if bar.other is not None:
        width = _length(bar.other, bar.most)
        parts.append(f'<rect x="0" y="{_TOP + _BAR + 2}" width="{width}" height="4" fill="{OTHER}"/>')
    if bar.limit is not None:
        at = _length(bar.limit, bar.most)
        parts.append(f'<line x1="{at}" x2="{at}" y1="0" y2="{_HEIGHT}" stroke="#000000" stroke-width="2"/>')
    return "".join((*parts, "</svg>"))


def _length(value: float, most: float) -> str:
    return f"{_WIDTH * min(max(value / most, 0.0), 1.0):.1f}"
