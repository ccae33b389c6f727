"""Expressions of time in Russian."""

from __future__ import annotations

import re
from datetime import date

from bot.text.time_expressions.calendar import (
    ONE_AND_A_HALF_UNITS,
    SEASONS,
    DatePattern,
    DayRange,
    calendar_day,
    days_ago,
    days_of_month,
    last_weekday,
    latest_date,
    latest_month,
    month,
    past_units,
    season,
    units_ago,
    week,
    weekend,
    year,
)

_MONTHS = ("январ", "феврал", "март", "апрел", "ма", "июн", "июл", "август", "сентябр", "октябр", "ноябр", "декабр")
_WEEKDAYS = ("понедельник", "вторник", "сред", "четверг", "пятниц", "суббот", "воскресень")
_SEASONS = {"зим": "winter", "весн": "spring", "лет": "summer", "осен": "autumn"}
NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "",
            "один одну одна",
            "два две пару пара",
            "три несколько",
            "четыре",
            "пять",
            "шесть",
            "семь",
            "восемь",
            "девять",
            "десять",
            "одиннадцать",
            "двенадцать",
            "тринадцать",
            "четырнадцать",
            "пятнадцать",
            "шестнадцать",
            "семнадцать",
            "восемнадцать",
            "девятнадцать",
        )
    )
    for word in words.split()
}
_TENS = {
    "двадцать": 20,
    "тридцать": 30,
    "сорок": 40,
    "пятьдесят": 50,
    "шестьдесят": 60,
    "семьдесят": 70,
    "восемьдесят": 80,
    "девяносто": 90,
}
NUMBERS |= _TENS
_UNITS = {"д": "day", "н": "week", "м": "month", "г": "year", "л": "year"}

_MONTH = f"(?P<month>{'|'.join(stem + ('[йяе]' if stem == 'ма' else '[а-я]{0,2}') for stem in _MONTHS)})"
_ONES = "один|одну|одна|два|две|три|четыре|пять|шесть|семь|восемь|девять"
_COUNT = rf"(?P<count>\d{{1,4}}|(?:{'|'.join(_TENS)}) (?:{_ONES})|{'|'.join(NUMBERS)})"
_UNIT = "(?P<unit>день|дня|дней|недел[юиь]|неделя|месяц(?:а|ев)?|год(?:а)?|лет)"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?:-?й|-?м|-?го)?(?: (?:года|году|год|г\.?))?"
_THIS = "эт(?:ой|от|ом|у|и|им|ого)|текущ(?:ей|ем|ий|ую|ие|его)"
_LAST = "прошл(?:ой|ом|ый|ую|ые|ым|ых|ого|ая|ое)|предыдущ(?:ей|ем|ий|ую|ие)"
_BEFORE_LAST = "поза(?:прошл(?:ой|ом|ый|ую|ые|ым|ых|ого|ая|ое))"
_WHICH = f"(?:(?P<this>{_THIS})|(?P<last>{_LAST})|(?P<before>{_BEFORE_LAST}))"
_UNTIL = r"(?:\s?[-–—]\s?| (?:по|до|и) )(?P<until>\d{1,2})(?:-?[её]?го|-?[её]?)"


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


def _month_number(said: str) -> int:
    stem = said.lower()
    return next(n for n, known in enumerate(_MONTHS, 1) if stem.startswith(known) and (known != "ма" or len(stem) == 3))


def _unit(match: re.Match[str]) -> str:
    return _UNITS[match["unit"][0].lower()]


def _count(match: re.Match[str]) -> int:
    said = (match["count"] or "один").lower()
    return int(said) if said.isdigit() else sum(NUMBERS[word] for word in said.split())


def _steps_back(match: re.Match[str]) -> int:
    return 2 if match["before"] else int(match["last"] is not None)


def _calendar_unit(match: re.Match[str], today: date) -> DayRange:
    back = _steps_back(match)
    unit = match["unit"].lower()
    if unit.startswith("недел"):
        return week(today, back)
    if unit.startswith("вых"):
        return weekend(today, back)
    return month(today.year, today.month - back) if unit.startswith("мес") else year(today.year - back)


def _weekday(match: re.Match[str], today: date) -> DayRange:
    said = match["weekday"].lower()
    return last_weekday(today, next(n for n, stem in enumerate(_WEEKDAYS) if said.startswith(stem)))


def _date(match: re.Match[str], today: date) -> DayRange | None:
    number = _month_number(match["month"])
    if match["year"]:
        return calendar_day(int(match["year"]), number, int(match["day"]))
    return latest_date(today, number, int(match["day"]))


