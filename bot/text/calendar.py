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
RUSSIAN_MONTH_FORMS: Final[dict[str, int]] = {
    name.rstrip("ьй") + ending: number
    for number, name in enumerate(RUSSIAN_MONTHS, 1)
    for ending in (("", "а", "у", "ом", "е") if name.endswith("т") else (name[-1], "я", "ю", "ем", "е"))
}
"""All cases of the months' names, ё written as е."""
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
RUSSIAN_WEEKDAY_FORMS: Final[dict[str, int]] = {
    form: number
    for number, forms in enumerate(
        (
            "понедельник понедельника понедельнику понедельником",
            "вторник вторника вторнику вторником",
            "среда среды среде среду средой",
            "четверг четверга четвергу четвергом",
            "пятница пятницы пятнице пятницу пятницей",
            "суббота субботы субботе субботу субботой",
            "воскресенье воскресенья воскресенью воскресеньем",
        )
    )
    for form in forms.split()
}
"""The cases of the weekdays in the singular."""
RUSSIAN_WEEKDAY_ABBREVIATIONS: Final = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")

ENGLISH_SEASONS: Final = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}
RUSSIAN_SEASON_FORMS: Final[dict[str, int]] = {
    form: month
    for month, forms in {
        12: "зима зимы зиме зиму зимой",
        3: "весна весны весне весну весной",
        6: "лето лета лету летом лете",
        9: "осень осени осенью",
    }.items()
    for form in forms.split()
}
"""The month in which each season begins."""

ENGLISH_TIME_UNITS: Final = ("second", "minute", "hour", "day", "week", "month", "year")
RUSSIAN_TIME_UNITS: Final = ("секунда", "минута", "час", "день", "неделя", "месяц", "год")
RUSSIAN_UNIT_FORMS: Final[dict[str, str]] = {
    form: unit
    for unit, forms in {
        "second": "секунда секунды секунду секунд",
        "minute": "минута минуты минуту минут",
        "hour": "час часа часов часы",
        "day": "день дня дней дню дни днях сутки суток",
        "week": "неделя недели неделю недель неделе неделей неделях",
        "month": "месяц месяца месяцев месяце месяцу месяцем месяцы месяцах",
        "year": "год года лет году годом годы годах",
    }.items()
    for form in forms.split()
}
"""The forms of units of time, each with the English name of its unit."""
