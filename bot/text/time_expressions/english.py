"""Expressions of time in English."""

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
    unit_before,
    units_ago,
    week,
    weekend,
    year,
)

_MONTH_NAMES = "january february march april may june july august september october november december"
MONTHS = _MONTH_NAMES.split()
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "",
            "a an one",
            "two couple",
            "three few several",
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
        )
    )
    for word in words.split()
}
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
NUMBERS |= _TENS

_MONTH = f"(?P<month>{'|'.join(MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_WEEKDAY = f"(?P<weekday>{'|'.join(WEEKDAYS)})"
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_COUNT = rf"(?P<count>\d{{1,4}}|(?:a )?(?:couple|few)(?: of)?|(?:{'|'.join(_TENS)})[- ](?:{_ONES})|{'|'.join(NUMBERS)})"
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


def month_number(name: str) -> int:
    return next(n for n, full in enumerate(MONTHS, 1) if full.startswith(name.lower()[:3]))


def _count(match: re.Match[str]) -> int:
    said = match["count"].lower()
    if said.isdigit():
        return int(said)
    words = [word for word in re.split("[- ]", said) if word in NUMBERS]
    return sum(NUMBERS[word] for word in words if word != "a" or len(words) == 1)


def _date(match: re.Match[str], today: date) -> DayRange | None:
    name, number, of_year = (match[group] or match[f"{group}2"] for group in ("month", "day", "year"))
    if of_year:
        return calendar_day(int(of_year), month_number(name), int(number))
    return latest_date(today, month_number(name), int(number))


def _date_range(match: re.Match[str], today: date) -> DayRange | None:
    name, first, last, of_year = (match[group] or match[f"{group}2"] for group in ("month", "day", "until", "year"))
    return days_of_month(month_number(name), int(first), int(last), int(of_year) if of_year else None, today)


def _month_of_year(match: re.Match[str], today: date) -> DayRange:
    return month(today.year - (match["which"].lower() != "this"), month_number(match["month"]))


def _before_date(match: re.Match[str], today: date) -> DayRange | None:
    days = _date(match, today)
    return unit_before(days, match["unit"].lower()) if days else None


def _calendar_unit(match: re.Match[str], today: date) -> DayRange:
    back = int(match["which"].lower() != "this")
    unit = match["unit"].lower()
    if unit == "week":
        return week(today, back)
    if unit == "weekend":
        # The one before today; on a weekend, "this" is the one that is on.
        return weekend(today, back)
    return month(today.year, today.month - back) if unit == "month" else year(today.year - back)


def _named_month(match: re.Match[str], today: date) -> DayRange:
    number = month_number(match["month"])
    if match["year"]:
        return month(int(match["year"]), number)
    return latest_month(today, number)


def _season(match: re.Match[str], today: date) -> DayRange:
    first = SEASONS["autumn" if match["season"].lower() == "fall" else match["season"].lower()]
    if match["year"]:
        return season(today, first, of_year=int(match["year"]))
    begun = season(today, first)
    # "Last summer", said in summer, is the one before.
    return season(today, first, back=1) if match["which"] == "last" and today < begun[1] else begun


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
        lambda match, today: past_units(today, _count(match) if match["count"] else 1, match["unit"].lower()),
    ),
    (_compile(rf"{_COUNT} {_UNIT} ago"), lambda match, today: units_ago(today, _count(match), match["unit"].lower())),
    (_compile("half a year ago"), lambda _, today: units_ago(today, 6, "month")),
    (_compile("(?:a )?fortnight ago"), lambda _, today: units_ago(today, 2, "week")),
    (
        _compile("an? (?P<unit>week|month|year) and a half ago|one and a half (?P<unit2>week|month|year)s ago"),
        lambda match, today: units_ago(today, *ONE_AND_A_HALF_UNITS[(match["unit"] or match["unit2"]).lower()]),
    ),
    (
        _compile(rf"(?:(?:on|last) ){_WEEKDAY}"),
        lambda match, today: last_weekday(today, WEEKDAYS.index(match["weekday"].lower())),
    ),
    (_compile(rf"(?:on )?(?:the )?{_DATE}"), _date),
    (_compile(rf"(?:(?:on|from|between) )?(?:the )?(?:{_DAYS_FIRST}|{_DAYS_LAST})"), _date_range),
    (_compile(rf"(?:in |during )?{_MONTH}(?: of)? (?P<which>this|last) year"), _month_of_year),
    (_compile(rf"(?:the )?(?P<unit>week|month|year) before (?:the )?{_DATE}"), _before_date),
    (_compile(rf"(?:in|during|of|since|last|this) {_MONTH}(?:,? {_YEAR})?"), _named_month),
    (_compile(rf"{_MONTH},? {_YEAR}"), _named_month),
    (_compile(rf"(?:in|during|of|since) {_YEAR}"), lambda match, _: year(int(match["year"]))),
    (
        _compile(
            rf"(?:(?:in|during) )?(?:the )?(?P<which>last|this|in|during)(?: the)? "
            rf"(?P<season>winter|spring|summer|autumn|fall)(?: (?:of )?{_YEAR})?"
        ),
        _season,
    ),
    (
        _compile(r"(?:on )?(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)"),
        lambda match, _: calendar_day(int(match["year"]), int(match["month"]), int(match["day"])),
    ),
)
