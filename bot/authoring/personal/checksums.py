"""Checksums by which numbers of documents and accounts are told from other numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_INN_10: Final = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_11: Final = (7, *_INN_10)
_INN_12: Final = (3, *_INN_11)
_MIN_IBAN, _MAX_IBAN = 15, 34
_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PT": 25, "QA": 29,
    "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29,
    "VA": 22, "XK": 20,
}  # fmt: skip
"""Characters of an IBAN by its country, from the register of ISO 13616."""


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of a payment card (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_inn(digits: str) -> bool:
    """Whether ten or twelve digits are an INN, of an organisation or of a person."""
    if len(digits) == 10:
        return _weighted(digits, _INN_10) % 11 % 10 == int(digits[9])
    if len(digits) == 12:
        return _weighted(digits, _INN_11) % 11 % 10 == int(digits[10]) and _weighted(digits, _INN_12) % 11 % 10 == int(
            digits[11]
        )
    return False


def is_snils(digits: str) -> bool:
    """Whether eleven digits are a SNILS. Numbers up to 001-001-998 have no check digits and are not taken for one."""
    if len(digits) != 11 or digits[:9] <= "001001998":
        return False
    return _weighted(digits, range(9, 0, -1)) % 101 % 100 == int(digits[9:])


def iban_length(signs: str) -> int:
    """How many of the first letters and digits of a text without spaces are an IBAN; 0 if none are."""
    length = _IBAN_LENGTHS.get(signs[:2])
    lengths: Iterable[int] = (length,) if length else range(min(len(signs), _MAX_IBAN), _MIN_IBAN - 1, -1)
    return next((each for each in lengths if each <= len(signs) and _has_iban_checksum(signs[:each])), 0)


def _has_iban_checksum(signs: str) -> bool:
    number = "".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])
    return int(number) % 97 == 1


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))
