"""The beginnings of messages in WhatsApp's exports: date and time in the form of the exporting phone's language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from itertools import pairwise
from typing import Final

MARKS: Final = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
"""Characters without a width of their own, such as those that set the direction of writing."""
_MERIDIEMS: Final = {
    "am": ("am", "ص", "öö", "πμ", "오전", "上午", "午前"),
    "pm": ("pm", "م", "ös", "μμ", "오후", "下午", "午後"),
}
_IS_PM: Final = {word: half == "pm" for half, words in _MERIDIEMS.items() for word in words}
_BEFORE_TIME: Final = r"(?:(?P<before>오전|오후|上午|下午|午前|午後)\s?)?"
_AFTER_TIME: Final = r"(?:\s?(?P<after>[AaPp]\.?\s?[Mm]\.?|ص|م|ÖÖ|ÖS|[πμ]\.?μ\.?))?"
_DATE: Final = r"(?P<a>\d{1,4})(?P<mark>[./-])\s?(?P<b>\d{1,2})(?P=mark)\s?(?P<c>\d{1,4})\.?"
_TIME: Final = rf"{_BEFORE_TIME}(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?{_AFTER_TIME}"
_DATE_AND_TIME: Final = rf"{_DATE}(?:[,،]|\s(?:à|at|um|в|às))?\s{{1,2}}{_TIME}"
_ANY_MARKS: Final = f"[{MARKS}]*"
_HEADERS: Final = tuple(
    re.compile(_ANY_MARKS + form)
    for form in (
        # Android; iOS; iOS until 2017; messages copied out of WhatsApp Web.
        rf"{_DATE_AND_TIME}{_ANY_MARKS}\s[-–]\s",
        rf"\[{_DATE_AND_TIME}{_ANY_MARKS}\]\s",
        rf"{_DATE_AND_TIME}{_ANY_MARKS}:\s",
        rf"\[{_TIME},\s{_DATE}{_ANY_MARKS}\]\s",
    )
)


class DateOrder(Enum):
    """Which part of a date is the year, the month and the day, by their indices."""

    DAY_FIRST = (2, 1, 0)
    MONTH_FIRST = (2, 0, 1)
    YEAR_FIRST = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Header:
    """The date and time at the beginning of a line."""

    parts: tuple[int, int, int]
    """Of the date, as they stand."""
    mark: str
    """Between the parts."""
    hour: int
    minute: int
    second: int
    meridiem: str
    """As it stands; empty where hours are counted to 24."""
    is_bracketed: bool
    """As iOS writes it."""

    def time(self, order: DateOrder) -> datetime:
        """The time it states.

        Raises:
            ValueError: there is none such, for example on February 31.
        """
        year, month, day = (self.parts[index] for index in order.value)
        hour = self.hour
        word = re.sub(r"[.\s]", "", self.meridiem).lower()
        if word and hour <= 12:
            hour = hour % 12 + 12 * _IS_PM[word]
        year += 2000 if year < 100 else 0
        # The export does not say in which time zone its phone was.
        return datetime(year, month, day, hour, self.minute, self.second)  # noqa: DTZ001


def read_header(line: str) -> tuple[Header, str] | None:
    """The date and time a line begins with, and the rest of the line; None where it begins otherwise."""
    for form in _HEADERS:
        if match := form.match(line):
            header = Header(
                (int(match["a"]), int(match["b"]), int(match["c"])),
                match["mark"],
                int(match["hour"]),
                int(match["minute"]),
                int(match["second"] or 0),
                match["before"] or match["after"] or "",
                is_bracketed="[" in line[: match.start("a")],
            )
            return header, line[match.end() :]
    return None


def find_order(headers: Iterable[Header]) -> DateOrder:
    """The order of the parts of the dates of a file.

    A number above 31 at the beginning is a year. Otherwise a number above 12 cannot be the month. Where there is none,
    it is the order in which time goes back less often from message to message. Where that is equal, capital AM and PM
    beside slashes are taken for the American order, all else for that with the day first.
    """
    found = list(headers)
    if any(header.parts[0] > 31 for header in found):
        return DateOrder.YEAR_FIRST
    days_first = sum(header.parts[0] > 12 for header in found)
    days_second = sum(header.parts[1] > 12 for header in found)
    if days_first == days_second:
        days_first = -_count_steps_back(found, DateOrder.DAY_FIRST)
        days_second = -_count_steps_back(found, DateOrder.MONTH_FIRST)
    if days_first == days_second:
        is_american = any(header.meridiem in ("AM", "PM") and header.mark == "/" for header in found)
        return DateOrder.MONTH_FIRST if is_american else DateOrder.DAY_FIRST
    return DateOrder.DAY_FIRST if days_first > days_second else DateOrder.MONTH_FIRST


def _count_steps_back(headers: Iterable[Header], order: DateOrder) -> int:
    days: list[date] = []
    for header in headers:
        try:
            days.append(header.time(order).date())
        except ValueError:
            continue
    return sum(later < earlier for earlier, later in pairwise(days))
