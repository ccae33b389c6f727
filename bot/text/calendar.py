"""Names of months, weekdays, seasons and units of time, in lower case. Months are numbered from 1, weekdays from 0."""

from __future__ import annotations

from typing import Final

ENGLISH_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
ENGLISH_MONTH_ABBREVIATIONS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sept": 9, "sep": 9, "oct": 10,
    "nov": 11, "dec": 12,
}  # fmt: skip
RUSSIAN_MONTHS: Final = (
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь",
)  # fmt: skip
RUSSIAN_MONTHS_GENITIVE: Final = (
    "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
    "декабря",
)  # fmt: skip
RUSSIAN_MONTH_STEMS: Final = tuple(name.rstrip("ьй") for name in RUSSIAN_MONTHS)
"""What all cases of a month's name begin with. Many other words begin with that of May, «ма», too."""
MONTH_NUMBERS: Final[dict[str, int]] = {
    **{name: number for number, name in enumerate(ENGLISH_MONTHS, 1)},
    **ENGLISH_MONTH_ABBREVIATIONS,
    **{name: number for number, name in enumerate(RUSSIAN_MONTHS, 1)},
    **{name: number for number, name in enumerate(RUSSIAN_MONTHS_GENITIVE, 1)},
}
"""The number of a month by its English name or abbreviation or its Russian nominative or genitive."""

ENGLISH_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ENGLISH_WEEKDAY_ABBREVIATIONS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RUSSIAN_WEEKDAYS: Final = ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")
RUSSIAN_WEEKDAYS_ACCUSATIVE: Final = (
    "понедельник", "вторник", "среду", "четверг", "пятницу", "субботу", "воскресенье",
)  # fmt: skip
RUSSIAN_WEEKDAY_ABBREVIATIONS: Final = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")

ENGLISH_SEASONS: Final = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}
RUSSIAN_SEASONS_INSTRUMENTAL: Final = {"зимой": 12, "весной": 3, "летом": 6, "осенью": 9}
"""The month in which each season begins."""

ENGLISH_TIME_UNITS: Final = ("second", "minute", "hour", "day", "week", "month", "year")
RUSSIAN_TIME_UNITS: Final = ("секунда", "минута", "час", "день", "неделя", "месяц", "год")
RUSSIAN_UNIT_FORMS: Final[dict[str, str]] = {
    form: unit
    for unit, forms in {
        "day": "день дня дней",
        "week": "неделя недели неделю недель",
        "month": "месяц месяца месяцев",
        "year": "год года лет",
    }.items()
    for form in forms.split()
}
"""The forms of calendar units that follow a count or come before «назад», each with the English name of its unit."""
