"""Expressions of time in English."""

from __future__ import annotations

import re
from datetime import date

from bot.text.calendar import ENGLISH_MONTH_ABBREVIATIONS, ENGLISH_MONTHS, ENGLISH_SEASONS, ENGLISH_WEEKDAYS
from bot.text.numerals import ENGLISH_NUMBERS
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
    unit_before,
    units_ago,
    week,
    weekend,
    year,
)

_TENS = [word for word, value in ENGLISH_NUMBERS.items() if value >= 20]
_ONES = [word for word, value in ENGLISH_NUMBERS.items() if 0 < value < 10]
_COUNTS = {word: value for word, value in ENGLISH_NUMBERS.items() if value} | {
    "a": 1, "an": 1, "couple": 2, "few": 3, "several": 3,
}  # fmt: skip

_MONTH = f"(?P<month>{'|'.join((*ENGLISH_MONTHS, *ENGLISH_MONTH_ABBREVIATIONS))})"
_WEEKDAY = f"(?P<weekday>{'|'.join(ENGLISH_WEEKDAYS)})"
_SEASON = f"(?P<season>{'|'.join(ENGLISH_SEASONS)})"
_FROM_TWENTY = f"(?:{'|'.join(_TENS)})[- ](?:{'|'.join(_ONES)})"
_COUNT = rf"(?P<count>\d{{1,4}}|(?:a )?(?:couple|few)(?: of)?|{_FROM_TWENTY}|{'|'.join(_COUNTS)})"
_UNIT = "(?P<unit>day|week|month|year)s?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY_FIRST = rf"{_DAY} (?:of )?{_MONTH}\b(?:,? {_YEAR}\b)?"
_MONTH_FIRST = re.sub(r"\?P<(\w+)>", r"?P<\g<1>2>", rf"{_MONTH} {_DAY}\b(?:,? {_YEAR}\b)?")
_DATE = f"(?:{_DAY_FIRST}|{_MONTH_FIRST})"
_UNTIL = r"(?:\s?[-–—]\s?| (?:to|until|and) (?:the )?)(?P<until>\d{1,2})(?:st|nd|rd|th)?"
_DAYS_FIRST = rf"{_DAY}{_UNTIL} (?:of )?{_MONTH}\b(?:,? {_YEAR}\b)?"
_DAYS_LAST = re.sub(r"\?P<(\w+)>", r"?P<\g<1>2>", rf"{_MONTH} {_DAY}{_UNTIL}\b(?:,? {_YEAR}\b)?")


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


def _value(match: re.Match[str], group: str) -> str | None:
    """What a group matched, in whichever of the two orders of day and month."""
    return match[group] or match[f"{group}2"]


def _month_number(name: str) -> int:
    # The first three letters tell the months apart.
    return ENGLISH_MONTH_ABBREVIATIONS[name.casefold()[:3]]


def _count(match: re.Match[str]) -> int:
    count = match["count"].casefold()
    if count.isdigit():
        return int(count)
    words = [word for word in re.split("[- ]", count) if word in _COUNTS]
    return sum(_COUNTS[word] for word in words if word != "a" or len(words) == 1)


def _unit(match: re.Match[str]) -> str:
    unit: str = match["unit"] or match["unit2"]
    return unit.casefold()


def _date(match: re.Match[str], today: date) -> DayRange | None:
    name, day, of_year = (_value(match, group) for group in ("month", "day", "year"))
    assert name is not None
    assert day is not None
    if of_year:
        return calendar_day(int(of_year), _month_number(name), int(day))
    return latest_date(today, _month_number(name), int(day))


def _date_range(match: re.Match[str], today: date) -> DayRange | None:
    name, first, last, of_year = (_value(match, group) for group in ("month", "day", "until", "year"))
    assert name is not None
    assert first is not None
    assert last is not None
    return days_of_month(
        _month_number(name), first=int(first), last=int(last), of_year=int(of_year) if of_year else None, today=today
    )


def _month_of_year(match: re.Match[str], today: date) -> DayRange:
    return month(today.year - (match["which"].casefold() != "this"), _month_number(match["month"]))


