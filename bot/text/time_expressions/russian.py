"""The Russian words of time expressions, ё written as е."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot.text.calendar import (
    RUSSIAN_MONTH_FORMS,
    RUSSIAN_SEASON_FORMS,
    RUSSIAN_UNIT_FORMS,
    RUSSIAN_WEEKDAY_ABBREVIATIONS,
    RUSSIAN_WEEKDAY_FORMS,
)
from bot.text.numerals import RUSSIAN_ORDINALS
from bot.text.time_expressions.holiday_names import RUSSIAN_HOLIDAYS
from bot.text.time_expressions.spans import Unit
from bot.text.time_expressions.vocabulary import (
    AFTERNOON,
    EVENING,
    MORNING,
    NIGHT,
    Part,
    Vocabulary,
    Which,
    split_phrases,
)

_ADJECTIVE_ENDINGS: Final = ("ый", "ая", "ое", "ые", "ого", "ой", "ому", "ым", "ом", "ую", "ых", "ыми")
_SOFT_ENDINGS: Final = ("ий", "яя", "ее", "ие", "его", "ей", "ему", "им", "ем", "юю", "их", "ими", "ая", "ую")
_UNITS: Final[dict[str, Unit]] = {
    "second": "second",
    "minute": "minute",
    "hour": "hour",
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
}


def _forms(stem: str, endings: Iterable[str]) -> list[str]:
    return [stem + ending for ending in endings]


def _which() -> dict[str, Which]:
    words: dict[str, Which] = dict.fromkeys(
        [
            "этот",
            "эта",
            "это",
            "эти",
            "этого",
            "этой",
            "эту",
            "этому",
            "этим",
            "этом",
            "этих",
            "нынешний",
            "нынешнего",
            "нынешнем",
            "нынешнюю",
            "нынешней",
        ],
        "this",
    )
    stems: tuple[tuple[str, tuple[str, ...], Which], ...] = (
        ("прошл", _ADJECTIVE_ENDINGS, "last"),
        ("прошедш", _SOFT_ENDINGS, "last"),
        ("минувш", _SOFT_ENDINGS, "last"),
        ("предыдущ", _SOFT_ENDINGS, "last"),
        ("позапрошл", _ADJECTIVE_ENDINGS, "before last"),
        ("текущ", _SOFT_ENDINGS, "this"),
        ("следующ", _SOFT_ENDINGS, "next"),
        ("будущ", _SOFT_ENDINGS, "next"),
        ("ближайш", _SOFT_ENDINGS, "coming"),
        ("грядущ", _SOFT_ENDINGS, "coming"),
        ("предстоящ", _SOFT_ENDINGS, "coming"),
    )
    for stem, endings, which in stems:
        words |= dict.fromkeys(_forms(stem, endings), which)
    return words


def _days() -> dict[str, int]:
    adjectives = {"сегодняшн": 0, "вчерашн": -1, "позавчерашн": -2, "завтрашн": 1, "послезавтрашн": 2}
    days = {"сегодня": 0, "вчера": -1, "позавчера": -2, "поза вчера": -2, "завтра": 1, "послезавтра": 2}
    for stem, day in adjectives.items():
        for ending in _SOFT_ENDINGS:
            days[stem + ending] = day
            days |= {f"{stem}{ending} {noun}": day for noun in ("день", "дня", "дню", "днем", "дне")}
    return days


def _parts() -> dict[str, Part]:
    forms = {
        MORNING: "утром утра утро с_утра утру",
        AFTERNOON: "днем дня после_обеда в_обед",
        EVENING: "вечером вечера вечер вечеру",
        NIGHT: "ночью ночи ночь",
    }
    longer = {
        "рано утром": MORNING, "ранним утром": MORNING, "в первой половине дня": MORNING,
        "во второй половине дня": AFTERNOON, "поздно вечером": EVENING, "поздним вечером": EVENING,
        "среди ночи": NIGHT, "посреди ночи": NIGHT,
    }  # fmt: skip
    return longer | {word.replace("_", " "): part for part, words in forms.items() for word in words.split()}


RUSSIAN: Final = Vocabulary(
    months=RUSSIAN_MONTH_FORMS,
    weekdays=RUSSIAN_WEEKDAY_FORMS | {name: number for number, name in enumerate(RUSSIAN_WEEKDAY_ABBREVIATIONS)},
    seasons=RUSSIAN_SEASON_FORMS,
    adverbial_seasons=split_phrases("зимой | весной | летом | осенью"),
    holidays=RUSSIAN_HOLIDAYS,
    days=_days(),
    parts=_parts(),
    lone_parts={
        "с утра": MORNING,
        "утром": MORNING,
        "рано утром": MORNING,
        "вечером": EVENING,
        "поздно вечером": EVENING,
        "ночью": NIGHT,
    },
    parts_of_days={
        "этим утром": (0, MORNING),
        "это утро": (0, MORNING),
        "этот вечер": (0, EVENING),
        "этим вечером": (0, EVENING),
        "прошлым вечером": (-1, EVENING),
        "прошлой ночью": (-1, NIGHT),
        "прошлую ночь": (-1, NIGHT),
        "минувшей ночью": (-1, NIGHT),
        "в прошлую ночь": (-1, NIGHT),
    },
    current_nights=split_phrases("сегодня ночью | этой ночью | эту ночь | сегодняшней ночью"),
    night_before=split_phrases("в ночь на | ночь на | ночью на | ночи на"),
    night_between=split_phrases("в ночь с | в ночь со | ночь с | ночь со | ночью с"),
    units={form: (1, _UNITS[unit]) for form, unit in RUSSIAN_UNIT_FORMS.items()}
    | dict.fromkeys(("квартал", "квартала", "квартале", "кварталов", "кварталы"), (1, "quarter"))
    | dict.fromkeys(("десятилетие", "десятилетия", "десятилетий"), (10, "year")),
    single_units=split_phrases("секунду | минуту | час | день | сутки | неделю | месяц | квартал | год"),
    plurals=split_phrases(
        "часы | дни | днях | неделях | месяцы | месяцах | годы | годах | последние недели | ближайшие недели"
        " | последние минуты | ближайшие минуты | последние секунды"
    ),
    weekends=split_phrases("выходные | выходных | выходным | выходными | уикенд | уикенда | уикенде"),
    which=_which(),
    which_after={},
    past_spans=dict.fromkeys(_forms("последн", _SOFT_ENDINGS), True) | {"прошлые": False, "прошедшие": True},
    coming_spans=dict.fromkeys(_forms("следующ", _SOFT_ENDINGS), False)
    | dict.fromkeys(_forms("ближайш", _SOFT_ENDINGS), True),
    span_prepositions=split_phrases("за | в | во | в течение | на протяжении"),
    vague={
        "на днях": (7, "day"),
        "недавно": (1, "month"),
        "совсем недавно": (1, "month"),
        "не так давно": (1, "month"),
        "за последнее время": (1, "month"),
        "в последнее время": (1, "month"),
        "последнее время": (1, "month"),
    },
    counts={
        "пару": 2,
        "пара": 2,
        "пары": 2,
        "несколько": 3,
        "нескольких": 3,
        "двое": 2,
        "двух": 2,
        "трое": 3,
        "четверо": 4,
        "одну": 1,
        "один": 1,
        "одни": 1,
    },
    lengths={
        "полгода": (6, "month"),
        "пол года": (6, "month"),
        "полугода": (6, "month"),
        "полугодие": (6, "month"),
        "полмесяца": (2, "week"),
        "полчаса": (30, "minute"),
        "пол часа": (30, "minute"),
        "полдня": (12, "hour"),
    },
    and_a_half=split_phrases("с половиной"),
    ordinals=RUSSIAN_ORDINALS,
    thirds=dict.fromkeys(
        split_phrases(
            "начале | начало | начала | началу | самом начале | самого начала | первых числах | первые дни"
            " | первых днях | ранней"
        ),
        0,
    )
    | dict.fromkeys(split_phrases("середине | середину | середины | разгар | разгаре | разгара"), 1)
    | dict.fromkeys(
        split_phrases(
            "конце | конец | конца | концу | самом конце | последних числах | последние дни | последних днях"
            " | поздней | исходе"
        ),
        2,
    ),
    halves={
        **dict.fromkeys(split_phrases("первой половине | первую половину | первая половина | первой половины"), 0),
        **dict.fromkeys(split_phrases("второй половине | вторую половину | вторая половина | второй половины"), 1),
    },
    first_of=split_phrases("первые | первых"),
    last_of=frozenset(_forms("последн", _SOFT_ENDINGS)),
    quarters=split_phrases("квартал | квартала | квартале | кварталу"),
    numbered_quarters={
        f"{number} {form}": value
        for value, number in enumerate(("i", "ii", "iii", "iv"), 1)
        for form in ("квартал", "квартала", "квартале")
    },
    half_years={
        f"{word} {form}": half
        for half, words in enumerate(("первое первом первого", "второе втором второго"), 1)
        for word in words.split()
        for form in ("полугодие", "полугодии", "полугодия")
    },
    decades={
        f"{stem}{ending}": start
        for stem, start in {
            "нулев": 2000,
            "двухтысячн": 2000,
            "девяност": 1990,
            "восьмидесят": 1980,
            "семидесят": 1970,
        }.items()
        for ending in ("ые", "ых")
    },
    year_words=split_phrases("год | года | году | годом | годы | годах | годов | г | г ."),
    day_words=split_phrases("числа | число | числу"),
    ago=split_phrases("назад | тому назад"),
    ahead=split_phrases("через | спустя"),
    rates=frozenset(),
    since=split_phrases("с | со | начиная с | начиная со | не раньше | не ранее | не раньше чем | не ранее чем"),
    before=split_phrases("до | перед | ранее | раньше"),
    until=split_phrases("вплоть до"),
    after=split_phrases("после | позже | позднее"),
    by=split_phrases("к | ко | не позднее | не позже | не позднее чем | не позже чем"),
    range_starts=split_phrases("от"),
    onwards=frozenset(),
    to=split_phrases("по | до | - | – | —"),
    between=split_phrases("между"),
    links=split_phrases("и | или"),
    until_now=split_phrases(
        "до сих пор | по сей день | до сего дня | по настоящее время | до настоящего времени | до сегодняшнего дня"
        " | по сегодняшний день | по сегодня | до сегодня | и до сих пор | и по сей день | по нынешний день"
        " | до этого момента | до текущего момента | и доныне | и до сегодняшнего дня | и поныне"
    ),
    nows=split_phrases("сегодня | сегодняшний день | сегодняшнего дня | сейчас | нынешний день | этот момент"),
    eves=split_phrases("накануне | канун"),
    distance_starts=split_phrases("за | на следующий | на следующую"),
    prepositions={
        "в": "in",
        "во": "in",
        "за": "on",
        "на": "for",
        "от": "in",
        "в течение": "in",
        "на протяжении": "in",
        "под": "on",
        "около": "on",
        "весь": "on",
        "всю": "on",
        "все": "on",
        "за весь": "on",
        "за всю": "on",
        "за все": "on",
        "целый": "on",
        "для": "for",
    },
    articles=frozenset(),
    of=frozenset(),
    each=split_phrases("каждый | каждую | каждое | каждые | каждой | каждого | любой | любую | любое"),
    pronouns=frozenset(),
    verbs=frozenset(),
    not_times=split_phrases("с новым годом | с наступающим новым годом | с рождеством | с пасхой"),
    ambiguous_nouns=frozenset(),
    not_after_year=split_phrases(
        "кг | гр | км | м | см | мм | л | мл | раз | раза | руб | рублей | рубля | рубль | р | долларов | доллара"
        " | евро | процентов | процента | шагов | шага | человек | людей | калорий | ккал | слов | метров | метра"
        " | километров | километра | килограмма | килограммов | килограмм | градусов | градуса | баллов | балла | очков"
        " | минут | минуты | мин | часов | часа | ч | секунд | сек | штук | шт | страниц | строк | сообщений | лет"
        " | тыс | млн | балл | литра | литров | граммов | грамма | тенге | гривен | дней | ₽ | $ | утра | вечера | дня"
        " | ночи | мс | токенов | повторений | вопросов | файлов"
    ),
    not_before_date=split_phrases(
        "версия | версии | версию | версией | версий | релиз | релиза | цена | цены | цену | стоит | стоил | стоила"
        " | стоило | курс | курса | курсу | вес | веса | весит | весил | весила | примерно | почти | номер | оценка"
        " | оценку | балл | средний | среднее | равно | равен | равна | пункт | пункте | пункта | глава | главе"
        " | параграф | параграфе | раздел | разделе | рост | температура | температуру | пробежал | пробежала | в | во"
    ),
    not_after_weekday=split_phrases(
        "обитания | обитание | разработки | общения | программирования | исполнения | выполнения | проживания"
        " | тестирования | развертывания | развития | подростков | студентов | ученых | друзей | единомышленников"
        " | программистов | художников | музыкантов | писателей | предпринимателей | людей | спортсменов | бегунов"
        " | пребывания | жизни | моделирования | запуска | специалистов | воспитания | обучения"
    ),
)
