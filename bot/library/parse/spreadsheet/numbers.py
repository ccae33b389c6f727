"""Numbers as Excel shows them: rounded, with percents, currencies, thousands, fractions, dates and times."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Final

from bot.library.parse.spreadsheet.format_code import Section, Token, choose_section, parse_format

_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # dates of a workbook have no zone
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_FIRST_MARCH_1900: Final = 60
"""Excel counts a 29 February 1900 that did not exist; days before it are one off."""
_MAX_DAYS: Final = 2_958_466
_SHOWN_DIGITS: Final = 10
"""Significant digits of a number without a format, as in a cell of common width."""
_MAX_EXACT: Final = 1e15
_PRECISION: Final = 700
"""Digits with which numbers are rounded: those of the largest one, and as many decimals as a format may have."""
_TEXT_SECTION: Final = 4


def format_number(value: float, code: str, *, is_1904: bool = False) -> str:
    """A number as a cell with this format shows it. Dates are in ISO 8601, because their order is the reader's choice.

    Args:
        is_1904: whether days are counted from 1904 and not from 1900.
    """
    if not math.isfinite(value):
        return str(value)
    sections = parse_format(code)
    section, is_signless = choose_section(sections, value)
    if section.is_date:
        return _format_date(value, section, is_1904=is_1904)
    shown = abs(value) if is_signless else value
    if section.has("general"):
        return _fill_general(shown, section)
    if not section.has("digit"):
        # Words stand for the number; `@` and an empty format show it as it is.
        if section.has("text"):
            return _format_general(value)
        text = "".join(token.text for token in section.tokens).strip()
        return text if section.tokens or len(sections) > 1 else _format_general(value)
    if section.has("slash") and not section.has("point", "exponent"):
        return _format_fraction(shown, section)
    return _format_decimal(shown, section)


def format_text(text: str, code: str) -> str:
    """A text as a cell with this format shows it."""
    sections = parse_format(code)
    section = sections[3] if len(sections) >= _TEXT_SECTION else sections[0]
    if not section.has("text"):
        return "" if len(sections) >= _TEXT_SECTION and not section.tokens else text
    return "".join(text if token.kind == "text" else token.text for token in section.tokens).strip()


def _format_general(value: float) -> str:
    if value == int(value) and abs(value) < _MAX_EXACT:
        return str(int(value))
    return f"{value:.{_SHOWN_DIGITS}g}"


def _fill_general(value: float, section: Section) -> str:
    parts = (_format_general(value) if token.kind == "general" else token.text for token in section.tokens)
    return "".join(parts).strip()


def _format_decimal(value: float, section: Section) -> str:
    tokens = section.tokens
    point = next((index for index, token in enumerate(tokens) if token.kind == "point"), len(tokens))
    exponent = next((index for index, token in enumerate(tokens) if token.kind == "exponent"), len(tokens))
    digits = [index for index, token in enumerate(tokens) if token.kind == "digit"]
    whole = [index for index in digits if index < min(point, exponent)]
    decimals = [index for index in digits if point < index < exponent]
    last = max(whole, default=-1)
    commas = [index for index, token in enumerate(tokens) if token.kind == "comma"]
    if exponent < len(tokens):
        return _format_scientific(value, tokens, exponent, decimals)
    # Commas after the last digit divide by a thousand each, those between digits separate thousands.
    thousands = sum(1 for index in commas if index > max(digits) or last < index < point)
    hundreds = sum(token.kind == "percent" for token in tokens)
    with localcontext(prec=_PRECISION):
        number = Decimal(repr(value)).scaleb(2 * hundreds - 3 * thousands)
        rounded = abs(number).quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    integer, _, fraction = f"{rounded:f}".partition(".")
    shown_fraction = _optional_digits(fraction, [tokens[index].text for index in decimals])
    has_thousands = any(whole and whole[0] < index < last for index in commas)
    placed = _place_integer(integer, tokens, whole, has_thousands=has_thousands)
    text = ""
    decimal = iter(shown_fraction)
    for index, token in enumerate(tokens):
        if index in placed:
            text += placed[index]
        elif token.kind == "digit":
            text += next(decimal, "")
        elif token.kind == "point":
            # Without an integer placeholder, as in `.00`, the integer stands before the point.
            text += ("" if whole or integer == "0" else integer) + ("." if shown_fraction else "")
        elif token.kind != "comma":
            text += token.text
    sign = "-" if number < 0 and rounded else ""
    return sign + text.strip()


def _place_integer(integer: str, tokens: tuple[Token, ...], whole: list[int], *, has_thousands: bool) -> dict[int, str]:
    """What stands at each digit placeholder before the point: one digit from the right, the first has all the rest."""
    required = sum(tokens[index].text == "0" for index in whole)
    integer = integer.lstrip("0").rjust(required, "0")
    placed: dict[int, str] = {}
    count = 0
    for index in reversed(whole):
        taken = integer[-1:] if index != whole[0] else integer
        integer = integer[: len(integer) - len(taken)]
        shown = ""
        for digit in reversed(taken):
            if has_thousands and count and count % 3 == 0:
                shown = f",{shown}"
            shown = digit + shown
            count += 1
        placed[index] = shown
    # A separator belongs before the digits to its right.
    return placed


def _optional_digits(fraction: str, places: list[str]) -> str:
    """The decimals without trailing zeros that the format does not ask for."""
    length = len(fraction)
    while length and fraction[length - 1] == "0" and places[length - 1] != "0":
        length -= 1
    return fraction[:length]


def _format_scientific(value: float, tokens: tuple[Token, ...], exponent: int, decimals: list[int]) -> str:
    mantissa, _, power = f"{value:.{len(decimals)}E}".partition("E")
    width = sum(token.kind == "digit" for token in tokens[exponent:])
    sign = "-" if int(power) < 0 else ("+" if "+" in tokens[exponent].text else "")
    return f"{mantissa}E{sign}{abs(int(power)):0{max(width, 1)}}"


def _format_fraction(value: float, section: Section) -> str:
    slash = next(index for index, token in enumerate(section.tokens) if token.kind == "slash")
    stated = "".join(token.text for token in section.tokens[slash + 1 :] if token.text.isdecimal())
    width = sum(token.kind == "digit" for token in section.tokens[slash + 1 :])
    exact = Fraction(Decimal(repr(abs(value))))
    if stated.strip("0"):
        part = Fraction(round(exact * int(stated)), int(stated))
    else:
        part = exact.limit_denominator(10 ** min(max(width, 1), 4) - 1)
    whole, rest = divmod(part, 1)
    sign = "-" if value < 0 and part else ""
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole} {rest}" if whole else f"{sign}{rest}"


def _format_date(value: float, section: Section, *, is_1904: bool) -> str:
    if section.has("elapsed"):
        return _format_elapsed(value, section)
    days = value + (1 if not is_1904 and 0 < value < _FIRST_MARCH_1900 and value >= 1 else 0)
    if not 0 <= days < _MAX_DAYS:
        return _format_general(value)
    moment = (_EPOCH_1904 if is_1904 else _EPOCH) + timedelta(seconds=round(days * 86400))
    letters = [token.text[0].lower() for token in section.tokens if token.kind == "date"]
    has_clock = "h" in letters or "s" in letters or section.has("clock")
    has_year, has_day = "y" in letters or "e" in letters, "d" in letters
    has_month = "m" in letters and (has_year or has_day or not has_clock)
    date = ""
    if has_day or (has_month and not has_year):
        date = f"{moment:%Y-%m-%d}"
    elif has_month:
        date = f"{moment:%Y-%m}"
    elif has_year:
        date = f"{moment:%Y}"
    if not has_clock:
        return date
    if "h" not in letters:
        return f"{moment:%M:%S}"
    clock = f"{moment:%H:%M:%S}" if "s" in letters else f"{moment:%H:%M}"
    return f"{date} {clock}" if date else clock


def _format_elapsed(value: float, section: Section) -> str:
    """A duration; its largest unit goes on counting: 26:30 and not 2:30."""
    unit = next(token.text[0] for token in section.tokens if token.kind == "elapsed")
    letters = {token.text[0].lower() for token in section.tokens if token.kind == "date"}
    sign = "-" if value < 0 else ""
    seconds = round(abs(value) * 86400)
    if unit == "s":
        return f"{sign}{seconds}"
    if unit == "m":
        return f"{sign}{seconds // 60}:{seconds % 60:02}" if "s" in letters else f"{sign}{seconds // 60}"
    clock = f"{sign}{seconds // 3600}"
    if "m" in letters:
        clock += f":{seconds // 60 % 60:02}"
    return f"{clock}:{seconds % 60:02}" if "s" in letters else clock
