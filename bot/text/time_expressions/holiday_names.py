"""The names of holidays."""

from __future__ import annotations

from typing import Final

from bot.text.time_expressions.holidays import Holiday, new_year, nth_weekday, on, orthodox_easter, western_easter

ENGLISH_HOLIDAYS: Final[dict[str, Holiday]] = {
    "new year": new_year,
    "new year's": new_year,
    "new year holidays": new_year,
    "the new year": new_year,
    "new year's eve": on(12, 31),
    "new years eve": on(12, 31),
    "new year's day": on(1, 1),
    "new years day": on(1, 1),
    "christmas": on(12, 25),
    "christmas day": on(12, 25),
    "christmas eve": on(12, 24),
    "xmas": on(12, 25),
    "boxing day": on(12, 26),
    "valentine's day": on(2, 14),
    "valentines day": on(2, 14),
    "st patrick's day": on(3, 17),
    "april fools' day": on(4, 1),
    "april fools day": on(4, 1),
    "women's day": on(3, 8),
    "may day": on(5, 1),
    "labour day": nth_weekday(9, 0, 1),
    "labor day": nth_weekday(9, 0, 1),
    "memorial day": nth_weekday(5, 0, -1),
    "independence day": on(7, 4),
    "halloween": on(10, 31),
    "thanksgiving": nth_weekday(11, 3, 4),
    "thanksgiving day": nth_weekday(11, 3, 4),
    "black friday": nth_weekday(11, 3, 4, plus=1),
    "easter": western_easter(),
    "easter sunday": western_easter(),
    "easter monday": western_easter(1),
    "good friday": western_easter(-2),
}
_RUSSIAN_FORMS: Final[dict[str, Holiday]] = {
    "новый год | нового года | новому году | новом году | новым годом | новогоднюю ночь | новогодней ночи": new_year,
    "новогодние праздники | новогодних праздников | новогодних праздниках | новогодние каникулы"
    " | новогодних каникул | новогодних каникулах | новогодние": on(1, 1, 8),
    "рождество | рождества | рождеству | рождестве | рождеством": on(1, 7),
    "старый новый год | старого нового года": on(1, 14),
    "масленицу | масленица | масленицы | масленице": orthodox_easter(-55, -49),
    "пасху | пасха | пасхи | пасхе | пасхой": orthodox_easter(),
    "майские праздники | майских праздников | майских праздниках | майские | майских": on(5, 1, 9),
    "день победы | дня победы | дню победы": on(5, 9),
    "день защитника отечества | дня защитника отечества": on(2, 23),
    "женский день | женского дня | международный женский день | международного женского дня": on(3, 8),
    "день святого валентина | дня святого валентина | день всех влюбленных": on(2, 14),
    "день космонавтики | дня космонавтики": on(4, 12),
    "день труда | дня труда | первомай | первомая": on(5, 1),
    "день россии | дня россии": on(6, 12),
    "день знаний | дня знаний": on(9, 1),
    "день народного единства | дня народного единства": on(11, 4),
    "хэллоуин | хеллоуин | хэллоуина": on(10, 31),
    "католическое рождество | католического рождества": on(12, 25),
}
RUSSIAN_HOLIDAYS: Final[dict[str, Holiday]] = {
    phrase: holiday for phrases, holiday in _RUSSIAN_FORMS.items() for phrase in phrases.split(" | ")
}
"""In the cases that follow prepositions, ё written as е."""
