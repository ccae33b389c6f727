"""Numbers as Excel shows them: rounded, with percents, currencies, thousands and fractions."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Final

from bot.library.parse.spreadsheet.dates import format_date
from bot.library.parse.spreadsheet.format_code import Section, Token, choose_section, parse_format

_SHOWN_DIGITS: Final = 10
"""Significant digits of a number without a format, as in a cell of common width."""
_MAX_EXACT: Final = 1e15
_PRECISION: Final = 700
"""Digits with which numbers are rounded: those of the largest one, and as many decimals as a format may have."""
_TEXT_SECTION: Final = 4


def format_number(value: float, code: str, *, is_1904: bool = False) -> str:
    """A number as a cell with this format shows it.

    Args:
        is_1904: whether days are counted from 1904 and not from 1900.
    """
    if not math.isfinite(value):
        return str(value)
    sections = parse_format(code)
    section, is_signless = choose_section(sections, value)
    if section.is_date:
        return format_date(value, section, is_1904=is_1904) or format_general(value)
    shown = abs(value) if is_signless else value
    if section.has("general"):
        return _fill_general(shown, section)
    if not section.has("digit"):
        # Words stand for the number; `@` and an empty format show it as it is.
        if section.has("text"):
            return format_general(value)
        text = "".join(token.text for token in section.tokens).strip()
        return text if section.tokens or len(sections) > 1 else format_general(value)
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


def format_general(value: float) -> str:
    """A number without a format."""
    if value == int(value) and abs(value) < _MAX_EXACT:
        return str(int(value))
    return f"{value:.{_SHOWN_DIGITS}g}"


def _fill_general(value: float, section: Section) -> str:
    parts = (format_general(value) if token.kind == "general" else token.text for token in section.tokens)
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
