"""Books in EPUB: their chapters in reading order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.library.parse import html
from bot.library.parse.block import Block, BlockKind
from bot.library.parse.decoding import decode_bytes
from bot.library.parse.errors import CopyProtected, Unreadable
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note
from bot.library.parse.package import Package, attribute, child, children, local_name, resolve

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_FONT_ALGORITHMS: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""How fonts are scrambled in books that anybody may read."""
_PAGE_TYPES: Final = ("application/xhtml+xml", "text/html")


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of a book's chapters in reading order, without its table of contents.

    Raises:
        CopyProtected, Unreadable
    """
    with Package(path, limits) as package:
        _refuse_protected(package)
        root_file = child(package.xml(_CONTAINER), "rootfiles", "rootfile")
        main = attribute(root_file, "full-path")
        book = package.xml(main)
        for element in children(child(book, "metadata"), "title"):
            if title := " ".join((element.text or "").split()):
                yield Block(BlockKind.TITLE, title)
                break
        chapters = {attribute(item, "id"): item for item in children(child(book, "manifest"), "item")}
        paragraph = row = 0
        notes: dict[Note, None] = {}
        for reference in children(child(book, "spine"), "itemref"):
            item = chapters.get(attribute(reference, "idref"))
            part = resolve(main, attribute(item, "href"))
            is_text = attribute(item, "media-type") in _PAGE_TYPES and part in package.names
            if not is_text or "nav" in attribute(item, "properties").split():
                continue
            content = package.read(part)
            page = decode_bytes(content, html.declared_encoding(content))
            paragraphs_before, rows_before = paragraph, row
            for block in html.blocks(page, limits):
                if isinstance(block, Note):
                    notes[block] = None
                elif block.kind is BlockKind.PARAGRAPH:
                    paragraph = paragraphs_before + block.number
                    yield replace(block, number=paragraph)
                elif block.kind is BlockKind.ROW:
                    row = rows_before + block.number
                    yield replace(block, number=row)
                elif block.kind is not BlockKind.TITLE:
                    yield block
        yield from notes


def _refuse_protected(package: Package) -> None:
    encryption = package.optional_xml(_ENCRYPTION)
    for element in encryption.iter() if encryption is not None else ():
        if local_name(element) == "EncryptionMethod" and attribute(element, "Algorithm") not in _FONT_ALGORITHMS:
            raise CopyProtected
    if _CONTAINER not in package.names:
        raise Unreadable(f"{_CONTAINER} is missing")
