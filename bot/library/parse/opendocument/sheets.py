"""The sheets of an OpenDocument spreadsheet, as they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.grid import MAX_COLUMNS, Cell, Row, expand_spans
from bot.library.parse.limits import ParseLimits
from bot.library.parse.opendocument.styles import Styles
from bot.library.parse.opendocument.text import TextReader, integer
from bot.library.parse.package import attribute, local_name
from bot.library.parse.spreadsheet.left_out import LeftOut, column_name
from bot.library.parse.tables import sheet_blocks

_GROUPS: Final = frozenset(
    {
        "table-header-rows",
        "table-rows",
        "table-row-group",
        "table-header-columns",
        "table-columns",
        "table-column-group",
    }
)
_HIDDEN: Final = ("collapse", "filter")
_CELLS: Final = ("table-cell", "covered-table-cell")


class SheetsReader:
    """Reads the sheets of one document."""

    def __init__(self, styles: Styles, text: TextReader, limits: ParseLimits) -> None:
        """Set up.

        Args:
            text: reads the paragraphs in cells.
        """
        self._styles = styles
        self._text = text
        self._limits = limits
        self.left_out = LeftOut()

    def blocks(self, spreadsheet: Element) -> Iterator[Block]:
        """The rows of all visible sheets."""
        first = 1
        for table in spreadsheet:
            if local_name(table) != "table":
                continue
            title = attribute(table, "name")
            if self._styles.hides("table", attribute(table, "style-name")):
                self.left_out.sheets.append(title)
                continue
            for block in sheet_blocks(self._rows(table, title), self._limits, caption=title, first_number=first):
                if block.kind is BlockKind.ROW:
                    first = block.number + 1
                yield block

    def _rows(self, table: Element, title: str) -> Iterator[Row]:
        hidden = self._hidden_columns(table)
        seen: set[int] = set()
        visible_rows: list[bool] = []
        for row, is_visible in zip(
            expand_spans(self._stated_rows(table, title, visible_rows)), _follow(visible_rows), strict=False
        ):
            if not is_visible:
                continue
            seen.update(column for column, text in enumerate(row.cells) if text)
            columns = [column for column in range(len(row.cells)) if column not in hidden]
            yield Row(
                [row.cells[column] for column in columns],
                from_left=frozenset(index for index, column in enumerate(columns) if column in row.from_left and index),
                from_above=frozenset(index for index, column in enumerate(columns) if column in row.from_above),
            )
        self.left_out.columns += [f"{title}!{column_name(column)}" for column in sorted(hidden & seen)]

    def _stated_rows(self, table: Element, title: str, visible_rows: list[bool]) -> Iterator[tuple[list[Cell], bool]]:
        """The cells that begin in each row; whether it is visible is added to a list.

        A row that is stated once for many is repeated while it has text; empty ones at the end of a sheet are stated
        for a million rows.
        """
        number = 0
        for row in _elements(table, "table-row"):
            repeated = integer(attribute(row, "number-rows-repeated", "1"))
            is_visible = attribute(row, "visibility") not in _HIDDEN
            cells = self._cells(row, title, number, is_visible=is_visible)
            has_text = any(cell.text for cell in cells)
            if has_text and not is_visible:
                self.left_out.rows += [f"{title}!{number + offset + 1}" for offset in range(min(repeated, 1000))]
            for _ in range(min(repeated, self._limits.rows + 1) if has_text else 1):
                visible_rows.append(is_visible)
                yield cells, False
            number += repeated

    def _cells(self, row: Element, title: str, number: int, *, is_visible: bool) -> list[Cell]:
        cells: list[Cell] = []
        for element in row:
            if local_name(element) not in _CELLS:
                continue
            repeated = integer(attribute(element, "number-columns-repeated", "1"))
            if local_name(element) == "covered-table-cell":
                # Its place is taken by the merged cell that covers it.
                continue
            text = " ".join(self._text.paragraph_texts(element))
            if attribute(element, "formula") and not text and not attribute(element, "value-type") and is_visible:
                self.left_out.uncalculated.append(f"{title}!{column_name(len(cells))}{number + 1}")
            columns = integer(attribute(element, "number-columns-spanned", "1"))
            rows = integer(attribute(element, "number-rows-spanned", "1"))
            cells += [Cell(text, columns, rows)] * min(repeated, MAX_COLUMNS - len(cells))
            if len(cells) >= MAX_COLUMNS:
                break
        while cells and not cells[-1].text:
            cells.pop()
        return cells

    def _hidden_columns(self, table: Element) -> set[int]:
        hidden: set[int] = set()
        column = 0
        for element in _elements(table, "table-column"):
            repeated = integer(attribute(element, "number-columns-repeated", "1"))
            if attribute(element, "visibility") in _HIDDEN:
                hidden.update(range(column, min(column + repeated, MAX_COLUMNS)))
            column += repeated
        return hidden


def _elements(table: Element, name: str) -> Iterator[Element]:
    """The rows or columns of a table, and those in groups of them."""
    for element in table:
        if local_name(element) == name:
            yield element
        elif local_name(element) in _GROUPS:
            yield from _elements(element, name)


def _follow(values: list[bool]) -> Iterator[bool]:
    """The values of a list that grows while it is read; each is forgotten then."""
    while True:
        yield values.pop(0)
