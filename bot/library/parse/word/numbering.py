"""The numbers that Word writes before the paragraphs of lists."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.package import attribute, child, children
from bot.library.parse.word.styles import Numbering

_PLACE: Final = re.compile(r"%([1-9])")
_LATIN: Final = "abcdefghijklmnopqrstuvwxyz"
_RUSSIAN: Final = "абвгдежзиклмнопрстуфхцчшщэюя"
_ROMAN: Final = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MAX_ROMAN: Final = 4000
_UNNUMBERED: Final = ("bullet", "none")


@dataclass(frozen=True, slots=True)
class _Level:
    """How one level of a list is numbered."""

    form: str
    text: str
    """With `%1` where the number of the first level stands."""
    start: int


class ListNumbers:
    """Counts the paragraphs of a document's lists."""

    def __init__(self, root: Element | None) -> None:
        abstract = {
            attribute(one, "abstractNumId"): {attribute(level, "ilvl"): _level(level) for level in children(one, "lvl")}
            for one in children(root, "abstractNum")
        }
        self._levels: dict[str, dict[str, _Level]] = {}
        self._shared: dict[str, str] = {}
        """By list: what its numbers are counted under. Lists that only refer to the same definition go on counting."""
        for one in children(root, "num"):
            list_id = attribute(one, "numId")
            definition = attribute(child(one, "abstractNumId"), "val")
            levels = dict(abstract.get(definition, {}))
            is_restarted = False
            for override in children(one, "lvlOverride"):
                level_id = attribute(override, "ilvl")
                if (redefined := child(override, "lvl")) is not None:
                    levels[level_id] = _level(redefined)
                start = attribute(child(override, "startOverride"), "val")
                if start.isdecimal() and level_id in levels:
                    levels[level_id] = _Level(levels[level_id].form, levels[level_id].text, int(start))
                    is_restarted = True
            self._levels[list_id] = levels
            self._shared[list_id] = f"list {list_id}" if is_restarted else definition
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)

    def next_label(self, numbering: Numbering) -> str:
        """The label of the next paragraph in a list, such as “2.1”; empty for a bullet."""
        levels = self._levels.get(numbering.list_id, {})
        level = levels.get(str(numbering.level))
        if level is None:
            return ""
        counts = self._counts[self._shared[numbering.list_id]]
        counts[numbering.level] = counts.get(numbering.level, level.start - 1) + 1
        for deeper in [depth for depth in counts if depth > numbering.level]:
            del counts[deeper]
        if level.form in _UNNUMBERED:
            return ""

        def number(match: re.Match[str]) -> str:
            depth = int(match[1]) - 1
            other = levels.get(str(depth), level)
            return _format(counts.get(depth, other.start), other.form)

        return _PLACE.sub(number, level.text).strip()


def _level(element: Element) -> _Level:
    start = attribute(child(element, "start"), "val", "1")
    return _Level(
        attribute(child(element, "numFmt"), "val", "decimal"),
        attribute(child(element, "lvlText"), "val"),
        int(start) if start.isdecimal() else 1,
    )


def _format(number: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter", "russianLower", "russianUpper"):
        letters = _RUSSIAN if form.startswith("russian") else _LATIN
        text = letters[(number - 1) % len(letters)] * min((number - 1) // len(letters) + 1, 5) if number > 0 else ""
        return text.upper() if form.endswith(("upperLetter", "Upper")) else text
    if form in ("lowerRoman", "upperRoman") and 0 < number < _MAX_ROMAN:
        text = _roman(number)
        return text.upper() if form == "upperRoman" else text
    return f"{number:02}" if form == "decimalZero" else str(number)


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text
