"""The value of a cell of Excel as text: shared strings, formats, booleans and errors."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.package import Package, attribute, child, children, iterate, local_name
from bot.library.parse.spreadsheet.format_code import BUILT_IN
from bot.library.parse.spreadsheet.numbers import format_number, format_text

_GENERAL: Final = "General"


class Values:
    """Shows the values of one workbook's cells."""

    def __init__(self, package: Package, parts: dict[str, str], *, is_1904: bool) -> None:
        """Load what all sheets share.

        Args:
            parts: names of the workbook's parts, by the last word of their type.
            is_1904: whether days are counted from 1904.
        """
        self._is_1904 = is_1904
        self.has_struck = False
        """Whether a text that is struck out was left out."""
        strings = parts.get("sharedStrings")
        self._strings = (
            [self._string_text(element) for element in iterate(package, strings, frozenset({"si"}))]
            if strings in package.names and strings is not None
            else []
        )
        styles = package.optional_xml(parts.get("styles"))
        codes = {
            attribute(one, "numFmtId"): attribute(one, "formatCode", _GENERAL)
            for one in children(child(styles, "numFmts"), "numFmt")
        }
        fonts = [_is_struck(font) for font in children(child(styles, "fonts"), "font")]
        self._codes: list[str] = []
        self._are_struck: list[bool] = []
        for one in children(child(styles, "cellXfs"), "xf"):
            self._codes.append(_code(attribute(one, "numFmtId", "0"), codes))
            font = attribute(one, "fontId", "0")
            self._are_struck.append(font.isdecimal() and int(font) < len(fonts) and fonts[int(font)])

    def text(self, cell: Element) -> str:
        """What a cell shows; nothing where all of it is struck out."""
        text = self._text(cell)
        index = _style(cell)
        if text and index < len(self._are_struck) and self._are_struck[index]:
            self.has_struck = True
            return ""
        return text

    def _text(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return format_text(self._string_text(child(cell, "is")), self._code(cell))
        value = child(cell, "v")
        raw = (value.text or "").strip() if value is not None else ""
        if not raw:
            return ""
        if kind == "s":
            index = int(raw) if raw.isdecimal() else -1
            return format_text(self._strings[index] if 0 <= index < len(self._strings) else "", self._code(cell))
        if kind == "str":
            return format_text(value.text or "" if value is not None else "", self._code(cell))
        if kind == "b":
            return "TRUE" if raw == "1" else "FALSE"
        if kind == "n":
            try:
                return format_number(float(raw), self._code(cell), is_1904=self._is_1904)
            except (ValueError, ArithmeticError):
                return raw
        # A date in ISO 8601, or an error such as #DIV/0!.
        return raw.removesuffix("T00:00:00").replace("T", " ") if kind == "d" else raw

    def _code(self, cell: Element) -> str:
        index = _style(cell)
        return self._codes[index] if index < len(self._codes) else _GENERAL

    def _string_text(self, element: Element | None) -> str:
        """A text that may consist of runs, without those that are struck out or say how it is pronounced."""
        parts = []
        for one in element if element is not None else ():
            name = local_name(one)
            if name == "t":
                parts.append(one.text or "")
            elif name == "r" and _is_struck(child(one, "rPr")):
                self.has_struck = True
            elif name == "r":
                parts += [text.text or "" for text in children(one, "t")]
        return "".join(parts)


def is_uncalculated(cell: Element) -> bool:
    """Whether a cell has a formula and no value: the program that wrote it has not calculated it."""
    if child(cell, "f") is None:
        return False
    value = child(cell, "v")
    return (value is None or not value.text) and cell.get("t") != "str"


def _code(format_id: str, codes: dict[str, str]) -> str:
    if format_id in codes:
        return codes[format_id]
    return BUILT_IN.get(int(format_id), _GENERAL) if format_id.isdecimal() else _GENERAL


def _style(cell: Element) -> int:
    style = cell.get("s", "0")
    return int(style) if style.isdecimal() and len(style) < 8 else 0


def _is_struck(properties: Element | None) -> bool:
    strike = child(properties, "strike")
    return strike is not None and attribute(strike, "val", "1") not in ("0", "false")