def _named_month(match: re.Match[str], today: date) -> DayRange:
    number = _month_number(match["month"])
    if match["year"]:
        return month(int(match["year"]), number)
    return latest_month(today, number)


def _date_range(match: re.Match[str], today: date) -> DayRange | None:
    of_year = int(match["year"]) if match["year"] else None
    return days_of_month(_month_number(match["month"]), int(match["day"]), int(match["until"]), of_year, today)


def _month_of_year(match: re.Match[str], today: date) -> DayRange:
    return month(today.year - _steps_back(match), _month_number(match["month"]))


def _season_of_year(match: re.Match[str], today: date) -> DayRange:
    first = SEASONS[next(name for stem, name in _SEASONS.items() if match["season"].lower().startswith(stem))]
    return season(today, first, of_year=today.year - _steps_back(match))


def _season(match: re.Match[str], today: date) -> DayRange:
    first = SEASONS[next(name for stem, name in _SEASONS.items() if match["season"].lower().startswith(stem))]
    if match["year"]:
        return season(today, first, of_year=int(match["year"]))
    begun = season(today, first)
    back = 2 if match["before"] else int(match["last"] is not None)
    # "Last summer", said in summer, is the one before.
    return season(today, first, back=back if today < begun[1] else max(back - 1, 0))


def _year(match: re.Match[str], _today: date) -> DayRange:
    return year(int(match["year"]))


def _numeric_date(match: re.Match[str], _today: date) -> DayRange | None:
    return calendar_day(int(match["year"]), int(match["month"]), int(match["day"]))


RUSSIAN_PATTERNS: tuple[DatePattern, ...] = (
    (_compile("сегодня(?: утром| вечером| дн[её]м)?"), lambda _, today: days_ago(today, 0)),
    (_compile("вчера(?:шн(?:ий|его|ем) (?:день|дня|дне))?(?: утром| вечером| дн[её]м)?"), lambda _, t: days_ago(t, 1)),
    (_compile("позавчера"), lambda _, today: days_ago(today, 2)),
    (
        _compile(rf"(?:(?:на|в|за) )?{_WHICH} (?P<unit>недел[еюиья]|месяц[еа]?|год[уа]?|выходны[ехм]+)"),
        _calendar_unit,
    ),
    (
        _compile(rf"(?:(?:за|в) )?последн(?:ие|ий|юю|их|ей|ем) (?:{_COUNT} )?{_UNIT}"),
        lambda match, today: past_units(today, _count(match), _unit(match)),
    ),
    (
        _compile(rf"{_COUNT} {_UNIT} (?:тому )?назад"),
        lambda match, today: units_ago(today, _count(match), _unit(match)),
    ),
    (
        _compile("(?P<unit>день|неделю|месяц|год) (?:тому )?назад"),
        lambda match, today: units_ago(today, 1, _unit(match)),
    ),
    (_compile("полгода (?:тому )?назад"), lambda _, today: units_ago(today, 6, "month")),
    (
        _compile("полтор[аы] (?P<unit>недели|месяца|года) (?:тому )?назад"),
        lambda match, today: units_ago(today, *ONE_AND_A_HALF_UNITS[_unit(match)]),
    ),
    (
        _compile(rf"во? (?:(?:{_LAST}) )?(?P<weekday>понедельник|вторник|среду|четверг|пятницу|субботу|воскресенье)"),
        _weekday,
    ),
    (_compile(rf"(?P<day>\d{{1,2}})(?:-?го)? {_MONTH}(?: {_YEAR})?"), _date),
    (_compile(rf"(?:(?:с|между) )?(?P<day>\d{{1,2}})(?:-?го)?{_UNTIL} {_MONTH}(?: {_YEAR})?"), _date_range),
    (_compile(rf"(?:(?:в|за|с) )?{_MONTH} {_WHICH} года"), _month_of_year),
    (_compile(rf"(?P<season>зимой|весной|летом|осенью) {_WHICH} года"), _season_of_year),
    (_compile(rf"(?:в|за|с) (?:(?:{_LAST}|{_THIS}) )?{_MONTH}(?: {_YEAR})?"), _named_month),
    (_compile(rf"{_MONTH} {_YEAR}"), _named_month),
    (
        _compile(r"(?:в|за|с) (?P<year>(?:19|20)\d\d)(?:-?м|-?й|-?го)?(?: году| год| года)"),
        lambda m, _: year(int(m["year"])),
    ),
    (_compile(rf"(?:{_WHICH} )?(?P<season>зимой|весной|летом|осенью)(?: {_YEAR})?"), _season),
    (_compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>(?:19|20)\d\d)"), _numeric_date),
)
