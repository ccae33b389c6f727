"""Dates, times and durations as Excel shows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from bot.library.parse.spreadsheet.format_code import Section, Token

_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # dates of a workbook have no zone
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_FIRST_MARCH_1900: Final = 60
"""Excel counts a 29 February 1900 that did not exist; days before it are one off."""
_MAX_DAYS: Final = 2_958_466
_MAX_DECIMALS: Final = 6
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_RUSSIAN_MONTHS: Final = (
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь",
)  # fmt: skip
_RUSSIAN_GENITIVES: Final = (
    "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
    "декабря",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_RUSSIAN_DAYS: Final = ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")
_RUSSIAN_SHORT_DAYS: Final = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")


def format_date(value: float, section: Section, *, is_1904: bool) -> str:
    """A day, a time of day or a duration; empty for a number that is none.

    Args:
        value: days since 1900, or since 1904.
        section: of a format with parts of a date.
    """
    tokens = list(_named_tokens(section))
    decimals = min(_decimals(tokens), _MAX_DECIMALS)
    elapsed = any(token.kind == "elapsed" for token in tokens)
    days = value + (0 if is_1904 or elapsed or not 1 <= value < _FIRST_MARCH_1900 else 1)
    if not elapsed and not 0 <= days < _MAX_DAYS:
        return ""
    seconds = round(abs(days) * 86400, decimals)
    whole = int(seconds) if decimals else round(abs(days) * 86400)
    moment = (_EPOCH_1904 if is_1904 else _EPOCH) + timedelta(seconds=0 if elapsed else whole)
    fraction = f"{seconds - int(seconds):.{decimals}f}"[2:] if decimals else ""
    has_halves = any(token.kind == "clock" for token in tokens)
    text = "".join(_shown(token, moment, whole, fraction, section, has_halves=has_halves) for token in tokens)
    return ("-" if days < 0 else "") + text.strip()


def _named_tokens(section: Section) -> Iterator[Token]:
    """The parts of a format, in which `m` after hours or before seconds is `n`, for minutes."""
    tokens = section.tokens
    parts = [index for index, token in enumerate(tokens) if token.kind in ("date", "elapsed")]
    for index, token in enumerate(tokens):
        if token.kind != "date":
            yield token
            continue
        letters = token.text.lower()
        place = parts.index(index)
        before = tokens[parts[place - 1]].text[0].lower() if place else ""
        after = tokens[parts[place + 1]].text[0].lower() if place + 1 < len(parts) else ""
        is_minutes = letters in ("m", "mm") and (before == "h" or after == "s" or before == "s")
        yield Token("date", "n" * len(letters) if is_minutes else letters)


def _decimals(tokens: list[Token]) -> int:
    """Decimals of the seconds: `ss.00`."""
    point = next((index for index, token in enumerate(tokens) if token.kind == "point"), len(tokens))
    return sum(token.kind == "digit" for token in tokens[point:])


def _shown(token: Token, moment: datetime, seconds: int, fraction: str, section: Section, *, has_halves: bool) -> str:
    if token.kind == "elapsed":
        unit, width = token.text[0], len(token.text)
        return f"{seconds // {'h': 3600, 'm': 60, 's': 1}[unit]:0{width}}"
    if token.kind == "clock":
        return "AM" if moment.hour < 12 else "PM"  # noon
    if token.kind == "point":
        return f".{fraction}" if fraction else "."
    if token.kind == "digit":
        return ""
    if token.kind != "date":
        return token.text
    return _date_part(token.text, moment, seconds, section, has_halves=has_halves)


def _date_part(letters: str, moment: datetime, seconds: int, section: Section, *, has_halves: bool) -> str:
    letter, width = letters[0], len(letters)
    if letter in "ye":
        return f"{moment.year % 100:02}" if letter == "y" and width <= 2 else f"{moment.year:04}"
    if letter == "m":
        return _month(width, moment.month, section)
    if letter == "d":
        return _day(width, moment, section)
    if letter == "h":
        hour = (moment.hour % 12 or 12) if has_halves else moment.hour
        return f"{hour:0{min(width, 2)}}"
    # Minutes and seconds are those of a duration as well, which has no moment.
    number = seconds // 60 % 60 if letter == "n" else seconds % 60
    return f"{number:0{min(width, 2)}}"


def _month(width: int, month: int, section: Section) -> str:
    if width <= 2:  # a number
        return f"{month:0{width}}"
    if not section.is_russian:
        name = _MONTHS[month - 1]
        return name[:3] if width == 3 else (name[0] if width == 5 else name)
    has_day = any(token.kind == "date" and token.text[0] in "dD" for token in section.tokens)
    name = (_RUSSIAN_GENITIVES if has_day else _RUSSIAN_MONTHS)[month - 1]
    return name[:3] if width == 3 else name  # the short name


def _day(width: int, moment: datetime, section: Section) -> str:
    if width <= 2:  # a number
        return f"{moment.day:0{width}}"
    weekday = moment.weekday()
    if section.is_russian:
        return (_RUSSIAN_SHORT_DAYS if width == 3 else _RUSSIAN_DAYS)[weekday]  # the short name
    return _DAYS[weekday][:3] if width == 3 else _DAYS[weekday]  # the short name
