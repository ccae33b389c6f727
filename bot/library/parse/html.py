"""HTML pages: headings, tables and the text between them, as a browser would show them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.decoding import read_text
from bot.library.parse.grid import Cell, expand_spans
from bot.library.parse.html_visibility import Visibility
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.tables import table_blocks

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_INLINE_TAGS: Final = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img"}
    | {"input", "ins", "kbd", "label", "mark", "q", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub"}
    | {"sup", "time", "tt", "u", "var", "wbr", "rb", "rt"}
)
_DECLARED: Final = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w-]{1,40})""", re.IGNORECASE
)
_DECLARATION_SIZE: Final = 4096
"""Bytes at the beginning in which a page states its encoding."""
_TEXT: Final = "-text"
_SOFT_HYPHEN: Final = "\u00ad"
"""Where a word may be divided; shown only there."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A run of text, and the element it is in."""

    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of data, whole."""

    node: LexborNode


@dataclass(slots=True)
class _Open:
    """An element whose children are being read."""

    tag: str
    next: LexborNode | None
    item: int = 0
    """Of an ordered list: the number of its next item."""


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of a web page."""
    with path.open("rb") as stream:
        declared = declared_encoding(stream.read(_DECLARATION_SIZE))
    yield from blocks(read_text(path, declared), limits)


def declared_encoding(beginning: bytes) -> str | None:
    """The encoding that a page states at its beginning; None where it states none."""
    declared = _DECLARED.search(beginning[:_DECLARATION_SIZE])
    return declared[1].decode("ascii") if declared else None


def blocks(page: str, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of an HTML text, in reading order."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        parsed = LexborHTMLParser(page)
    except SelectolaxError as error:
        # Any text is HTML: only memory can be lacking.
        raise MemoryError from error
    visibility = Visibility(parsed)
    title = parsed.css_first("head > title")
    if title is not None and (text := _collapse(title.text())):
        yield Block(BlockKind.TITLE, text)
    number = row = 0
    root = parsed.body or parsed.root
    for found in _text_and_tables(root, visibility) if root is not None else ():
        if isinstance(found, _Table):
            rows = expand_spans(_rows(found.node, visibility))
            for block in table_blocks(rows, limits, caption=_caption(found.node), first_number=row + 1):
                row = max(row, block.number) if block.kind is BlockKind.ROW else row
                yield block
        elif text := found.text.strip("\n") if found.tag == "pre" else _collapse(found.text):
            if found.tag in _HEADINGS:
                yield Block(BlockKind.HEADING, text, level=_HEADINGS[found.tag])
            else:
                number += 1
                yield Block(BlockKind.PARAGRAPH, text, number=number)
    if visibility.has_left_out:
        yield note(NoteKind.HIDDEN_TEXT)


def _text_and_tables(root: LexborNode, visibility: Visibility) -> Iterator[_Text | _Table]:
    """Runs of text and tables of data. Not recursive: a page may be nested deeply."""
    text: list[str] = []
    stack = [_Open("", root.first_child)]
    while stack:
        top = stack[-1]
        child = top.next
        if child is None:
            stack.pop()
            if top.tag not in _INLINE_TAGS:
                yield _Text(top.tag, "".join(text))
                text = []
            continue
        top.next = child.next
        tag = child.tag or ""
        if tag == _TEXT:
            text.append(child.text_content or "")
        elif tag == "br":
            # A line break divides words, not blocks.
            text.append("\n")
        elif not child.is_element_node or visibility.is_left_out(child):
            continue
        else:
            if tag not in _INLINE_TAGS:
                yield _Text(top.tag, "".join(text))
                text = []
            if tag == "table" and _is_data(child):
                yield _Table(child)
                continue
            if tag == "li" and top.tag == "ol":
                text.append(f"{_number(child, 'value', top.item)}. ")
                top.item = _number(child, "value", top.item) + 1
            stack.append(_Open(tag, child.first_child, _number(child, "start", 1) if tag == "ol" else 0))
    yield _Text("", "".join(text))


def _is_data(table: LexborNode) -> bool:
    """Whether a table holds data, and is not there for the layout of a page."""
    if table.attributes.get("role") in ("presentation", "none"):
        return False
    if _has_own(table, "th, caption"):
        return True
    has_parts = any(node.mem_id != table.mem_id for node in table.css("table, h1, h2, h3, h4"))
    return not has_parts and table.css_first("tr + tr, td + td") is not None


def _has_own(table: LexborNode, selector: str) -> bool:
    """Whether a table has such an element itself, and not in a table within it."""
    for node in table.css(selector):
        above = node.parent
        while above is not None and above.tag != "table":
            above = above.parent
        if above is not None and above.mem_id == table.mem_id:
            return True
    return False


def _rows(table: LexborNode, visibility: Visibility) -> Iterator[tuple[list[Cell], bool]]:
    """The cells of each row of a table, without those of tables within it; and whether the row is a header."""
    # A footer may stand above the body, and is shown below it.
    for section in sorted(_children(table, visibility), key=lambda part: part.tag == "tfoot"):
        if section.tag == "tr":
            rows = [section]
        elif section.tag in ("thead", "tbody", "tfoot"):
            rows = [row for row in _children(section, visibility) if row.tag == "tr"]
        else:
            continue
        for row in rows:
            cells = [cell for cell in _children(row, visibility) if cell.tag in ("td", "th")]
            texts = [_cell_text(cell, visibility) for cell in cells]
            headings = [cell.tag == "th" for cell, text in zip(cells, texts, strict=True) if text]
            spanned = [
                Cell(text, _number(cell, "colspan", 1), _number(cell, "rowspan", 1), is_name=cell.tag == "th")
                for cell, text in zip(cells, texts, strict=True)
            ]
            yield spanned, section.tag == "thead" or (bool(headings) and all(headings))


def _children(node: LexborNode, visibility: Visibility) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        if child.is_element_node and not visibility.is_left_out(child):
            yield child
        child = child.next


def _cell_text(cell: LexborNode, visibility: Visibility) -> str:
    """The text of a cell; of a table within it, its rows."""
    parts = []
    for found in _text_and_tables(cell, visibility):
        if isinstance(found, _Table):
            rows = (" ".join(filter(None, row.cells)) for row in expand_spans(_rows(found.node, visibility)))
            parts.append("; ".join(filter(None, rows)))
        else:
            parts.append(found.text)
    return _collapse(" ".join(parts))


def _caption(table: LexborNode) -> str:
    caption = table.css_first("caption")
    return _collapse(caption.text(separator=" ")) if caption is not None else ""


def _number(node: LexborNode, attribute: str, default: int) -> int:
    value = (node.attributes.get(attribute) or "").strip()
    return int(value) if value.isdecimal() and len(value) < 6 else default


def _collapse(text: str) -> str:
    return " ".join(text.replace(_SOFT_HYPHEN, "").split())
