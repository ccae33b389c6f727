"""Numbers in a text, in digits or words, in one form; and whether a question asks for a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

DIGITS_PATTERN: Final = r"\d{4}-\d\d-\d\d|\d+(?:[.,:]\d+)*"
"""A number or a date as it is written in digits."""
_DIGITS: Final = re.compile(DIGITS_PATTERN)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_DECIMAL: Final = re.compile(r"\d+[.,]\d+")
_ENGLISH_ONES: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_ENGLISH_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_RUSSIAN_FORMS: Final[dict[int, str]] = {
    0: "ноль ноля нуль нуля",
    1: "один одна одно одного одной одну одним одном одному",
    2: "два две двух двум двумя",
    3: "три трех трем тремя",
    4: "четыре четырех четырем четырьмя",
    5: "пять пяти пятью",
    6: "шесть шести шестью",
    7: "семь семи семью",
    8: "восемь восьми восемью восьмью",
    9: "девять девяти девятью",
    10: "десять десяти десятью",
    11: "одиннадцать одиннадцати",
    12: "двенадцать двенадцати",
    13: "тринадцать тринадцати",
    14: "четырнадцать четырнадцати",
    15: "пятнадцать пятнадцати",
    16: "шестнадцать шестнадцати",
    17: "семнадцать семнадцати",
    18: "восемнадцать восемнадцати",
    19: "девятнадцать девятнадцати",
    20: "двадцать двадцати",
    30: "тридцать тридцати",
    40: "сорок сорока",
    50: "пятьдесят пятидесяти",
    60: "шестьдесят шестидесяти",
    70: "семьдесят семидесяти",
    80: "восемьдесят восьмидесяти",
    90: "девяносто девяноста",
    100: "сто ста",
    200: "двести двухсот",
    300: "триста трехсот",
    400: "четыреста четырехсот",
    500: "пятьсот пятисот",
    600: "шестьсот шестисот",
    700: "семьсот семисот",
    800: "восемьсот восьмисот",
    900: "девятьсот девятисот",
}
_WORD_VALUES: Final[dict[str, int]] = {
    **{word: value for value, word in enumerate(_ENGLISH_ONES)},
    **{word: 10 * tens for tens, word in enumerate(_ENGLISH_TENS, 2)},
    **{form: value for value, forms in _RUSSIAN_FORMS.items() for form in forms.split()},
}
_HUNDRED: Final = "hundred"
_POWERS: Final[dict[str, int]] = {
    form: value
    for value, forms in {
        1_000: "thousand thousands тысяча тысячи тысяч тысячу тысяче тысячам тысячами тысячах тыс",
        1_000_000: "million millions миллион миллиона миллионов миллиону миллионам миллионами миллионах млн",
        1_000_000_000: "billion billions миллиард миллиарда миллиардов миллиарду миллиардам миллиардами млрд",
    }.items()
    for form in forms.split()
}
_GROUP: Final = re.compile(r"\d{3}")
_FIRST_GROUP: Final = re.compile(r"[1-9]\d{0,2}")
_ONE_AND_A_HALF: Final = frozenset(("полтора", "полторы", "полутора"))
_HALF: Final[Sequence[Sequence[str]]] = (("and", "a", "half"), ("с", "половиной"))


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number, and the words of the text that say it."""

    value: str
    """In its one form."""
    start: int
    """Index of its first word."""
    end: int
    """Index after its last word."""


def find_numerals(words: Sequence[str]) -> Iterator[Numeral]:
    """The numbers among the words of a text; a bare “one” is none, for it counts nothing as often as it does.

    Args:
        words: in lower case, ё written as е, digits as words of their own.
    """
    at = 0
    while at < len(words):
        found = _parse_digits(words, at) or _parse_words(words, at)
        if found is None:
            at += 1
            continue
        if found.value != "1" or words[found.start][0].isdigit():
            yield found
        at = found.end


def is_numeric(word: str) -> bool:
    """Whether a word is written in digits."""
    return _DIGITS.fullmatch(word) is not None


