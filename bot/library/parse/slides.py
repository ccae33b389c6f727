"""PowerPoint presentations: the slides that are shown, with their tables and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.charts import chart_blocks
from bot.library.parse.grid import Cell, Row, expand_spans
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.package import Package, attribute, child, children, local_name
from bot.library.parse.tables import table_blocks

_MAIN_PART: Final = "ppt/presentation.xml"
_FRAME_PLACEHOLDERS: Final = frozenset({"ftr", "hdr", "dt", "sldNum", "sldImg"})
"""Shapes that repeat on every slide."""
_TITLES: Final = frozenset({"title", "ctrTitle"})
_SHAPES: Final = frozenset({"sp", "grpSp", "graphicFrame", "AlternateContent"})
_ROW_HEIGHT: Final = 300_000
"""English metric units (a third of an inch): shapes whose tops differ by less stand beside each other."""


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The text of each slide under its title, from top to bottom, then its notes."""
    with Package(path, limits) as package:
        reader = _SlideReader(package, limits)
        yield from reader.blocks()
        if reader.hidden:
            yield note(NoteKind.HIDDEN_SLIDES, reader.hidden)
        if reader.has_left_out:
            yield note(NoteKind.HIDDEN_TEXT)


class _SlideReader:
    """Reads one presentation."""

    def __init__(self, package: Package, limits: ParseLimits) -> None:
        self._package = package
        self._limits = limits
        self._paragraph = self._row = 0
        self.hidden: list[str] = []
        """Numbers of slides that are not shown."""
        self.has_left_out = False

    def blocks(self) -> Iterator[Block]:
        """The blocks of all slides that are shown; their numbers are those of the pages."""
        main = self._package.main_part(_MAIN_PART)
        links = self._package.related(main)
        slides = list(children(child(self._package.xml(main), "sldIdLst"), "sldId"))
        for number, slide in enumerate(slides, 1):
            # The plain `id` is a number; the one in the namespace of relationships names the part.
            link = next((value for key, value in slide.items() if key.endswith("}id")), "")
            part = links.get(link, ("", ""))[1]
            root = self._package.optional_xml(part)
            if root is None:
                continue
            if attribute(root, "show", "1") in ("0", "false"):
                self.hidden.append(str(number))
                continue
            for block in self._slide(root, part):
                yield replace(block, page=number)

    def _slide(self, root: Element, part: str) -> Iterator[Block]:
        shapes = list(self._shapes(child(root, "cSld", "spTree")))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        for shape in titles:
            if text := " ".join(self._texts(child(shape, "txBody"))):
                yield Block(BlockKind.HEADING, " ".join(text.split()), level=2)
        for shape in _by_place(shape for shape in shapes if shape not in titles):
            yield from self._shape(shape)
        for kind, target in self._package.related(part).values():
            chart = self._package.optional_xml(target) if kind == "chart" else None
            if chart is not None:
                for block in chart_blocks(chart, first_number=self._row + 1):
                    self._row = block.number if block.kind is BlockKind.ROW else self._row
                    yield block
            other = self._package.optional_xml(target) if kind in ("notesSlide", "diagramData") else None
            if kind == "diagramData" and other is not None:
                for point in other.iter():
                    if local_name(point) == "t" and len(point) and (texts := self._texts(point)):
                        yield self._text_block(texts)
            elif other is not None:
                for shape in self._shapes(child(other, "cSld", "spTree")):
                    if _placeholder(shape) == "body":
                        yield from self._shape(shape)

    def _shapes(self, tree: Element | None) -> Iterator[Element]:
        """The shapes of a slide, and those within groups. Not recursive: groups may be nested deeply."""
        stack = [iter(tree if tree is not None else ())]
        while stack:
            shape = next(stack[-1], None)
            if shape is None:
                stack.pop()
            elif local_name(shape) in ("grpSp", "AlternateContent", "Choice"):
                stack.append(iter(shape))
            elif local_name(shape) in _SHAPES and _placeholder(shape) not in _FRAME_PLACEHOLDERS:
                if not _is_hidden(shape):
                    yield shape
                else:
                    self.has_left_out = True

    def _shape(self, shape: Element) -> Iterator[Block]:
        table = next((one for one in shape.iter() if local_name(one) == "tbl"), None)
        if table is not None:
            for block in table_blocks(self._rows(table), self._limits, first_number=self._row + 1):
                self._row = block.number if block.kind is BlockKind.ROW else self._row
                yield block
        elif texts := self._texts(child(shape, "txBody")):
            yield self._text_block(texts)

    def _text_block(self, texts: Iterable[str]) -> Block:
        self._paragraph += 1
        return Block(BlockKind.PARAGRAPH, "\n".join(texts), number=self._paragraph)

    def _rows(self, table: Element) -> Iterator[Row]:
        marks_header = attribute(child(table, "tblPr"), "firstRow") in ("1", "true")

        def stated() -> Iterator[tuple[list[Cell], bool]]:
            for index, row in enumerate(children(table, "tr")):
                cells = [
                    Cell(" ".join(self._texts(child(cell, "txBody"))), _span(cell, "gridSpan"), _span(cell, "rowSpan"))
                    for cell in children(row, "tc")
                    if not _is_merged_into_another(cell)
                ]
                yield cells, marks_header and not index

        return expand_spans(stated())

    def _texts(self, body: Element | None) -> list[str]:
        """The paragraphs of a text that are not empty."""
        texts = (self._paragraph_text(paragraph) for paragraph in children(body, "p"))
        return [text for text in texts if text]

    def _paragraph_text(self, paragraph: Element) -> str:
        parts = []
        for run in paragraph:
            name = local_name(run)
            if name == "br":
                parts.append("\n")
            elif name in ("r", "fld"):
                text = "".join(one.text or "" for one in children(run, "t"))
                if attribute(child(run, "rPr"), "strike", "noStrike") != "noStrike":
                    self.has_left_out = self.has_left_out or bool(text.strip())
                else:
                    parts.append(text)
        return "\n".join(filter(None, (" ".join(line.split()) for line in "".join(parts).split("\n"))))


def _placeholder(shape: Element) -> str:
    """What a shape stands for in the layout of its slide; empty for a free one."""
    for properties in shape:
        if local_name(properties).startswith("nv"):
            place = child(properties, "nvPr", "ph")
            return attribute(place, "type", "body") if place is not None else ""
    return ""


def _is_hidden(shape: Element) -> bool:
    return any(attribute(child(properties, "cNvPr"), "hidden") in ("1", "true") for properties in shape)


def _by_place(shapes: Iterable[Element]) -> list[Element]:
    """Shapes from top to bottom and from left to right; in the order of the file where one inherits its place."""
    listed = list(shapes)
    places = [_offset(shape) for shape in listed]
    if any(place is None for place in places):
        return listed
    order = sorted(
        range(len(listed)),
        key=lambda index: (place[1] // _ROW_HEIGHT, place[0], place[1]) if (place := places[index]) else (0, 0, 0),
    )
    return [listed[index] for index in order]


def _offset(shape: Element) -> tuple[int, int] | None:
    offset = child(shape, "spPr", "xfrm", "off")
    if offset is None:
        offset = child(shape, "xfrm", "off")
    try:
        return (int(attribute(offset, "x")), int(attribute(offset, "y"))) if offset is not None else None
    except ValueError:
        return None


def _span(cell: Element, name: str) -> int:
    value = attribute(cell, name, "1")
    return int(value) if value.isdecimal() and len(value) < 6 else 1


def _is_merged_into_another(cell: Element) -> bool:
    return any(attribute(cell, name) in ("1", "true") for name in ("hMerge", "vMerge"))
