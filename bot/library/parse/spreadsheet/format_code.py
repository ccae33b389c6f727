"""Number formats of Excel, taken apart: `#,##0.00 "€";[Red]-0.0%`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

BUILT_IN: Final = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "$#,##0", 6: "$#,##0", 7: "$#,##0.00",
    8: "$#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)", 41: "#,##0", 42: "$#,##0", 43: "#,##0.00", 44: "$#,##0.00", 45: "mm:ss",
    46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
    **dict.fromkeys((*range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss"),
}  # fmt: skip
"""The formats that have a number and no code."""

_TOKEN: Final = re.compile(
    r"""
    "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | _(?P<space>.) | \*(?P<filled>.) | \[(?P<bracket>[^\]]*)\]
    | (?P<general>General) | (?P<clock>AM/PM|A/P) | (?P<date>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+|[gGeE](?![+-])+)
    | (?P<exponent>[eE][+-]) | (?P<digit>[0#?]) | (?P<point>\.) | (?P<comma>,) | (?P<percent>%) | (?P<slash>/)
    | (?P<text>@) | (?P<literal>.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_CONDITION: Final = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "<>": operator.ne,
}  # fmt: skip
_ELAPSED: Final = re.compile(r"[hH]+|[mM]+|[sS]+")
_RUSSIAN: Final = "19"
"""How the code of the Russian language ends: 419, or FC19 with the months in the genitive."""
_MAX_CODE_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a format."""

    kind: str
    """`digit`, `point`, `comma`, `percent`, `slash`, `exponent`, `text`, `date`, `clock`, `elapsed`, `general`,
    `literal`."""
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """The format of some of the values: of the negative ones, or of those over a bound."""

    tokens: tuple[Token, ...]
    condition: tuple[str, float] | None = None
    is_russian: bool = False
    """Whether the names of months and days are Russian; otherwise they are English."""

    def has(self, *kinds: str) -> bool:
        """Whether it has a piece of one of these kinds."""
        return any(token.kind in kinds for token in self.tokens)

    @property
    def is_date(self) -> bool:
        """Whether it shows numbers as dates or times."""
        return self.has("date", "elapsed", "clock")

    def takes(self, value: float) -> bool:
        """Whether its condition is true of a value; it must have one."""
        assert self.condition is not None
        sign, bound = self.condition
        return _COMPARE[sign](value, bound)


@cache
def parse_format(code: str) -> tuple[Section, ...]:
    """The sections of a format: for positive numbers, negative ones, zero and text."""
    sections: list[list[Token]] = [[]]
    conditions: list[tuple[str, float] | None] = [None]
    is_russian = [False]
    for match in _TOKEN.finditer(code[:_MAX_CODE_LENGTH]):
        kind, text = match.lastgroup or "literal", match[match.lastgroup or 0]
        if kind == "literal" and text == ";":
            sections.append([])
            conditions.append(None)
            is_russian.append(False)
        elif kind == "bracket":
            if condition := _CONDITION.fullmatch(text):
                conditions[-1] = (condition[1], float(condition[2]))
            elif _ELAPSED.fullmatch(text):
                sections[-1].append(Token("elapsed", text.lower()))
            elif text.startswith("$"):
                # A currency with its language.
                currency, _, language = text[1:].partition("-")
                sections[-1].append(Token("literal", currency))
                is_russian[-1] |= language.upper().endswith(_RUSSIAN)
        elif kind in ("quoted", "escaped"):
            sections[-1].append(Token("literal", text))
        elif kind == "space":
            sections[-1].append(Token("literal", " "))
        elif kind != "filled":
            sections[-1].append(Token(kind, text))
    return tuple(
        Section(tuple(tokens), condition, russian)
        for tokens, condition, russian in zip(sections, conditions, is_russian, strict=True)
    )


def choose_section(sections: tuple[Section, ...], value: float) -> tuple[Section, bool]:
    """The section for a number, and whether it writes a negative one without its sign."""
    if any(section.condition for section in sections):
        for section in sections:
            if section.condition is None or section.takes(value):
                return section, False
        return sections[-1], False
    if value < 0 and len(sections) > 1:
        return sections[1], True
    if value == 0 and len(sections) > 2:  # the third is for zero
        return sections[2], False
    return sections[0], False
