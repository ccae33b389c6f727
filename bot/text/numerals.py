"""Number words, the numbers that digits and words make in a text, and whether a question asks for a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

ENGLISH_NUMBERS: Final = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
RUSSIAN_NUMBERS: Final[dict[int, tuple[str, ...]]] = {
    value: tuple(forms.split())
    for value, forms in {
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
        11: "одиннадцать одиннадцати одиннадцатью",
        12: "двенадцать двенадцати двенадцатью",
        13: "тринадцать тринадцати тринадцатью",
        14: "четырнадцать четырнадцати четырнадцатью",
        15: "пятнадцать пятнадцати пятнадцатью",
        16: "шестнадцать шестнадцати шестнадцатью",
        17: "семнадцать семнадцати семнадцатью",
        18: "восемнадцать восемнадцати восемнадцатью",
        19: "девятнадцать девятнадцати девятнадцатью",
        20: "двадцать двадцати двадцатью",
        30: "тридцать тридцати тридцатью",
        40: "сорок сорока",
        50: "пятьдесят пятидесяти пятьюдесятью",
        60: "шестьдесят шестидесяти шестьюдесятью",
        70: "семьдесят семидесяти семьюдесятью",
        80: "восемьдесят восьмидесяти восемьюдесятью",
        90: "девяносто девяноста",
        100: "сто ста",
        200: "двести двухсот двумстам двумястами двухстах",
        300: "триста трехсот тремстам тремястами трехстах",
        400: "четыреста четырехсот четыремстам четырьмястами четырехстах",
        500: "пятьсот пятисот пятистам пятьюстами пятистах",
        600: "шестьсот шестисот шестистам шестьюстами шестистах",
        700: "семьсот семисот семистам семьюстами семистах",
        800: "восемьсот восьмисот восьмистам восемьюстами восьмистах",
        900: "девятьсот девятисот девятистам девятьюстами девятистах",
    }.items()
}
"""The forms of each number, the nominative first, ё written as е."""
_ENGLISH_ORDINAL_WORDS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
)  # fmt: skip
_RUSSIAN_ORDINAL_STEMS: Final = (
    "перв", "втор", "треть", "четверт", "пят", "шест", "седьм", "восьм", "девят", "десят", "одиннадцат", "двенадцат",
    "тринадцат", "четырнадцат", "пятнадцат", "шестнадцат", "семнадцат", "восемнадцат", "девятнадцат", "двадцат",
)  # fmt: skip
_RUSSIAN_ORDINAL_ENDINGS: Final = ("ый", "ой", "ое", "ая", "ую", "ого", "ому", "ым", "ом")
_THIRD_ENDINGS: Final = ("е", "я", "ей", "ю", "его", "ему", "им", "ем")


def _to_thirty_one(simple: dict[str, int], thirtieth: dict[str, int], twenty: str, thirty: str) -> dict[str, int]:
    """Ordinals up to 31: those of one word, and those made of tens and one of the first nine."""
    compound = {
        f"{tens} {word}": value + number
        for tens, value in ((twenty, 20), (thirty, 30))
        for word, number in simple.items()
        if number < 10 and value + number <= 31
    }
    return simple | thirtieth | compound


ENGLISH_ORDINALS: Final[dict[str, int]] = _to_thirty_one(
    {word: number for number, word in enumerate(_ENGLISH_ORDINAL_WORDS, 1)}, {"thirtieth": 30}, "twenty", "thirty"
)
RUSSIAN_ORDINALS: Final[dict[str, int]] = _to_thirty_one(
    {
        stem + ending: number
        for number, stem in enumerate(_RUSSIAN_ORDINAL_STEMS, 1)
        for ending in (_THIRD_ENDINGS if stem == "треть" else _RUSSIAN_ORDINAL_ENDINGS)
    }
    | {"третий": 3},
    {f"тридцат{ending}": 30 for ending in _RUSSIAN_ORDINAL_ENDINGS},
    "двадцать",
    "тридцать",
)
"""The numbers of days of a month, in all cases, ё written as е, the words of one number with a blank between."""
HOW_QUANTITIES: Final = ("many", "much", "long", "often", "far", "high", "heavy", "old", "fast")
"""What follows "how" in a question that asks for a number."""

DIGITS_PATTERN: Final = r"\d{4}-\d\d-\d\d|\d+(?:[.,:]\d+)*"
"""A number or a date as it is written in digits."""
_DIGITS: Final = re.compile(DIGITS_PATTERN)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_DECIMAL: Final = re.compile(r"\d+[.,]\d+")
_FIRST_GROUP: Final = re.compile(r"[1-9]\d{0,2}")
_GROUP: Final = re.compile(r"\d{3}")

_VALUES: Final[dict[str, int]] = ENGLISH_NUMBERS | {
    form: value for value, forms in RUSSIAN_NUMBERS.items() for form in forms
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
_ONE_AND_A_HALF: Final = frozenset(("полтора", "полторы", "полутора"))
_AND_A_HALF: Final[Sequence[Sequence[str]]] = (("and", "a", "half"), ("с", "половиной"))

_ASKS_FOR_NUMBER: Final = re.compile(
    r"\d|[%№]"
    rf"|\bhow\s+(?:{'|'.join(HOW_QUANTITIES)})\b"
    r"|\b(?:percent\w*|average|maximum|minimum|number\s+of|amount\s+of)\b"
    r"|\b(?:сколько|скольк\w+|насколько|процент\w*|средн(?:ий|яя|ее|его|ем|юю)|максимальн\w+|минимальн\w+)\b"
    r"|\b(?:как\s+(?:часто|долго|далеко))\b|\b(?:число|количеств\w+|величин\w+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number, and the words of the text that make it."""

    value: str
    """In decimal digits, or as written where it is a date or a time: 14400, 7.5, 21:30."""
    start: int
    """Index of its first word."""
    end: int
    """Index after its last word."""


