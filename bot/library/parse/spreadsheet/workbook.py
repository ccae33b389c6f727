"""Workbooks of Excel, sheet by sheet, as they are shown: without hidden sheets, rows and columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.charts import chart_title
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note
from bot.library.parse.package import Package, attribute, child, children, local_name
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
        paragraph = 0
        for sheet in children(child(root, "sheets"), "sheet"):
            kind, part = links.get(attribute(sheet, "id"), ("", ""))
            title = attribute(sheet, "name")
            if part not in package.names:
                continue
            if attribute(sheet, "state", "visible") != "visible":
                left_out.sheets.append(title)
                continue
            boxes, charts = _drawn(package, part)
            left_out.charts += [chart or title for chart in charts]
            if kind != "worksheet":
                continue
            reader = SheetReader(package, part, title, values, left_out)
            for block in sheet_blocks(reader.rows(), limits, caption=title, first_number=first):
                if block.kind is BlockKind.ROW:
                    first = block.number + 1
                yield block
            for text in boxes:
                paragraph += 1
                yield Block(BlockKind.PARAGRAPH, text, number=paragraph, caption=title)
        left_out.has_struck = values.has_struck
        yield from left_out.notes()


def _drawn(package: Package, sheet: str) -> tuple[list[str], list[str]]:
    """What is drawn on a sheet: the texts of boxes, and the titles of charts."""
    boxes: list[str] = []
    charts: list[str] = []
    for kind, part in package.related(sheet).values():
        root = package.optional_xml(part) if kind == "drawing" else None
        for body in root.iter() if root is not None else ():
            if local_name(body) == "txBody":
                lines = ("".join(text.text or "" for text in line.iter() if local_name(text) == "t") for line in body)
                if text := "\n".join(filter(None, map(str.strip, lines))):
                    boxes.append(text)
        for related, chart in package.related(part).values() if root is not None else ():
            if related in ("chart", "chartEx") and (found := package.optional_xml(chart)) is not None:
                charts.append(chart_title(found))
    return boxes, charts
