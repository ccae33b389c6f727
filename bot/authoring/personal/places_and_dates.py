"""Street addresses, and dates that are somebody's birthday."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.authoring.personal.finds import Find, PersonalKind
from bot.text.calendar import MONTH_NUMBERS

_NEAR: Final = 60
"""Characters before and after a date in which a word says that somebody was born on it."""
_MONTH: Final = "|".join(sorted(map(re.escape, MONTH_NUMBERS), key=len, reverse=True))
_DATE: Final = re.compile(
    rf"(?<![\w./])(?:\d{{4}}[-./]\d{{1,2}}[-./]\d{{1,2}}|\d{{1,2}}[./-]\d{{1,2}}[./-](?:\d{{4}}|\d{{2}})"
    rf"|\d{{1,2}}(?:st|nd|rd|th|-?(?:го|е))?\s+(?:of\s+)?(?:{_MONTH})\.?(?:,?\s+\d{{4}})?(?:\s*(?:года|г\.))?"
    rf"|(?:{_MONTH})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?)(?![\w/])",
    re.IGNORECASE,
)
_BIRTH_WORDS: Final = re.compile(
    r"родил[асоь]|рожден|день рожд|\bдр\b|\bд\.\s?р\.|\bг\.\s?р\.|появил\w+ на свет|\bborn\b|birth|\bdob\b|\bbday\b",
    re.IGNORECASE,
)
_TYPE_RU: Final = (
    r"(?:улиц[аеуы]|ул\.?|проспект[ае]?|просп\.?|пр-т|пр-кт|пр\.|переул(?:ок|ке|ка)|пер\.?|шоссе|ш\.|набережн(?:ая|ой)|наб\.?"
    r"|бульвар[ае]?|б-р|площад[ьи]|пл\.|проезд[ае]?|пр-д|тупик[ае]?|аллея|микрорайон|мкр\.?|линия)"
)
_NAME_RU: Final = r"(?:\d{1,3}-?(?:й|я|го|ая|ый)?\s+)?[А-ЯЁ][а-яё-]+(?:\s+[А-ЯЁ][а-яё-]+){0,2}"
_BEFORE_NAME_RU: Final = r"(?:(?:реки|канала|имени|им\.|академика|маршала|генерала|адмирала|профессора)\s*)?"
_HOUSE_RU: Final = (
    r",?\s*(?:(?:дом|д\.?)\s*№?\s*)?\d{1,4}(?:\s?[а-яёА-ЯЁ](?![а-яё])|/\d{1,3}|-бис)?"
    r"(?:,?\s*(?:корпус|корп?\.?|к\.?|строение|стр\.?)\s*\d{1,3})?"
    r"(?:,?\s*(?:подъезд|под\.?)\s*\d{1,2})?(?:,?\s*(?:этаж|эт\.?)\s*\d{1,2})?"
    r"(?:,?\s*(?:квартира|кв\.?|офис|оф\.?)\s*№?\s*\d{1,5})?"
)
_CITY_RU: Final = (
    r"(?:(?:\d{6},?\s+)?(?:(?:г\.|город|гор\.|пос\.|с\.|дер\.)\s*[А-ЯЁ][а-яё-]+|[А-ЯЁ][а-яё-]+(?=,)),\s*)?"
)
_RUSSIAN: Final = re.compile(
    rf"(?<!\w){_CITY_RU}(?:(?<!\w)(?i:{_TYPE_RU})\s*{_BEFORE_NAME_RU}{_NAME_RU}|{_NAME_RU}\s+(?i:{_TYPE_RU})(?!\w)){_HOUSE_RU}(?!\w)"
)
_FLAT: Final = re.compile(
    r"(?<!\w)[А-ЯЁ][а-яё-]+(?:\s+[А-ЯЁ][а-яё-]+)?,?\s+(?:(?:дом|д\.?)\s*)?\d{1,3}(?:\s?[а-я](?![а-яё])|/\d{1,3})?"
    r",?\s*(?:квартира|кв\.?)\s*№?\s*\d{1,5}(?!\w)"
)
"""A street without the word: a flat says that it is one."""
_TYPE_EN: Final = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Sq|Terrace|Close"
    r"|Crescent|Gardens|Highway|Hwy|Parkway|Pkwy|Row|Hill|Walk)"
)
_ENGLISH: Final = re.compile(
    rf"(?<![\w.])\d{{1,5}}[A-Za-z]?,?\s+(?:[NSEW]\.?\s+)?(?:[A-Z][a-z']+\s+){{1,3}}{_TYPE_EN}\b\.?"
    r"(?:,?\s+(?:Apt|Apartment|Flat|Suite|Unit|#)\.?\s*\w{1,5})?"
    r"(?:,\s+[A-Z][a-z]+(?:\s[A-Z][a-z]+)?)?"
    r"(?:,?\s+(?:[A-Z]{2}\s+\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}))?"
)


def find_birth_dates(text: str) -> Iterator[Find]:
    """Dates beside a word of birth."""
    for match in _DATE.finditer(text):
        around = max(0, match.start() - _NEAR), match.end() + _NEAR
        if _BIRTH_WORDS.search(text, *around):
            yield Find(PersonalKind.BIRTH_DATE, match.start(), match.end(), " ".join(match[0].lower().split()))


def find_addresses(text: str) -> Iterator[Find]:
    """A street and a house, with town and flat where they stand beside."""
    for form in (_RUSSIAN, _FLAT, _ENGLISH):
        for match in form.finditer(text):
            key = re.sub(r"[\W_]+", " ", match[0].lower()).strip()
            yield Find(PersonalKind.ADDRESS, match.start(), match.end(), key)
