"""The paragraphs, lists, notes and tables of an OpenDocument text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.grid import Cell, expand_spans
from bot.library.parse.limits import ParseLimits
from bot.library.parse.opendocument.styles import Styles
from bot.library.parse.package import attribute, child, children, local_name
from bot.library.parse.paragraph import Paragraph
from bot.library.parse.tables import table_blocks

_SKIPPED: Final = frozenset(
    {"tracked-changes", "annotation", "annotation-end", "note-citation", "forms", "sequence-decls", "notes", "settings"}
    | {"table-of-content", "alphabetical-index", "illustration-index", "table-index", "object-index", "title", "desc"}
    | {"hidden-text", "hidden-paragraph", "table-source", "shapes"}
)
_CONTAINERS: Final = frozenset(
    {
        "section",
        "index-body",
        "frame",
        "text-box",
        "page",
        "g",
        "list-header",
        "soft-page-break",
        "custom-shape",
        "rect",
    }
    | {"text", "body", "spreadsheet", "presentation", "drawing"}
)
_MAX_SPACES: Final = 100
_MAX_LEVEL: Final = 10


class TextReader:
    """Reads the text of one document."""

    def __init__(self, styles: Styles, limits: ParseLimits) -> None:
        self._styles = styles
        self._limits = limits
        self._paragraph = self._row = 0
        self.has_left_out = False

    def blocks(self, container: Element) -> Iterator[Block]:
        """The blocks of an element in order."""
        for element in container:
            name = local_name(element)
            if name in _SKIPPED:
                continue
            if name in ("p", "h"):
                yield from self._paragraph_blocks(element, "")
            elif name == "list":
                yield from self._list(element, attribute(element, "style-name"), 1)
            elif name == "table":
                yield from self._table(element)
            elif name == "section" and attribute(element, "display") in ("none", "condition"):
                self.has_left_out = True
            elif name in _CONTAINERS:
                yield from self.blocks(element)

    def paragraph_texts(self, element: Element) -> list[str]:
        """The texts of the paragraphs in an element, such as a cell, with their notes in brackets."""
        texts: list[str] = []
        for one in element:
            name = local_name(one)
            if name in _SKIPPED:
                continue
            if name in ("p", "h"):
                found = self._found_in(one)
                texts += [found.text, *(f"({note})" for note in found.notes)]
                texts += [text for box in found.boxes for text in self.paragraph_texts(box)]
            elif name == "table":
                rows = (" ".join(filter(None, row.cells)) for row in expand_spans(self._rows(one)))
                texts.append("; ".join(filter(None, rows)))
            else:
                texts += self.paragraph_texts(one)
        return [text for text in texts if text]

    def _paragraph_blocks(self, element: Element, label: str) -> Iterator[Block]:
        found = self._found_in(element)
        text = f"{label} {found.text}" if label and found.text else found.text
        if text and local_name(element) == "h":
            level = attribute(element, "outline-level", "1")
            yield Block(BlockKind.HEADING, text, level=min(int(level), _MAX_LEVEL) if level.isdecimal() else 1)
            text = ""
        if text := "\n".join(filter(None, [text, *found.notes])):
            self._paragraph += 1
            yield Block(BlockKind.PARAGRAPH, text, number=self._paragraph)
        for box in found.boxes:
            yield from self.blocks(box)

    def _list(self, element: Element, style: str, level: int) -> Iterator[Block]:
        marks = self._styles.number_marks(style, level)
        number = 0
        for item in element:
            if local_name(item) not in ("list-item", "list-header"):
                continue
            start = attribute(item, "start-value")
            number = int(start) if start.isdecimal() else number + 1
            label = f"{marks[0]}{number}{marks[1]}" if marks and local_name(item) == "list-item" else ""
            for one in item:
                if local_name(one) in ("p", "h"):
                    yield from self._paragraph_blocks(one, label)
                    label = ""
                elif local_name(one) == "list":
                    yield from self._list(one, attribute(one, "style-name", style), level + 1)

    def _table(self, table: Element) -> Iterator[Block]:
        rows = expand_spans(self._rows(table))
        for block in table_blocks(rows, self._limits, first_number=self._row + 1):
            self._row = block.number if block.kind is BlockKind.ROW else self._row
            yield block

    def _rows(self, table: Element, *, is_header: bool = False) -> Iterator[tuple[list[Cell], bool]]:
        for part in table:
            name = local_name(part)
            if name in ("table-header-rows", "table-rows", "table-row-group"):
                yield from self._rows(part, is_header=is_header or name == "table-header-rows")
            elif name == "table-row":
                cells = [
                    Cell(
                        " ".join(self.paragraph_texts(cell)),
                        integer(attribute(cell, "number-columns-spanned", "1")),
                        integer(attribute(cell, "number-rows-spanned", "1")),
                    )
                    for cell in children(part, "table-cell")
                ]
                yield cells, is_header

    def _found_in(self, paragraph: Element) -> Paragraph:
        found = Paragraph()
        if self._styles.hides("paragraph", attribute(paragraph, "style-name")):
            self.has_left_out = True
            return found
        found.parts.append(paragraph.text or "")
        self._collect(paragraph, found)
        return found

    def _collect(self, element: Element, found: Paragraph) -> None:
        for one in element:
            name = local_name(one)
            if name == "span" and self._styles.hides("text", attribute(one, "style-name")):
                self.has_left_out = True
            elif name == "s":
                found.parts.append(" " * min(integer(attribute(one, "c", "1")), _MAX_SPACES))
            elif name == "tab":
                found.parts.append(" ")
            elif name == "line-break":
                found.parts.append("\n")
            elif name == "note":
                body = child(one, "note-body")
                if texts := self.paragraph_texts(body if body is not None else one):
                    found.notes.append(" ".join(texts))
            elif name in ("frame", "custom-shape", "g", "rect"):
                found.boxes.append(one)
            elif name not in _SKIPPED:
                found.parts.append(one.text or "")
                self._collect(one, found)
            found.parts.append(one.tail or "")


def integer(text: str) -> int:
    """A number in an attribute; 1 where it is none."""
    return int(text) if text.isdecimal() and len(text) < 8 else 1