def _unit_before_date(match: re.Match[str], today: date) -> DayRange | None:
    days = _date(match, today)
    return unit_before(days, _unit(match)) if days else None


def _calendar_unit(match: re.Match[str], today: date) -> DayRange:
    back = int(match["which"].casefold() != "this")
    unit = _unit(match)
    if unit == "week":
        return week(today, back)
    if unit == "weekend":
        # The one before today; on a weekend, "this" is the one that is on.
        return weekend(today, back)
    return month(today.year, today.month - back) if unit == "month" else year(today.year - back)


def _named_month(match: re.Match[str], today: date) -> DayRange:
    number = _month_number(match["month"])
    if match["year"]:
        return month(int(match["year"]), number)
    return latest_month(today, number)


def _season(match: re.Match[str], today: date) -> DayRange:
    first_month = ENGLISH_SEASONS[match["season"].casefold()]
    if match["year"]:
        return season(today, first_month, of_year=int(match["year"]))
    latest = season(today, first_month)
    # "Last summer", said in summer, is the one before.
    return season(today, first_month, back=1) if match["which"] == "last" and today < latest[1] else latest


ENGLISH_PATTERNS: tuple[DatePattern, ...] = (
    (_compile("today|this (?:morning|afternoon|evening)|tonight"), lambda _, today: days_ago(today, 0)),
    (_compile("yesterday|last night"), lambda _, today: days_ago(today, 1)),
    (_compile("(?:the )?day before yesterday"), lambda _, today: days_ago(today, 2)),
    (
        _compile("(?:(?:on|during|over) )?(?:the )?(?P<which>this|last|previous) (?P<unit>week|weekend|month|year)"),
        _calendar_unit,
    ),
    (
        _compile(rf"(?:(?:in|during|over|for) )?(?:the )?(?:last|past) (?:{_COUNT} )?{_UNIT}"),
        lambda match, today: past_units(today, _count(match) if match["count"] else 1, _unit(match)),
    ),
    (
        _compile(rf"{_COUNT} {_UNIT} ago"),
        lambda match, today: units_ago(today, _count(match), _unit(match)),
    ),
    (_compile("half a year ago"), lambda _, today: units_ago(today, 6, "month")),
    (_compile("(?:a )?fortnight ago"), lambda _, today: units_ago(today, 2, "week")),
    (
        _compile("an? (?P<unit>week|month|year) and a half ago|one and a half (?P<unit2>week|month|year)s ago"),
        lambda match, today: units_ago(today, *ONE_AND_A_HALF_UNITS[_unit(match)]),
    ),
    (
        _compile(rf"(?:(?:on|last) ){_WEEKDAY}"),
        lambda match, today: last_weekday(today, ENGLISH_WEEKDAYS.index(match["weekday"].casefold())),
    ),
    (_compile(rf"(?:on )?(?:the )?{_DATE}"), _date),
    (_compile(rf"(?:(?:on|from|between) )?(?:the )?(?:{_DAYS_FIRST}|{_DAYS_LAST})"), _date_range),
    (_compile(rf"(?:in |during )?{_MONTH}(?: of)? (?P<which>this|last) year"), _month_of_year),
    (_compile(rf"(?:the )?(?P<unit>week|month|year) before (?:the )?{_DATE}"), _unit_before_date),
    (_compile(rf"(?:in|during|of|since|last|this) {_MONTH}(?:,? {_YEAR})?"), _named_month),
    (_compile(rf"{_MONTH},? {_YEAR}"), _named_month),
    (_compile(rf"(?:in|during|of|since) {_YEAR}"), lambda match, _: year(int(match["year"]))),
    (
        _compile(
            rf"(?:(?:in|during) )?(?:the )?(?P<which>last|this|in|during)(?: the)? "
            rf"{_SEASON}(?: (?:of )?{_YEAR})?"
        ),
        _season,
    ),
    (
        _compile(r"(?:on )?(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)"),
        lambda match, _: calendar_day(int(match["year"]), int(match["month"]), int(match["day"])),
    ),
)
