"""The styles of a Word document: which paragraphs are headings, and which text is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.package import attribute, child, children, local_name

_MAX_DEPTH: Final = 20
"""Styles that are based on each other in a circle end here."""
_FALSE: Final = ("0", "false", "off", "none")
_BODY_TEXT_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class Numbering:
    """The list a paragraph is in, and how deep."""

    list_id: str
    level: int


class Styles:
    """The styles of one document."""

    def __init__(self, root: Element | None) -> None:
        self._by_id = {attribute(style, "styleId"): style for style in children(root, "style")}

    def name(self, paragraph: Element) -> str:
        """The name of a paragraph's style, in lower case as Word stores it in every language; empty for the default."""
        style = self._by_id.get(attribute(child(paragraph, "pPr", "pStyle"), "val"))
        return attribute(child(style, "name"), "val").lower()

    def heading_level(self, paragraph: Element) -> int:
        """1 for the highest; 0 where a paragraph is no heading."""
        style_id = attribute(child(paragraph, "pPr", "pStyle"), "val")
        name = self.name(paragraph) or style_id.lower()
        if name == "title":
            return 1
        for prefix in ("heading", "заголовок"):
            number = name.removeprefix(prefix).strip()
            if name.startswith(prefix) and number in "123456789" and number:
                return int(number)
        for properties in self._paragraph_properties(paragraph):
            if (outline := child(properties, "outlineLvl")) is not None:
                level = attribute(outline, "val")
                return int(level) + 1 if level.isdecimal() and int(level) < _BODY_TEXT_LEVEL else 0
        return 0

    def numbering(self, paragraph: Element) -> Numbering | None:
        """The list that a paragraph, or its style, is in."""
        level = None
        for properties in self._paragraph_properties(paragraph):
            numbered = child(properties, "numPr")
            if numbered is None:
                continue
            stated = attribute(child(numbered, "ilvl"), "val")
            level = int(stated) if level is None and stated.isdecimal() else level
            if list_id := attribute(child(numbered, "numId"), "val"):
                return Numbering(list_id, level or 0) if list_id != "0" else None
        return None

    def is_hidden(self, run: Element, paragraph: Element | None) -> bool:
        """Whether the text of a run is hidden or struck out, by itself or by a style."""
        properties = child(run, "rPr")
        for name in ("vanish", "strike", "dstrike"):
            stated = _switch(properties, name)
            if stated is None:
                stated = self._style_switch(attribute(child(properties, "rStyle"), "val"), name)
            if stated is None and paragraph is not None:
                stated = self._style_switch(attribute(child(paragraph, "pPr", "pStyle"), "val"), name)
            if stated:
                return True
        return False

    def _style_switch(self, style_id: str, name: str) -> bool | None:
        for style in self._chain(style_id):
            if (stated := _switch(child(style, "rPr"), name)) is not None:
                return stated
        return None

    def _paragraph_properties(self, paragraph: Element) -> Iterator[Element]:
        """Those of a paragraph, then those of its style and of the styles that one is based on."""
        own = child(paragraph, "pPr")
        if own is None:
            return
        yield own
        for style in self._chain(attribute(child(own, "pStyle"), "val")):
            if (properties := child(style, "pPr")) is not None:
                yield properties

    def _chain(self, style_id: str) -> Iterator[Element]:
        for _ in range(_MAX_DEPTH):
            style = self._by_id.get(style_id)
            if style is None:
                return
            yield style
            style_id = attribute(child(style, "basedOn"), "val")


def _switch(properties: Element | None, name: str) -> bool | None:
    """Whether a property is switched on; None where it is not stated."""
    stated = child(properties, name)
    return None if stated is None else attribute(stated, "val", "1").lower() not in _FALSE


def is_revision_deletion(element: Element) -> bool:
    """Whether an element holds text that was deleted, or moved away, while changes were tracked."""
    return local_name(element) in ("del", "moveFrom")
