"""HTML pages, and Word documents converted to HTML: headings, tables and the text between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.decoding import read_text
from bot.library.parse.limits import ParseLimits, check_archive
from bot.library.parse.tables import table_blocks

if TYPE_CHECKING:
    from bs4 import Tag
    from bs4.element import PageElement

_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_SKIPPED_TAGS: Final = frozenset(
    {"script", "style", "noscript", "template", "nav", "head", "svg", "iframe", "button", "select", "textarea"}
)
_INLINE_TAGS: Final = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img"}
    | {"input", "ins", "kbd", "label", "mark", "q", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub"}
    | {"sup", "time", "tt", "u", "var", "wbr"}
)


def read(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """The blocks of a web page."""
    yield from blocks(read_text(path), limits)


def read_docx(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """The blocks of a Word document; styles make headings, pictures are left out."""
    import mammoth

    check_archive(path, limits)
    with path.open("rb") as stream:
        page = mammoth.convert_to_html(stream, convert_image=mammoth.images.img_element(lambda _: {})).value
    yield from blocks(page, limits)


def blocks(page: str, limits: ParseLimits) -> Iterator[Block]:
    """The blocks of an HTML text, in reading order."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page, "html.parser")
    if soup.title and (title := _collapse_whitespace(soup.title.get_text())):
        yield Block(BlockKind.TITLE, title)
    number = row = 0
    for kind, found in _text_and_tables(soup):
        if kind == "table":
            assert not isinstance(found, str)
            for block in table_blocks(_cells(found), limits, caption=_caption(found), first_number=row + 1):
                row = block.number
                yield block
        elif isinstance(found, str) and (text := _collapse_whitespace(found) if kind != "pre" else found.strip("\n")):
            if kind in _HEADINGS:
                yield Block(BlockKind.HEADING, text, level=_HEADINGS[kind])
            else:
                number += 1
                yield Block(BlockKind.PARAGRAPH, text, number=number)


def _text_and_tables(soup: Tag) -> Iterator[tuple[str, str | Tag]]:
    """Runs of text with the element that ends each, and whole tables. Not recursive: a page may be nested deeply."""
    from bs4 import Tag
    from bs4.element import NavigableString, PreformattedString

    text: list[str] = []
    stack: list[tuple[str, Iterator[PageElement]]] = [("", iter(soup.children))]
    while stack:
        name, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if name and name not in _INLINE_TAGS:
                yield name, "".join(text)
                text = []
        elif isinstance(child, Tag):
            if child.name in _SKIPPED_TAGS:
                continue
            if child.name not in _INLINE_TAGS:
                # A line break divides words, not blocks.
                if child.name == "br":
                    text.append("\n")
                    continue
                yield name, "".join(text)
                text = []
            if child.name == "table":
                yield "table", child
            else:
                stack.append((child.name, iter(child.children)))
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            text.append(str(child))
    yield "", "".join(text)


def _cells(element: Tag) -> Iterator[list[str]]:
    for row in element.find_all("tr"):
        if row.find_parent("table") is element:
            yield [_collapse_whitespace(cell.get_text(" ")) for cell in row.find_all(["td", "th"], recursive=False)]


def _caption(element: str | Tag) -> str:
    caption = element.find("caption") if not isinstance(element, str) else None
    return _collapse_whitespace(caption.get_text(" ")) if caption is not None and not isinstance(caption, int) else ""


def _collapse_whitespace(text: str) -> str:
    return " ".join(text.split())
