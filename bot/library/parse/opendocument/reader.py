"""OpenDocument files as blocks, whatever program of the suite wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.errors import Protected, Unreadable
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.opendocument.sheets import SheetsReader
from bot.library.parse.opendocument.styles import Styles
from bot.library.parse.opendocument.text import TextReader
from bot.library.parse.package import Package, attribute, child, children, local_name

_CONTENT: Final = "content.xml"
_MANIFEST: Final = "META-INF/manifest.xml"
_CHART: Final = "application/vnd.oasis.opendocument.chart"


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of a text, the rows of a spreadsheet, or the slides of a presentation.

    Raises:
        Protected, Unreadable
    """
    with Package(path, limits) as package:
        manifest = package.optional_xml(_MANIFEST)
        if any(local_name(one) == "encryption-data" for one in (manifest.iter() if manifest is not None else ())):
            raise Protected
        charts = [
            attribute(one, "full-path").rstrip("/")
            for one in (manifest if manifest is not None else ())
            if attribute(one, "media-type") == _CHART
        ]
        content = package.xml(_CONTENT)
        styles = Styles(content, package.optional_xml("styles.xml"))
    text = TextReader(styles, limits)
    body = child(content, "body")
    for part in body if body is not None else ():
        kind = local_name(part)
        if kind == "spreadsheet":
            sheets = SheetsReader(styles, text, limits)
            yield from sheets.blocks(part)
            yield from sheets.left_out.notes()
        elif kind == "presentation":
            yield from _slides(part, text, styles)
        elif kind == "text":
            yield from text.blocks(part)
        else:
            raise Unreadable(f"it is a {kind} and not a text, a spreadsheet or a presentation")
    if text.has_left_out:
        yield note(NoteKind.HIDDEN_TEXT)
    if charts:
        yield note(NoteKind.CHARTS, charts)


def _slides(presentation: Element, text: TextReader, styles: Styles) -> Iterator[Block | Note]:
    hidden = []
    for number, page in enumerate(children(presentation, "page"), 1):
        if styles.hides("drawing-page", attribute(page, "style-name")):
            hidden.append(str(number))
            continue
        titles = [frame for frame in children(page, "frame") if attribute(frame, "class") == "title"]
        for frame in titles:
            if title := " ".join(text.paragraph_texts(frame)):
                yield Block(BlockKind.HEADING, title, level=2, page=number)
            page.remove(frame)
        for block in text.blocks(page):
            yield replace(block, page=number)
    if hidden:
        yield note(NoteKind.HIDDEN_SLIDES, hidden)
