"""The values that a text names: numbers, dates, times, addresses of mail, identifiers. Each in one spelling.

4821, "4 821", "four eight two one" and «сорок восемь двадцать один» are the same digits; "+7 916 123-45-67" and
"8 (916) 1234567" the same telephone; "12 May 1990" and «12.05.1990» the same day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from bot.text.calendar import ENGLISH_MONTH_ABBREVIATIONS, ENGLISH_MONTHS, RUSSIAN_MONTH_FORMS
from bot.text.numerals import parse_numeral, power_of
from bot.text.transliteration import LOOKALIKES
from bot.text.words import fold

ValueKind = Literal["number", "date", "time", "mail", "link", "identifier"]

MIN_DISTINCTIVE_DIGITS: Final = 4
"""Digits from which on a number is seldom the same by chance."""
UNITS: Final = {
    form: unit
    for unit, forms in {
        "kg": "kg kgs kilo kilos kilogram kilograms кг килограмм килограмма килограммов кило",
        "g": "g gram grams г гр грамм грамма граммов",
        "mg": "mg мг миллиграмм миллиграмма миллиграммов",
        "lb": "lb lbs pound pounds фунт фунта фунтов",
        "ml": "ml мл",
        "l": "l litre litres liter liters л литр литра литров",
        "km": "km kilometre kilometres kilometer kilometers км километр километра километров",
        "m": "m metre metres meter meters м метр метра метров",
        "cm": "cm centimetre centimetres centimeter centimeters см сантиметр сантиметра сантиметров",
        "mile": "mile miles миля мили миль",
        "step": "step steps шаг шага шагов",
        "page": "page pages страница страницы страниц",
        "euro": "€ eur euro euros евро",
        "dollar": "$ usd dollar dollars buck bucks доллар доллара долларов",
        "rouble": "₽ rub ruble rubles rouble roubles руб рубль рубля рублей р",
        "percent": "% percent процент процента процентов",
        "degree": "° degree degrees градус градуса градусов",
        "second": "second seconds секунда секунды секунд сек",
        "minute": "minute minutes min минута минуты минут мин",
        "hour": "hour hours час часа часов",
        "day": "day days день дня дней",
        "week": "week weeks неделя недели недель",
        "month": "month months месяц месяца месяцев",
        "year": "year years год года лет",
        "calorie": "kcal calorie calories калория калории калорий ккал",
        "time": "times раз раза",
    }.items()
    for form in forms.split()
}
"""The unit of each word that follows a number; folded."""
TIME_UNITS: Final = frozenset(("second", "minute", "hour", "day", "week", "month", "year"))
_SCALES: Final = {"m": ("length", 100), "cm": ("length", 1), "kg": ("mass", 1000), "g": ("mass", 1)}
"""The dimension of a unit, and how many of the smallest it is: 1.76 m are 176 cm."""
_METRES: Final = frozenset(("метр", "метра", "м", "metre", "meter", "m"))
MIN_LONG_LENGTH: Final = 7
PHONE_DIGITS: Final = 10
"""Digits of a telephone number without the code of its country."""

_MONTHS: Final = {
    **{name: number for number, name in enumerate(ENGLISH_MONTHS, 1)},
    **ENGLISH_MONTH_ABBREVIATIONS,
    **RUSSIAN_MONTH_FORMS,
}
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_TOKEN: Final = re.compile(
    rf"""(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    |(?P<link>(?:https?://|www\.)\S+|@[a-z_]\w{{3,}})
    |(?P<iso>\d{{4}}-\d{{1,2}}-\d{{1,2}})(?!\w)
    |(?P<dotted>\d{{1,2}}[./]\d{{1,2}}[./](?:\d{{4}}|\d{{2}}))(?!\w)
    |(?P<day1>\d{{1,2}})(?:st|nd|rd|th|-?(?:го|е|ое))?\s+(?:of\s+)?(?P<month1>{_MONTH})\b\.?(?:,?\s+(?P<year1>\d{{4}})\b)?
    |(?P<month2>{_MONTH})\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<year2>\d{{4}})\b)?
    |(?P<time>\d{{1,2}}:\d{{2}}(?::\d{{2}})?)(?!\d)
    |(?P<identifier>(?=[\w-]*\d)(?=[\w-]*[^\W\d_])\w+(?:-\w+)*)
    |(?P<number>\d+(?:[.,]\d+)*)
    |(?P<word>[^\W\d_]+(?:'[^\W\d_]+)?)
    |(?P<sign>[€$₽%°])
    |(?P<stop>[.!?…;,:]+(?=\s|$))""",
    re.VERBOSE,
)
_UNIT_AFTER_DIGITS: Final = re.compile(r"(\d+(?:[.,]\d+)*)-?([^\W\d_]{1,3}|years?|rub|руб|лет)")
_SHORT_POWERS: Final = {"k": 1_000, "к": 1_000, "тыс": 1_000, "млн": 1_000_000, "mln": 1_000_000}
"""What is written right after digits: 120k, 120тыс."""
_COLLECTIVES: Final = {
    form: number
    for number, forms in {
        "2": "двое двоих двоим двоими",
        "3": "трое троих троим троими",
        "4": "четверо четверых четверым четверыми",
        "5": "пятеро пятерых пятерым",
        "6": "шестеро шестерых",
        "7": "семеро семерых",
    }.items()
    for form in forms.split()
}
"""«трое детей»."""
_DAY_AND_MONTH: Final = re.compile(r"(\d{1,2})\.(0\d|1[0-2])")
"""A number that may be a day without its year: 15.05."""
_MAX_PART_LENGTH, _MAX_PARTS = 4, 3
"""Digits of a part, and parts, beyond which numbers that stand together are one: a telephone number."""
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+")


@dataclass(frozen=True, slots=True)
class Value:
    """A value, and where it stands."""

    kind: ValueKind
    text: str
    """In one spelling: digits without blanks, a day as YYYY-MM-DD or MM-DD, mail in lower case."""
    start: int
    end: int
    unit: str = ""
    """What it counts, where a known unit follows: `kg`, `year`; empty otherwise."""
    parts: tuple[str, ...] = ()
    """The short numbers that it was joined from: «Ленина 12-45» may be a house and a flat. Empty for any other."""

    @property
    def is_distinctive(self) -> bool:
        """Whether it is seldom the same in two statements by chance."""
        if self.kind == "number":
            return sum(map(str.isdigit, self.text)) >= MIN_DISTINCTIVE_DIGITS and not self.is_year
        if self.kind == "date":
            return self.text.count("-") == 2
        return self.kind in ("mail", "link", "identifier")

    @property
    def is_long(self) -> bool:
        """Whether it is too long to be the same in two statements that are about different things."""
        return self.kind != "date" and self.is_distinctive and len(self.text) >= MIN_LONG_LENGTH

    @property
    def is_year(self) -> bool:
        """Whether it may be a year."""
        return self.kind == "number" and self.text.isdigit() and 1900 <= int(self.text) <= 2100

    def matches(self, other: Value) -> bool:
        """Whether both are the same value, as far as they say it: a telephone with and without its country's code, a
        day with and without its year. Numbers of different units are different."""
        if self.unit and other.unit and self.unit != other.unit:
            return self._measure() is not None and self._measure() == other._measure()
        if self.text == other.text:
            return True
        if self.kind == other.kind == "number":
            short, long = sorted((self.text, other.text), key=len)
            return len(short) >= PHONE_DIGITS and short[-PHONE_DIGITS:] == long[-PHONE_DIGITS:]
        if self.kind == other.kind == "date":
            return self.text.endswith(f"-{other.text}") or other.text.endswith(f"-{self.text}")
        if {self.kind, other.kind} == {"number", "date"}:
            number, day = (self, other) if self.kind == "number" else (other, self)
            written = _DAY_AND_MONTH.fullmatch(number.text)
            return written is not None and day.text.endswith(f"{written[2]}-{int(written[1]):02}")
        return False

    def _measure(self) -> tuple[str, Decimal] | None:
        """Its dimension, and how many of the smallest unit it is."""
        if self.unit not in _SCALES or self.text.count(".") > 1:
            return None
        dimension, scale = _SCALES[self.unit]
        return dimension, Decimal(self.text) * scale


@lru_cache(8192)
def find_values(text: str) -> tuple[Value, ...]:
    """The values of a text in their order. Digits and number words right after each other are one number."""
    tokens = list(_TOKEN.finditer(fold(text)))
    words = [token["word"] or token["number"] or "" for token in tokens]
    values: list[Value] = []
    run: list[Value] = []
    at = 0
    while at < len(tokens):
        number, at = _read_number(tokens, words, at)
        if number is not None:
            if (height := _metres_before(tokens, number)) is not None:
                # «метр семьдесят шесть»
                if values and values[-1].unit == "m" and values[-1].text.isdigit():
                    centimetres = int(values.pop().text) * 100 + int(number.text)
                    height = Value("number", str(centimetres), height.start, number.end, "cm")
                values.append(height)
                continue
            run.append(number)
            continue
        values += _join_run(run)
        run = []
        if (value := _read_other(tokens[at])) is not None:
            values.append(value)
        at += 1
    return (*values, *_join_run(run))


def _metres_before(tokens: Sequence[re.Match[str]], number: Value) -> Value | None:
    """How tall somebody is, if a number of two digits follows "metre" at once; None for any other number."""
    if number.unit not in ("", "cm") or not number.text.isdigit() or not 10 <= int(number.text) < 100:
        return None
    before = [token for token in tokens if token.end() <= number.start]
    if not before or before[-1][0] not in _METRES:
        return None
    return Value("number", str(100 + int(number.text)), before[-1].start(), number.end, "cm")


def _unit_after(tokens: Sequence[re.Match[str]], at: int) -> str:
    """The unit that a token names; empty for any other token, and after the last."""
    return UNITS.get(tokens[at][0], "") if at < len(tokens) else ""


def _read_number(tokens: Sequence[re.Match[str]], words: Sequence[str], at: int) -> tuple[Value | None, int]:
    """The number in digits or words that begins at a token, and the token after it."""
    token = tokens[at]
    start, end = token.span()
    if digits := token["number"]:
        text = digits.replace(",", "") if _GROUPED.fullmatch(digits) else digits.replace(",", ".")
        if (power := _power_after(tokens, at)) and text.count(".") <= 1:
            after = at + 2
            text = _multiply(text, power)
            if after < len(tokens) and (rest := tokens[after]["number"]) and rest.isdigit() and int(rest) < power:
                # «2 тысячи 500».
                text, after = str(int(Decimal(text)) + int(rest)), after + 1
            return Value("number", text, start, tokens[after - 1].end(), _unit_after(tokens, after)), after
        return Value("number", text, start, end, _unit_after(tokens, at + 1)), at + 1
    if token["word"] in _COLLECTIVES:
        return Value("number", _COLLECTIVES[token[0]], start, end, _unit_after(tokens, at + 1)), at + 1
    if token["word"] and (numeral := parse_numeral(words, at)) is not None:
        last = tokens[numeral.end - 1].end()
        return Value("number", numeral.value, start, last, _unit_after(tokens, numeral.end)), numeral.end
    return None, at


def _power_after(tokens: Sequence[re.Match[str]], at: int) -> int | None:
    """What the word after a number multiplies it by: «120 тысяч», 4.5k."""
    if at + 1 >= len(tokens) or not tokens[at + 1]["word"]:
        return None
    word = tokens[at + 1][0]
    is_adjacent = tokens[at + 1].start() == tokens[at].end()
    return power_of(word) or (_SHORT_POWERS.get(word) if is_adjacent else None)


def _multiply(number: str, power: int) -> str:
    return format((Decimal(number) * power).normalize(), "f")


def _join_run(run: Sequence[Value]) -> Sequence[Value]:
    """Numbers right after each other as one, if that makes a distinctive one; without a lone "one"."""
    if len(run) > 1:
        digits = "".join(number.text for number in run)
        if digits.isdigit() and len(digits) >= MIN_DISTINCTIVE_DIGITS:
            texts = tuple(number.text for number in run)
            is_pair = len(texts) <= _MAX_PARTS and all(len(text) <= _MAX_PART_LENGTH for text in texts)
            parts = texts if is_pair and "000" not in texts else ()
            return [Value("number", digits, run[0].start, run[-1].end, run[-1].unit, parts)]
    return [number for number in run if number.text != "1" or number.unit]


def _read_other(token: re.Match[str]) -> Value | None:
    start, end = token.span()
    if token["mail"] or token["link"]:
        return Value("mail" if token["mail"] else "link", token[0].rstrip(".,;:!?)"), start, end)
    if token["iso"] or token["dotted"] or token["day1"] or token["day2"]:
        return Value("date", _date_text(token), start, end)
    if token["time"]:
        return Value("time", token[0].removeprefix("0"), start, end)
    if text := token["identifier"]:
        if unit := _UNIT_AFTER_DIGITS.fullmatch(text):
            if power := _SHORT_POWERS.get(unit[2]):
                return Value("number", _multiply(unit[1].replace(",", "."), power), start, end)
            return Value("number", unit[1].replace(",", "."), start, start + len(unit[1]), UNITS.get(unit[2], ""))
        return Value("identifier", text.replace("-", "").translate(LOOKALIKES), start, end)
    return None


def _date_text(match: re.Match[str]) -> str:
    if match["iso"]:
        year, month, day = (int(part) for part in match["iso"].split("-"))
    elif match["dotted"]:
        day, month, year = (int(part) for part in re.split(r"[./]", match["dotted"]))
        year += 0 if year > 99 else 2000 if year < 70 else 1900
    else:
        form = "1" if match["day1"] else "2"
        day, month = int(match[f"day{form}"]), _MONTHS[match[f"month{form}"]]
        if match[f"year{form}"] is None:
            return f"{month:02}-{day:02}"
        year = int(match[f"year{form}"])
    return f"{year:04}-{month:02}-{day:02}"
