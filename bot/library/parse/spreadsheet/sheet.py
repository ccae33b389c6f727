"""One sheet of a workbook: its visible cells, with merged ones in every place they cover."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.library.parse.grid import MAX_COLUMNS, Row
from bot.library.parse.package import Package, children, iterate, local_name
from bot.library.parse.spreadsheet.left_out import LeftOut, column_name
from bot.library.parse.spreadsheet.values import Values, is_uncalculated

_PARTS: Final = frozenset({"row", "col"})
_MERGE: Final = re.compile(rb"mergeCell\s[^<>]{0,200}?ref=\"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})\"")
_MERGE_LENGTH: Final = 256
_CHUNK: Final = 1 << 20
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_LAST_COLUMN: Final = 16384


@dataclass(slots=True)
class _Merged:
    """A region of cells that are shown as one. Rows and columns are counted from 0, and the last is in it."""

    top: int
    left: int
    bottom: int
    right: int
    text: str = ""


class SheetReader:
    """Reads one sheet."""

    def __init__(self, package: Package, part: str, title: str, values: Values, left_out: LeftOut) -> None:
        """Set up.

        Args:
            left_out: what is not shown is added to it.
        """
        self._package = package
        self._part = part
        self._title = title
        self._values = values
        self._left_out = left_out
        self._hidden_columns: set[int] = set()

    def rows(self) -> Iterator[Row]:
        """The visible rows; an empty one where rows are missing in between."""
        waiting = sorted(self._merged_regions(), key=lambda region: region.top, reverse=True)
        open_regions: list[_Merged] = []
        seen_columns: set[int] = set()
        last = -1
        for element in iterate(self._package, self._part, _PARTS):
            if local_name(element) == "col":
                self._note_columns(
                    element.get("min", ""), element.get("max", ""), is_hidden=_is_on(element.get("hidden"))
                )
                continue
            stated = element.get("r", "")
            number = int(stated) - 1 if stated.isdecimal() else last + 1
            if number > last + 1:
                yield Row([])
            last = number
            while waiting and waiting[-1].top <= number:
                open_regions.append(waiting.pop())
            open_regions = [region for region in open_regions if region.bottom >= number]
            texts: dict[int, str] = {}
            column = -1
            uncalculated = []
            for cell in children(element, "c"):
                reference = _REFERENCE.fullmatch(cell.get("r", ""))
                column = _column_index(reference[1]) if reference else column + 1
                if column < MAX_COLUMNS:
                    texts[column] = self._values.text(cell)
                    if is_uncalculated(cell) and column not in self._hidden_columns:
                        uncalculated.append(f"{self._title}!{column_name(column)}{number + 1}")
            row = self._place_regions(texts, open_regions, number)
            if _is_on(element.get("hidden")):
                if any(texts.values()):
                    self._left_out.rows.append(f"{self._title}!{number + 1}")
                continue
            seen_columns.update(column for column, text in texts.items() if text)
            self._left_out.uncalculated += uncalculated
            yield row
        hidden = sorted(self._hidden_columns & seen_columns)
        self._left_out.columns += [f"{self._title}!{column_name(column)}" for column in hidden]

    def _place_regions(self, texts: dict[int, str], regions: list[_Merged], number: int) -> Row:
        """The visible cells of a row, with the text of merged regions in all of their cells."""
        from_left, from_above = set(), set()
        for region in regions:
            if region.top == number:
                region.text = texts.get(region.left, "")
            for column in range(region.left, min(region.right + 1, MAX_COLUMNS)):
                texts[column] = region.text
                if column > region.left:
                    from_left.add(column)
                if number > region.top:
                    from_above.add(column)
        width = max(texts, default=-1) + 1
        visible = [column for column in range(width) if column not in self._hidden_columns]
        return Row(
            [texts.get(column, "") for column in visible],
            from_left=frozenset(index for index, column in enumerate(visible) if column in from_left and index),
            from_above=frozenset(index for index, column in enumerate(visible) if column in from_above),
        )

    def _note_columns(self, first: str, last: str, *, is_hidden: bool) -> None:
        if is_hidden and first.isdecimal() and last.isdecimal():
            self._hidden_columns.update(range(int(first) - 1, min(int(last), _LAST_COLUMN)))

    def _merged_regions(self) -> Iterator[_Merged]:
        """They stand behind all rows, so the sheet is gone through once for them alone."""
        with self._package.open(self._part) as stream:
            rest = b""
            while chunk := stream.read(_CHUNK):
                text = rest + chunk
                end = 0
                for match in _MERGE.finditer(text):
                    end = match.end()
                    left, top, right, bottom = (part.decode("ascii") for part in match.groups())
                    yield _Merged(int(top) - 1, _column_index(left), int(bottom) - 1, _column_index(right))
                rest = text[max(end, len(text) - _MERGE_LENGTH) :]


def _column_index(letters: str) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def _is_on(value: str | None) -> bool:
    return value in ("1", "true", "on")
