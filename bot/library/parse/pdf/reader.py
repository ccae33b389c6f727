"""PDF files as blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.errors import OnlyPictures, Protected, TooManyPages, Unreadable, error_reason
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.pdf.fragments import page_content
from bot.library.parse.pdf.layout import Line, Table, continued_table, reading_order
from bot.library.parse.pdf.margins import without_margins
from bot.library.parse.pdf.paragraphs import Paragraph, WordParts, paragraphs
from bot.library.parse.tables import table_blocks

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_MAX_HEADING_LENGTH: Final = 120
_HEADING_SIZE: Final = 1.18
"""Letters of a heading are larger than those of the text by this factor at least."""
_MAX_LEVEL: Final = 4
_PASSWORD_ERROR: Final = 4
_PICTURE_DEPTH: Final = 3


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The paragraphs and tables of a PDF in reading order, column by column; large lines are headings.

    Headers, footers and page numbers are left out. Words divided at the ends of lines are put together.

    Raises:
        Protected, TooManyPages, OnlyPictures, Unreadable
    """
    document = _open(path)
    try:
        if len(document) > limits.pages:
            raise TooManyPages(limits.pages)
        pages, pictures = _read_pages(document)
    finally:
        document.close()
    if pictures and not any(pages):
        raise OnlyPictures
    yield from _blocks(pages, limits)
    if pictures:
        yield note(NoteKind.PAGES_WITHOUT_TEXT, map(str, pictures))


def _open(path: Path) -> PdfDocument:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return PdfDocument(path)
    except PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise Protected from None
        raise Unreadable(error_reason(error)) from error


def _read_pages(document: PdfDocument) -> tuple[list[list[Line | Table]], list[int]]:
    """The lines and tables of each page without what frames it, and the numbers of the pages that are only pictures."""
    pages: list[list[Line | Table]] = []
    edges: list[tuple[float, float]] = []
    pictures = []
    for number in range(len(document)):
        page = document[number]
        try:
            content = page_content(page)
            pages.append(reading_order(content.fragments, content.rulings))
            edges.append((content.bottom, content.top))
            if not pages[-1] and _has_picture(page):
                pictures.append(number + 1)
        finally:
            page.close()
    return without_margins(pages, edges), pictures


def _has_picture(page: PdfPage) -> bool:
    from pypdfium2 import raw

    return next(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_PICTURE_DEPTH), None) is not None


def _blocks(pages: Sequence[Sequence[Line | Table]], limits: ParseLimits) -> Iterator[Block]:
    lines = [item for page in pages for item in page if isinstance(item, Line)]
    words = WordParts(line.text for line in lines)
    heading_sizes = _heading_sizes(lines)
    number = row = 0
    above: tuple[int, Table] | None = None
    for found in paragraphs(pages, words):
        if not isinstance(found, Paragraph):
            page, table = found
            if above is not None and above[0] == page - 1:
                table = continued_table(above[1], table)
            above = (page, table)
            for block in table_blocks(table.rows, limits, first_number=row + 1):
                row = block.number if block.kind is BlockKind.ROW else row
                yield replace(block, page=page)
            continue
        above = None
        if level := _heading_level(found, heading_sizes):
            yield Block(BlockKind.HEADING, " ".join(found.text.split()), level=level, page=found.page)
        else:
            number += 1
            yield Block(BlockKind.PARAGRAPH, found.text, number=number, page=found.page)


def _heading_sizes(lines: Sequence[Line]) -> list[int]:
    """The sizes of letters that are larger than those of the text, the largest first."""
    letters: Counter[int] = Counter()
    for line in lines:
        letters[round(line.height)] += len(line.text)
    if not letters:
        return []
    text_size = letters.most_common(1)[0][0]
    return sorted((size for size in letters if size >= _HEADING_SIZE * text_size), reverse=True)


def _heading_level(paragraph: Paragraph, sizes: Sequence[int]) -> int:
    size = round(paragraph.height)
    if size not in sizes or len(paragraph.text) > _MAX_HEADING_LENGTH:
        return 0
    return min(sizes.index(size) + 1, _MAX_LEVEL)
