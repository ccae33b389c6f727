"""The English words of time expressions."""

from __future__ import annotations

from typing import Final

from bot.text.calendar import (
    ENGLISH_MONTH_ABBREVIATIONS,
    ENGLISH_MONTHS,
    ENGLISH_SEASONS,
    ENGLISH_WEEKDAY_ABBREVIATIONS,
    ENGLISH_WEEKDAYS,
)
from bot.text.numerals import ENGLISH_ORDINALS
from bot.text.time_expressions.holiday_names import ENGLISH_HOLIDAYS
from bot.text.time_expressions.spans import Unit
from bot.text.time_expressions.vocabulary import (
    AFTERNOON,
    EVENING,
    EVENING_AND_NIGHT,
    MORNING,
    Vocabulary,
    split_phrases,
)

_PARTS: Final = {"morning": MORNING, "afternoon": AFTERNOON, "evening": EVENING, "night": EVENING_AND_NIGHT}


def _units() -> dict[str, tuple[int, Unit]]:
    units: dict[str, tuple[int, Unit]] = {
        "second": (1, "second"), "minute": (1, "minute"), "hour": (1, "hour"), "day": (1, "day"), "week": (1, "week"),
        "fortnight": (2, "week"), "month": (1, "month"), "quarter": (1, "quarter"), "year": (1, "year"),
        "decade": (10, "year"),
    }  # fmt: skip
    return units | {f"{name}s": length for name, length in units.items()}


