"""What a paragraph of a text document holds, whichever program has written it."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element


@dataclass(slots=True)
class Paragraph:
    """Filled while a paragraph is read."""

    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """The texts of the footnotes and endnotes it refers to."""
    boxes: list[Element] = field(default_factory=list)
    """Text boxes that are anchored in it."""
    charts: list[str] = field(default_factory=list)
    """The names by which it refers to charts."""

    @property
    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self.parts).split("\n"))
        return "\n".join(filter(None, lines))