def _parse_digits(words: Sequence[str], at: int) -> Numeral | None:
    word = words[at]
    if not is_numeric(word):
        return None
    if ":" in word or "-" in word:
        return Numeral(word, at, at + 1)
    end = at + 1
    if _FIRST_GROUP.fullmatch(word):
        # 1 200 000, as thousands are set apart in Russian.
        while end < len(words) and _GROUP.fullmatch(words[end]):
            word, end = word + words[end], end + 1
    if _THOUSANDS.fullmatch(word):
        word = word.replace(",", "")
    elif not _DECIMAL.fullmatch(word) and not word.isdigit():
        return Numeral(word, at, end)
    value = Decimal(word.replace(",", "."))
    if word.isdigit() and (half := _end_of_half(words, end)):
        value, end = value + Decimal("0.5"), half
    if end < len(words) and (power := _POWERS.get(words[end])):
        value, end = value * power, end + 1
    return Numeral(_format_value(value), at, end)


def _parse_words(words: Sequence[str], at: int) -> Numeral | None:
    """The longest number that the words from here on spell."""
    if words[at] in _ONE_AND_A_HALF:
        return Numeral("1.5", at, at + 1)
    whole, group, end = 0, None, at
    while end < len(words):
        word = words[end]
        if (value := _WORD_VALUES.get(word)) is not None and _can_follow(group, value):
            group = (group or 0) + value
        elif word == _HUNDRED and group is not None and 0 < group < 10:
            group *= 100
        elif (power := _POWERS.get(word)) and (group is not None or end == at) and whole % (power * 1000) == 0:
            whole, group = whole + (1 if group is None else group) * power, None
        elif not (word == "and" and _is_linking_and(words, group, end)):
            break
        end += 1
    if end == at:
        return None
    value_of_all = Decimal(whole + (group or 0))
    if decimals := _decimals(words, end):
        return Numeral(_format_value(Decimal(f"{value_of_all}.{''.join(decimals)}")), at, end + 1 + len(decimals))
    if half := _end_of_half(words, end):
        return Numeral(_format_value(value_of_all + Decimal("0.5")), at, half)
    return Numeral(_format_value(value_of_all), at, end)


def _can_follow(group: int | None, value: int) -> bool:
    """Whether a smaller number may follow in the same one: five after forty, and not forty after five."""
    if group is None:
        return True
    if value == 0:
        return False
    if value < 10:
        return group % 10 == 0 and group % 100 != 10 and group > 0
    return group % (100 if value < 100 else 1000) == 0 and group > 0


def _is_linking_and(words: Sequence[str], group: int | None, at: int) -> bool:
    """Whether “and” stands within a number: one hundred and five."""
    follows = _WORD_VALUES.get(words[at + 1]) if at + 1 < len(words) else None
    return group is not None and group >= 100 and group % 100 == 0 and follows is not None and 0 < follows < 100


def _decimals(words: Sequence[str], at: int) -> list[str]:
    if at >= len(words) or words[at] != "point":
        return []
    found = []
    for word in words[at + 1 :]:
        value = _WORD_VALUES.get(word)
        if value is None or value > 9:
            break
        found.append(str(value))
    return found


def _end_of_half(words: Sequence[str], at: int) -> int | None:
    """Index after “and a half”, if it stands here."""
    for half in _HALF:
        if list(words[at : at + len(half)]) == list(half):
            return at + len(half)
    return None


def _format_value(value: Decimal) -> str:
    return format(value.normalize(), "f")


_ASKS_FOR_NUMBER: Final = re.compile(
    r"\d|[%№]"
    r"|\bhow\s+(?:many|much|long|often|far|high|heavy|old|fast)\b"
    r"|\b(?:percent\w*|average|maximum|minimum|number\s+of|amount\s+of)\b"
    r"|\b(?:сколько|скольк\w+|насколько|процент\w*|средн(?:ий|яя|ее|его|ем|юю)|максимальн\w+|минимальн\w+)\b"
    r"|\b(?:как\s+(?:часто|долго|далеко))\b|\b(?:число|количеств\w+|величин\w+)\b",
    re.IGNORECASE,
)


def asks_for_number(question: str) -> bool:
    """Whether a question names a number or asks for one, so that tables are likelier to hold the answer."""
    return _ASKS_FOR_NUMBER.search(question) is not None
