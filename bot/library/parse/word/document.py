"""The text of a Word document in reading order: headings, numbered paragraphs, tables, notes and text boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.charts import chart_blocks
from bot.library.parse.grid import MAX_COLUMNS, Row
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.package import Package, attribute, child, children, local_name
from bot.library.parse.paragraph import Paragraph
from bot.library.parse.tables import table_blocks
from bot.library.parse.word.numbering import ListNumbers
from bot.library.parse.word.styles import Styles, is_revision_deletion

_MAIN_PART: Final = "word/document.xml"
_WRAPPERS: Final = frozenset({"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "hyperlink", "fldSimple"})
"""Elements whose children stand in the text as if they were there themselves."""
_CHARACTERS: Final = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_PRIVATE_USE: Final = 0xE000
"""Characters of symbol fonts begin here: they mean nothing elsewhere."""
_FORMULA_PARTS: Final = {"f": ("num", "den"), "sSup": ("e", "sup"), "sSub": ("e", "sub"), "rad": ("e",)}
_FORMULA_SIGNS: Final = {"f": "/", "sSup": "^", "sSub": "_", "rad": "√"}
_CONTENTS_STYLE: Final = "toc "


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of a Word document as it is shown: with the numbers of lists and the texts of notes, without what is
    hidden, struck out or deleted."""
    with Package(path, limits) as package:
        reader = _DocumentReader(package, limits)
        yield from reader.blocks()
        if reader.has_left_out:
            yield note(NoteKind.HIDDEN_TEXT)