def find_numerals(words: Sequence[str]) -> Iterator[Numeral]:
    """The numbers among the words of a text, but for a lone "one": as often as not it counts nothing.

    Args:
        words: in lower case, ё written as е, each number in digits as one word.
    """
    at = 0
    while at < len(words):
        numeral = parse_numeral(words, at)
        if numeral is None:
            at += 1
            continue
        if numeral.value != "1" or words[numeral.start][0].isdigit():
            yield numeral
        at = numeral.end


def parse_numeral(words: Sequence[str], at: int) -> Numeral | None:
    """The longest number that begins at a word, a lone "one" too.

    Args:
        words: as for `find_numerals`.
    """
    return _parse_digits(words, at) or _parse_words(words, at)


def is_numeric(word: str) -> bool:
    """Whether a word is written in digits."""
    return _DIGITS.fullmatch(word) is not None


def power_of(word: str) -> int | None:
    """What a word multiplies the number before it by: a thousand, a million or a billion; None for any other.

    Args:
        word: folded.
    """
    return _POWERS.get(word)


def asks_for_number(question: str) -> bool:
    """Whether a question names a number or asks for one, so that a table is likely to have the answer."""
    return _ASKS_FOR_NUMBER.search(question) is not None


def _parse_digits(words: Sequence[str], at: int) -> Numeral | None:
    word = words[at]
    if not is_numeric(word):
        return None
    if ":" in word or "-" in word:
        return Numeral(word, at, at + 1)
    end = at + 1
    if _FIRST_GROUP.fullmatch(word):
        # Russian separates thousands with blanks: 1 200 000.
        while end < len(words) and _GROUP.fullmatch(words[end]):
            word, end = word + words[end], end + 1
    if _THOUSANDS.fullmatch(word):
        word = word.replace(",", "")
    elif not _DECIMAL.fullmatch(word) and not word.isdigit():
        return Numeral(word, at, end)
    value = Decimal(word.replace(",", "."))
    if word.isdigit() and (half_end := _end_of_half(words, end)):
        value, end = value + Decimal("0.5"), half_end
    if end < len(words) and (power := _POWERS.get(words[end])):
        value, end = value * power, end + 1
    return Numeral(_format_value(value), at, end)


def _parse_words(words: Sequence[str], at: int) -> Numeral | None:
    """The longest number that the words from `at` on spell."""
    if words[at] in _ONE_AND_A_HALF:
        return Numeral("1.5", at, at + 1)
    # `group` is the part below a thousand that is being read, `total` all groups before it with their powers.
    total, group, end = 0, None, at
    while end < len(words):
        word = words[end]
        if (value := _VALUES.get(word)) is not None and _can_follow(group, value):
            group = (group or 0) + value
        elif word == _HUNDRED and group is not None and 0 < group < 10:
            group *= 100
        elif (power := _POWERS.get(word)) and (group is not None or end == at) and total % (power * 1000) == 0:
            total, group = total + (1 if group is None else group) * power, None
        elif not (word == "and" and _is_linking_and(words, group, end)):
            break
        end += 1
    if end == at:
        return None
    number = Decimal(total + (group or 0))
    if decimals := _decimals(words, end):
        return Numeral(_format_value(Decimal(f"{number}.{''.join(decimals)}")), at, end + 1 + len(decimals))
    if half_end := _end_of_half(words, end):
        return Numeral(_format_value(number + Decimal("0.5")), at, half_end)
    return Numeral(_format_value(number), at, end)


def _can_follow(group: int | None, value: int) -> bool:
    """Whether a value continues the number read so far: five after forty, but not forty after five."""
    if group is None:
        return True
    if value == 0:
        return False
    if value < 10:
        return group % 10 == 0 and group % 100 != 10 and group > 0
    return group % (100 if value < 100 else 1000) == 0 and group > 0


def _is_linking_and(words: Sequence[str], group: int | None, at: int) -> bool:
    """Whether "and" is inside a number: one hundred and five."""
    following = _VALUES.get(words[at + 1]) if at + 1 < len(words) else None
    return group is not None and group >= 100 and group % 100 == 0 and following is not None and 0 < following < 100


def _decimals(words: Sequence[str], at: int) -> list[str]:
    """The digits spelled after "point"; none where there is no "point"."""
    if at >= len(words) or words[at] != "point":
        return []
    digits = []
    for word in words[at + 1 :]:
        value = _VALUES.get(word)
        if value is None or value > 9:
            break
        digits.append(str(value))
    return digits


def _end_of_half(words: Sequence[str], at: int) -> int | None:
    """Index after "and a half" where it begins at `at`, else None."""
    for half in _AND_A_HALF:
        if list(words[at : at + len(half)]) == list(half):
            return at + len(half)
    return None


def _format_value(value: Decimal) -> str:
    return format(value.normalize(), "f")
