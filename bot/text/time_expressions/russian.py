"""Expressions of time in Russian."""

from __future__ import annotations

import re
from datetime import date

from bot.text.calendar import (
    RUSSIAN_MONTH_STEMS,
    RUSSIAN_SEASONS_INSTRUMENTAL,
    RUSSIAN_UNIT_FORMS,
    RUSSIAN_WEEKDAYS_ACCUSATIVE,
)
from bot.text.numerals import RUSSIAN_NUMBERS
from bot.text.time_expressions.intervals import (
    ONE_AND_A_HALF_UNITS,
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

_NOMINATIVES = {value: forms[0] for value, forms in RUSSIAN_NUMBERS.items()}
_TENS = [word for value, word in _NOMINATIVES.items() if 20 <= value < 100]
_COUNTS = {word: value for value, word in _NOMINATIVES.items() if 0 < value < 100} | {
    "одну": 1, "одна": 1, "две": 2, "пару": 2, "пара": 2, "несколько": 3,
}  # fmt: skip
_ONES = [word for word, value in _COUNTS.items() if value < 10 and word not in ("пару", "пара", "несколько")]

_MAY = "ма"
_MONTH_FORMS = "|".join(stem + ("[йяе]" if stem == _MAY else "[а-я]{0,2}") for stem in RUSSIAN_MONTH_STEMS)
_MONTH = f"(?P<month>{_MONTH_FORMS})"
_WEEKDAY = f"(?P<weekday>{'|'.join(RUSSIAN_WEEKDAYS_ACCUSATIVE)})"
_SEASON = f"(?P<season>{'|'.join(RUSSIAN_SEASONS_INSTRUMENTAL)})"
_COUNT = rf"(?P<count>\d{{1,4}}|(?:{'|'.join(_TENS)}) (?:{'|'.join(_ONES)})|{'|'.join(_COUNTS)})"
_UNIT = f"(?P<unit>{'|'.join(RUSSIAN_UNIT_FORMS)})"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?:-?й|-?м|-?го)?(?: (?:года|году|год|г\.?))?"
_THIS = "эт(?:ой|от|ом|у|и|им|ого)|текущ(?:ей|ем|ий|ую|ие|его)"
_LAST = "прошл(?:ой|ом|ый|ую|ые|ым|ых|ого|ая|ое)|предыдущ(?:ей|ем|ий|ую|ие)"
_BEFORE_LAST = "поза(?:прошл(?:ой|ом|ый|ую|ые|ым|ых|ого|ая|ое))"
_WHICH = f"(?:(?P<this>{_THIS})|(?P<last>{_LAST})|(?P<before>{_BEFORE_LAST}))"
_UNTIL = r"(?:\s?[-–—]\s?| (?:по|до|и) )(?P<until>\d{1,2})(?:-?[её]?го|-?[её]?)"


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


def _month_number(match: re.Match[str]) -> int:
    name = match["month"].casefold()
    return next(
        number
        for number, stem in enumerate(RUSSIAN_MONTH_STEMS, 1)
        if name.startswith(stem) and (stem != _MAY or len(name) == len(stem) + 1)
    )


def _unit(match: re.Match[str]) -> str:
    return RUSSIAN_UNIT_FORMS[match["unit"].casefold()]


def _count(match: re.Match[str]) -> int:
    if match["count"] is None:
        return 1
    count = match["count"].casefold()
    return int(count) if count.isdigit() else sum(_COUNTS[word] for word in count.split())


def _steps_back(match: re.Match[str]) -> int:
    """0 for this one, 1 for the last, 2 for the one before it."""
    return 2 if match["before"] else int(match["last"] is not None)


def _calendar_unit(match: re.Match[str], today: date) -> DayRange:
    back = _steps_back(match)
    unit = match["unit"].casefold()
    if unit.startswith("недел"):
        return week(today, back)
    if unit.startswith("вых"):
        return weekend(today, back)
    return month(today.year, today.month - back) if unit.startswith("мес") else year(today.year - back)


def _weekday(match: re.Match[str], today: date) -> DayRange:
    return last_weekday(today, RUSSIAN_WEEKDAYS_ACCUSATIVE.index(match["weekday"].casefold()))


def _date(match: re.Match[str], today: date) -> DayRange | None:
    if match["year"]:
        return calendar_day(int(match["year"]), _month_number(match), int(match["day"]))
    return latest_date(today, _month_number(match), int(match["day"]))


def _date_range(match: re.Match[str], today: date) -> DayRange | None:
    return days_of_month(
        _month_number(match),
        first=int(match["day"]),
        last=int(match["until"]),
        of_year=int(match["year"]) if match["year"] else None,
        today=today,
    )


def _numeric_date(match: re.Match[str], _today: date) -> DayRange | None:
    return calendar_day(int(match["year"]), int(match["month"]), int(match["day"]))


def _named_month(match: re.Match[str], today: date) -> DayRange:
    if match["year"]:
        return month(int(match["year"]), _month_number(match))
    return latest_month(today, _month_number(match))


def _month_of_year(match: re.Match[str], today: date) -> DayRange:
    return month(today.year - _steps_back(match), _month_number(match))


def _season_of_year(match: re.Match[str], today: date) -> DayRange:
    first_month = RUSSIAN_SEASONS_INSTRUMENTAL[match["season"].casefold()]
    return season(today, first_month, of_year=today.year - _steps_back(match))


def _season(match: re.Match[str], today: date) -> DayRange:
    first_month = RUSSIAN_SEASONS_INSTRUMENTAL[match["season"].casefold()]
    if match["year"]:
        return season(today, first_month, of_year=int(match["year"]))
    latest, back = season(today, first_month), _steps_back(match)
    # "Last summer", said in summer, is the one before.
    return season(today, first_month, back=back if today < latest[1] else max(back - 1, 0))


def _year(match: re.Match[str], _today: date) -> DayRange:
    return year(int(match["year"]))


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
        _compile(rf"во? (?:(?:{_LAST}) )?{_WEEKDAY}"),
        _weekday,
    ),
    (_compile(rf"(?P<day>\d{{1,2}})(?:-?го)? {_MONTH}(?: {_YEAR})?"), _date),
    (_compile(rf"(?:(?:с|между) )?(?P<day>\d{{1,2}})(?:-?го)?{_UNTIL} {_MONTH}(?: {_YEAR})?"), _date_range),
    (_compile(rf"(?:(?:в|за|с) )?{_MONTH} {_WHICH} года"), _month_of_year),
    (_compile(rf"{_SEASON} {_WHICH} года"), _season_of_year),
    (_compile(rf"(?:в|за|с) (?:(?:{_LAST}|{_THIS}) )?{_MONTH}(?: {_YEAR})?"), _named_month),
    (_compile(rf"{_MONTH} {_YEAR}"), _named_month),
    (
        _compile(r"(?:в|за|с) (?P<year>(?:19|20)\d\d)(?:-?м|-?й|-?го)?(?: году| год| года)"),
        _year,
    ),
    (_compile(rf"(?:{_WHICH} )?{_SEASON}(?: {_YEAR})?"), _season),
    (_compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>(?:19|20)\d\d)"), _numeric_date),
)