class _DocumentReader:
    """Reads one document."""

    def __init__(self, package: Package, limits: ParseLimits) -> None:
        main = package.main_part(_MAIN_PART)
        self._package = package
        self._links = package.related(main)
        parts = dict(self._links.values())
        self.has_left_out = False
        self._body = child(package.xml(main), "body")
        self._styles = Styles(package.optional_xml(parts.get("styles")))
        self._lists = ListNumbers(package.optional_xml(parts.get("numbering")))
        self._limits = limits
        self._notes = {
            (kind, attribute(one, "id")): one
            for kind in ("footnote", "endnote")
            for one in children(package.optional_xml(parts.get(f"{kind}s", f"word/{kind}s.xml")), kind)
        }
        self._paragraph = self._row = 0

    def blocks(self) -> Iterator[Block]:
        """The blocks of the body."""
        if self._body is not None:
            yield from self._blocks_of(self._body)

    def _blocks_of(self, container: Element) -> Iterator[Block]:
        caption = ""
        before = Paragraph()
        for element in _unwrap(container):
            name = local_name(element)
            if is_revision_deletion(element):
                self._note_deletion(element)
            elif name == "tbl":
                yield from self._table(element, caption)
                caption = ""
            elif name == "p":
                style = self._styles.name(element)
                found = self._found_in(element, before)
                before = Paragraph()
                if _has_deleted_end(element):
                    before = found
                    continue
                if style == "caption" and not found.boxes and not caption:
                    # It names the table below it, if there is one.
                    caption = found.text
                    continue
                if caption:
                    yield self._text_block(caption)
                    caption = ""
                if not style.startswith(_CONTENTS_STYLE):
                    yield from self._paragraph_blocks(element, found)
        for text in filter(None, (caption, before.text)):
            yield self._text_block(text)

    def _paragraph_blocks(self, element: Element, found: Paragraph) -> Iterator[Block]:
        text = found.text
        if text:
            numbering = self._styles.numbering(element)
            label = self._lists.next_label(numbering) if numbering else ""
            text = f"{label} {text}" if label else text
            if level := self._styles.heading_level(element):
                yield Block(BlockKind.HEADING, text, level=level)
                text = ""
        # In one block, so that a note is found and cited with what it explains.
        if text := "\n".join(filter(None, [text, *found.notes])):
            yield self._text_block(text)
        for box in found.boxes:
            yield from self._blocks_of(box)
        for link in found.charts:
            yield from self._chart(link)

    def _chart(self, link: str) -> Iterator[Block]:
        root = self._package.optional_xml(self._links.get(link, ("", ""))[1])
        for block in chart_blocks(root, first_number=self._row + 1) if root is not None else ():
            if block.kind is BlockKind.ROW:
                self._row = block.number
                yield block
            else:
                yield self._text_block(block.text)

    def _text_block(self, text: str) -> Block:
        self._paragraph += 1
        return Block(BlockKind.PARAGRAPH, text, number=self._paragraph)

    def _table(self, table: Element, caption: str) -> Iterator[Block]:
        rows = [row for row in _unwrap(table) if local_name(row) == "tr"]
        if len(rows) == 1 and sum(local_name(cell) == "tc" for cell in _unwrap(rows[0])) == 1:
            # A frame around text.
            for cell in children(rows[0], "tc"):
                yield from self._blocks_of(cell)
            return
        for block in table_blocks(self._rows(rows), self._limits, caption=caption, first_number=self._row + 1):
            if block.kind is BlockKind.ROW:
                self._row = block.number
            yield block

    def _rows(self, rows: Iterable[Element]) -> Iterator[Row]:
        """The rows of a table, with the text of merged cells in every place they cover."""
        above: list[str] = []
        for row in rows:
            properties = child(row, "trPr")
            if child(properties, "del") is not None or child(properties, "hidden") is not None:
                self.has_left_out = True
                continue
            cells = [""] * min(_integer(attribute(child(properties, "gridBefore"), "val")), MAX_COLUMNS)
            from_left: set[int] = set()
            from_above: set[int] = set()
            for cell in _unwrap(row):
                if local_name(cell) != "tc":
                    continue
                column = len(cells)
                merge = child(cell, "tcPr", "vMerge")
                continues = merge is not None and attribute(merge, "val", "continue") != "restart"
                text = above[column] if continues and column < len(above) else self._cell_text(cell)
                if attribute(child(cell, "tcPr", "hMerge"), "val") == "continue" and cells:
                    text, span = cells[-1], 1
                    from_left.add(column)
                else:
                    span = max(_integer(attribute(child(cell, "tcPr", "gridSpan"), "val", "1")), 1)
                span = min(span, MAX_COLUMNS - column)
                covered = range(column, column + span)
                cells.extend([text] * span)
                from_left.update(covered[1:])
                from_above.update(covered if continues else ())
            above = cells
            is_header = child(properties, "tblHeader") is not None
            yield Row(list(cells), is_header, frozenset(from_left), frozenset(from_above))

    def _cell_text(self, cell: Element) -> str:
        parts = []
        for element in _unwrap(cell):
            if local_name(element) == "tbl":
                rows = (row for row in _unwrap(element) if local_name(row) == "tr")
                texts = (" ".join(filter(None, row.cells)) for row in self._rows(rows))
                parts.append("; ".join(filter(None, texts)))
            elif local_name(element) == "p":
                found = self._found_in(element)
                numbering = self._styles.numbering(element)
                label = self._lists.next_label(numbering) if numbering and found.text else ""
                parts += [label, found.text, *(f"({text})" for text in found.notes)]
                parts += (self._cell_text(box) for box in found.boxes)
        return " ".join(filter(None, parts))

    def _found_in(self, paragraph: Element, before: Paragraph | None = None) -> Paragraph:
        """What a paragraph holds, behind what is already found of it."""
        found = before or Paragraph()
        self._collect(paragraph, paragraph, found)
        return found

    def _collect(self, element: Element, paragraph: Element, found: Paragraph) -> None:
        for one in element:
            name = local_name(one)
            if is_revision_deletion(one):
                self._note_deletion(one)
            elif name == "r":
                if self._styles.is_hidden(one, paragraph):
                    self.has_left_out = self.has_left_out or any(text.text for text in one if local_name(text) == "t")
                else:
                    self._collect(one, paragraph, found)
            elif name == "t":
                found.parts.append(one.text or "")
            elif name in _CHARACTERS:
                found.parts.append(_CHARACTERS[name])
            elif name == "sym":
                found.parts.append(_symbol(one))
            elif name in ("footnoteReference", "endnoteReference"):
                found.notes += self._note_text(name.removesuffix("Reference"), attribute(one, "id"))
            elif name == "AlternateContent":
                # The same content in several forms, the best first.
                self._collect(_best_form(one), paragraph, found)
            elif name in ("f", "sSup", "sSub", "rad") and _is_mathematical(one):
                self._collect_formula(name, one, paragraph, found)
            elif name == "chart" and (link := attribute(one, "id")):
                found.charts.append(link)
            elif name == "txbxContent":
                found.boxes.append(one)
            elif name not in ("rPr", "pPr", "instrText", "delText"):
                self._collect(one, paragraph, found)

    def _collect_formula(self, name: str, formula: Element, paragraph: Element, found: Paragraph) -> None:
        """A part of a formula on one line: ``1/2``, ``r^2``, ``x_i``, ``√(a+b)``."""
        texts = []
        for part in _FORMULA_PARTS[name]:
            inner = Paragraph()
            if (element := child(formula, part)) is not None:
                self._collect(element, paragraph, inner)
            text = "".join(inner.parts).strip()
            texts.append(f"({text})" if len(text) > 1 and not text.isalnum() else text)
        found.parts.append(_FORMULA_SIGNS[name].join(texts) if name != "rad" else f"{_FORMULA_SIGNS[name]}{texts[0]}")

    def _note_text(self, kind: str, note_id: str) -> Iterator[str]:
        # Taken out first: a note that refers to itself is read once.
        element = self._notes.pop((kind, note_id), None)
        if element is not None and (text := self._cell_text(element)):
            yield text

    def _note_deletion(self, element: Element) -> None:
        self.has_left_out = self.has_left_out or any(local_name(text) in ("t", "delText") for text in element.iter())


def _unwrap(container: Element) -> Iterator[Element]:
    """The children of an element, and those of the wrappers among them. Not recursive: they may be nested deeply."""
    stack = [iter(container)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif local_name(element) in _WRAPPERS:
            stack.append(iter(element))
        elif local_name(element) == "AlternateContent":
            stack.append(iter(_best_form(element)))
        else:
            yield element


def _best_form(alternatives: Element) -> Element:
    """The first form of a content that is stated in several; without any, the empty element itself."""
    for name in ("Choice", "Fallback"):
        if (form := child(alternatives, name)) is not None:
            return form
    return alternatives


def _is_mathematical(element: Element) -> bool:
    return element.tag.partition("}")[0].endswith("/math")


def _has_deleted_end(paragraph: Element) -> bool:
    """Whether the end of a paragraph was deleted while changes were tracked, so that the next one goes on with it."""
    return child(paragraph, "pPr", "rPr", "del") is not None


def _symbol(element: Element) -> str:
    code = attribute(element, "char")
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    return chr(number) if 32 <= number < _PRIVATE_USE else ""


def _integer(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 8 else 0
