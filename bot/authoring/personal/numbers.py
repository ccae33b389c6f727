"""Numbers of documents and accounts: by their checksums, and by the words around them where those do not suffice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.authoring.personal.checksums import iban_length, is_inn, is_luhn, is_snils
from bot.authoring.personal.finds import Find, PersonalKind

_NEAR: Final = 80
"""Characters before and after a number in which a word says what it is."""
_MARK: Final = r"[ \u00a0\u202f\u2009.\-–]?"
"""What may stand between groups of digits."""
_CARD: Final = re.compile(rf"(?<![\d+])\d(?:{_MARK}\d){{12,18}}(?!\d)")
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}")
_SNILS: Final = re.compile(r"(?<![\d+])\d{3}[- \u00a0]?\d{3}[- \u00a0]?\d{3}[- \u00a0]?\d{2}(?!\d)")
_INN: Final = re.compile(r"(?<![\d+.,])(?:\d{12}|\d{10})(?![\d])")
_PASSPORT: Final = re.compile(
    r"(?<![\w+])(?:(?P<series>\d{2}[ \u00a0]?\d{2})[ \u00a0,]*(?P<sign>№|N|номер|no\.?)?[ \u00a0]*(?P<number>\d{6})"
    r"|(?P<foreign>[A-Z]{1,2}\d{6,8}|\d{2}[ \u00a0]?\d{7}|\d{9}))(?!\w)",
    re.IGNORECASE,
)
_CARD_WORDS: Final = re.compile(r"\bкарт[ауеы]\b|\bкарточк|сбер|\bcard\b|\bvisa\b|mastercard", re.IGNORECASE)
_SNILS_WORDS: Final = re.compile(
    r"снилс|snils|страхов\w+ (?:свидетельств|номер)|insurance number|пенсионн", re.IGNORECASE
)
_INN_WORDS: Final = re.compile(r"\bинн\b|\binn\b|налогоплат|налогов|taxpayer|tax (?:number|id)", re.IGNORECASE)
_PASSPORT_WORDS: Final = re.compile(r"паспорт|passport|загран|серия|документ\w* удостовер", re.IGNORECASE)
_CARD_LENGTHS: Final = (
    # The first digits of an issuer, and how many digits its numbers have.
    (re.compile(r"220[0-4]"), (16, 17, 18, 19)),
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"3(?:0[0-5]|[689]|5)"), (14, 16)),
    (re.compile(r"6(?:011|4[4-9]|5|2)|5[06-8]|6[0-9]"), (16, 17, 18, 19)),
    (re.compile(r"9860|8600"), (16,)),
)


def find_numbers(text: str) -> Iterator[Find]:
    """IBANs, cards, SNILS, INN and passports, the surest first. They may overlap."""
    yield from _ibans(text)
    yield from _cards(text)
    yield from _snils(text)
    yield from _inns(text)
    yield from _passports(text)


def _ibans(text: str) -> Iterator[Find]:
    for match in _IBAN.finditer(text):
        places = [place for place in range(match.start(), match.end()) if text[place].isalnum()]
        signs = "".join(text[place] for place in places)
        if length := iban_length(signs):
            yield Find(PersonalKind.IBAN, match.start(), places[length - 1] + 1, signs[:length])


def _cards(text: str) -> Iterator[Find]:
    for match in _CARD.finditer(text):
        places = [place for place in range(match.start(), match.end()) if text[place].isdigit()]
        digits = "".join(text[place] for place in places)
        # What follows a card may be digits of something else: its date, a sum.
        for length in range(len(digits), 12, -1):
            end = places[length - 1] + 1
            fits = any(form.match(digits) and length in lengths for form, lengths in _CARD_LENGTHS)
            if fits and not text[end : end + 1].isdigit() and is_luhn(digits[:length]):
                yield Find(PersonalKind.CARD, match.start(), end, digits[:length])
                break
        else:
            # With a mistake in it, it is still nearly a card.
            if len(digits) == 16 and _is_named(text, match, _CARD_WORDS):
                yield Find(PersonalKind.CARD, match.start(), match.end(), digits)


def _snils(text: str) -> Iterator[Find]:
    for match in _SNILS.finditer(text):
        digits = _digits(match[0])
        if not is_snils(digits):
            continue
        # Eleven digits in a row may be a telephone number that fits by chance: one of a hundred does.
        is_sure = match[0].count("-") >= 2 or not _looks_like_phone(match[0])
        if is_sure or _is_named(text, match, _SNILS_WORDS):
            yield Find(PersonalKind.SNILS, match.start(), match.end(), digits)


def _inns(text: str) -> Iterator[Find]:
    for match in _INN.finditer(text):
        digits = match[0]
        # Of ten digits every eleventh number fits by chance, of twelve one of a hundred and twenty.
        if is_inn(digits) and (_is_named(text, match, _INN_WORDS) or len(digits) == 12):
            yield Find(PersonalKind.INN, match.start(), match.end(), digits)


def _passports(text: str) -> Iterator[Find]:
    for match in _PASSPORT.finditer(text):
        is_written_as_one = match["sign"] == "№" or (match["series"] and " " in match["series"])
        if is_written_as_one or _is_named(text, match, _PASSPORT_WORDS):
            key = re.sub(r"[^A-Z0-9]", "", match[0].upper().replace("NO", "").replace("N", ""))
            yield Find(PersonalKind.PASSPORT, match.start(), match.end(), key)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _looks_like_phone(text: str) -> bool:
    return text.isdigit() and text[0] in "78"


def _is_named(text: str, match: re.Match[str], words: re.Pattern[str]) -> bool:
    return words.search(text, max(0, match.start() - _NEAR), match.end() + _NEAR) is not None
