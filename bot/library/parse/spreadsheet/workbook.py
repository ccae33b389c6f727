"""Workbooks of Excel, sheet by sheet, as they are shown: without hidden sheets, rows and columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note
from bot.library.parse.package import Package, attribute, child, children
from bot.library.parse.spreadsheet.left_out import LeftOut
from bot.library.parse.spreadsheet.sheet import SheetReader
from bot.library.parse.spreadsheet.values import Values
from bot.library.parse.tables import sheet_blocks

_MAIN_PART: Final = "xl/workbook.xml"


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The rows of each visible sheet, in tables with the sheet's name; formulas with their last saved value."""
    with Package(path, limits) as package:
        main = package.main_part(_MAIN_PART)
        root = package.xml(main)
        links = package.related(main)
        is_1904 = attribute(child(root, "workbookPr"), "date1904") in ("1", "true")
        values = Values(package, dict(links.values()), is_1904=is_1904)
        left_out = LeftOut()
        first = 1
        for sheet in children(child(root, "sheets"), "sheet"):
            kind, part = links.get(attribute(sheet, "id"), ("", ""))
            title = attribute(sheet, "name")
            if kind != "worksheet" or part not in package.names:
                continue
            if attribute(sheet, "state", "visible") != "visible":
                left_out.sheets.append(title)
                continue
            reader = SheetReader(package, part, title, values, left_out)
            for block in sheet_blocks(reader.rows(), limits, caption=title, first_number=first):
                if block.kind is BlockKind.ROW:
                    first = block.number + 1
                yield block
        yield from left_out.notes()