ENGLISH: Final = Vocabulary(
    months={name: number for number, name in enumerate(ENGLISH_MONTHS, 1)} | ENGLISH_MONTH_ABBREVIATIONS,
    weekdays={name: number for number, name in enumerate(ENGLISH_WEEKDAYS)}
    # Not Sat and Sun, which are words of their own.
    | {name: number for number, name in enumerate(ENGLISH_WEEKDAY_ABBREVIATIONS) if number < 5}
    | {"tues": 1, "thur": 3, "thurs": 3},
    seasons=ENGLISH_SEASONS,
    adverbial_seasons=frozenset(),
    holidays=ENGLISH_HOLIDAYS,
    days={
        "today": 0,
        "yesterday": -1,
        "tomorrow": 1,
        "day before yesterday": -2,
        "day after tomorrow": 2,
        "earlier today": 0,
        "later today": 0,
    },
    parts=_PARTS
    | {"at noon": AFTERNOON, "early in the morning": MORNING, "early morning": MORNING}
    | {"late evening": EVENING, "late in the evening": EVENING, "late at night": EVENING_AND_NIGHT},
    lone_parts={
        "in the morning": MORNING,
        "in the afternoon": AFTERNOON,
        "in the evening": EVENING,
        "during the night": EVENING_AND_NIGHT,
        "in the night": EVENING_AND_NIGHT,
    },
    parts_of_days={
        **{f"this {name}": (0, part) for name, part in _PARTS.items()},
        "tonight": (0, EVENING_AND_NIGHT),
        "last night": (-1, EVENING_AND_NIGHT),
        "last evening": (-1, EVENING),
        "the night before last": (-2, EVENING_AND_NIGHT),
        "the evening before last": (-2, EVENING),
        "the previous night": (-1, EVENING_AND_NIGHT),
        "the other night": (-1, EVENING_AND_NIGHT),
    },
    current_nights=frozenset(),
    night_before=split_phrases("the night before"),
    night_between=frozenset(),
    units=_units(),
    single_units=frozenset(),
    plurals=split_phrases("seconds | minutes | hours | days | weeks | months | years"),
    weekends=split_phrases("weekend"),
    which={
        "this": "this",
        "this current": "this",
        "current": "this",
        "earlier this": "this",
        "later this": "this",
        "last": "last",
        "previous": "last",
        "past": "last",
        "this past": "last",
        "this last": "last",
        "next": "next",
        "following": "next",
        "upcoming": "coming",
        "coming": "coming",
        "this coming": "coming",
    },
    which_after={"before last": "before last", "after next": "after next"},
    past_spans={"last": False, "past": True, "this past": True, "previous": False, "recent": True, "preceding": False},
    coming_spans={"next": False, "coming": True, "following": False, "upcoming": True},
    span_prepositions=split_phrases("in | over | for | within | during | throughout"),
    vague={
        "the other day": (7, "day"),
        "a few days back": (7, "day"),
        "recently": (1, "month"),
        "lately": (1, "month"),
        "of late": (1, "month"),
        "not long ago": (1, "month"),
        "just recently": (1, "month"),
    },
    counts={
        "a": 1,
        "an": 1,
        "a couple of": 2,
        "a couple": 2,
        "couple of": 2,
        "couple": 2,
        "a few": 3,
        "few": 3,
        "several": 3,
        "some": 3,
        "a hundred": 100,
    },
    lengths={
        "half a year": (6, "month"),
        "half year": (6, "month"),
        "half a month": (2, "week"),
        "half an hour": (30, "minute"),
        "half a day": (12, "hour"),
        "a year and a half": (1.5, "year"),
        "a month and a half": (1.5, "month"),
        "a week and a half": (1.5, "week"),
        "an hour and a half": (1.5, "hour"),
        "a day and a half": (1.5, "day"),
    },
    and_a_half=split_phrases("and a half"),
    ordinals=ENGLISH_ORDINALS,
    thirds={
        "early": 0,
        "early in": 0,
        "beginning of": 0,
        "very beginning of": 0,
        "start of": 0,
        "very start of": 0,
        "mid": 1,
        "mid -": 1,
        "middle of": 1,
        "first days of": 0,
        "last days of": 2,
        "late": 2,
        "late in": 2,
        "end of": 2,
        "very end of": 2,
    },
    halves={"first half of": 0, "second half of": 1, "latter half of": 1},
    first_of=split_phrases("first"),
    last_of=split_phrases("last | final"),
    quarters=split_phrases("quarter"),
    numbered_quarters={f"q{number}": number for number in range(1, 5)},
    half_years={"h1": 1, "h2": 2},
    decades={
        f"{prefix}{name}": start
        for name, start in {"twenties": 2020, "nineties": 1990, "eighties": 1980, "seventies": 1970}.items()
        for prefix in ("", "nineteen " if start < 2000 else "twenty ")
    },
    year_words=split_phrases("year"),
    day_words=frozenset(),
    ago=split_phrases("ago | back"),
    ahead=split_phrases("in"),
    rates=split_phrases("times | once | twice"),
    since=split_phrases(
        "since | ever since | starting | beginning | as of | starting from | starting in | not before"
        " | no earlier than | not earlier than"
    ),
    before=split_phrases("before | prior to | earlier than"),
    until=split_phrases("until | till | 'til | up to | up until"),
    after=split_phrases("after | following | later than"),
    by=split_phrases("by | through | no later than | not later than"),
    range_starts=split_phrases("from"),
    onwards=split_phrases("on | onwards | onward | forward"),
    to=split_phrases("to | until | till | through | up to | up until | thru | - | – | —"),
    between=split_phrases("between"),
    links=split_phrases("and | or"),
    until_now=split_phrases(
        "until now | till now | up to now | up until now | to now | until today | till today | so far | to date"
        " | to this day | until this day | up to today"
    ),
    nows=split_phrases("now | this day | the present | present | date"),
    eves=split_phrases("the eve of | eve of"),
    distance_starts=frozenset(),
    prepositions={
        "in": "in",
        "during": "in",
        "of": "in",
        "throughout": "in",
        "from": "in",
        "on": "on",
        "at": "on",
        "over": "on",
        "within": "on",
        "all": "on",
        "all of": "on",
        "for": "for",
        "around": "on",
    },
    articles=split_phrases("the"),
    of=split_phrases("of"),
    each=split_phrases("every | each | any | most"),
    pronouns=split_phrases(
        "i | you | we | he | she | it | they | not | be | have | also | well | this | that | on | off | forward | past"
    ),
    verbs=split_phrases("may | march"),
    not_times=split_phrases("the new year's resolution | new year's resolution"),
    ambiguous_nouns=split_phrases("fall | spring"),
    not_after_year=split_phrases(
        "kg | kgs | g | km | m | cm | mm | miles | mile | metres | meters | lb | lbs | pounds | dollars | usd | euros"
        " | eur | rubles | roubles | percent | steps | people | words | calories | kcal | times | points | pages"
        " | users | hours | minutes | seconds | degrees | litres | liters | ml | % | $ | € | £ | ₽ | years | days"
        " | reps | files | lines | tokens | ms | s | watts | bpm | messages | questions | employees | am | pm | vs"
    ),
    not_before_date=split_phrases(
        "version | versions | ver | v | release | rate | price | costs | cost | weighs | weighed | score | scored"
        " | average | about | around | roughly | over | under | at | = | < | > | $ | € | £ | ₽ | № | # | ~ | + | -"
    ),
    not_after_weekday=frozenset(),
)
