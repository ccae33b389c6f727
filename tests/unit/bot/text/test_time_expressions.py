"""Expressions of time in both languages, as intervals."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text.calendar import ENGLISH_MONTHS, ENGLISH_WEEKDAYS, RUSSIAN_MONTHS_GENITIVE, RUSSIAN_WEEKDAYS
from bot.text.time_expressions import Interval, find_time_expression
from bot.text.time_expressions.english import ENGLISH
from bot.text.time_expressions.russian import RUSSIAN
from tests.fixtures import time_cases
from tests.fixtures.time_cases import ENGLISH_CASES, FURTHER_CASES, NOT_TIMES, RUSSIAN_CASES, TENSE_CASES, Case

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
"""A Wednesday."""
IN_MONTHS = "январе феврале марте апреле мае июне июле августе сентябре октябре ноябре декабре"


def days(text: str, now: datetime = NOW) -> tuple[str, str] | None:
    expression = find_time_expression(text, now)
    return (f"{expression.interval.start:%Y-%m-%d}", f"{expression.interval.end:%Y-%m-%d}") if expression else None


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("What did I say last week?", "2026-11-16", "2026-11-23"),
        ("Что я говорил на прошлой неделе?", "2026-11-16", "2026-11-23"),
        ("this week", "2026-11-23", "2026-11-30"),
        ("на этой неделе", "2026-11-23", "2026-11-30"),
        ("вчера", "2026-11-24", "2026-11-25"),
        ("and yesterday I ran", "2026-11-24", "2026-11-25"),
        ("the day before yesterday", "2026-11-23", "2026-11-24"),
        ("позавчера", "2026-11-23", "2026-11-24"),
        ("два дня назад", "2026-11-23", "2026-11-24"),
        ("2 days ago", "2026-11-23", "2026-11-24"),
        ("a couple of weeks ago", "2026-11-08", "2026-11-15"),
        ("неделю назад", "2026-11-15", "2026-11-22"),
        ("three months ago", "2026-08-01", "2026-09-01"),
        ("полгода назад", "2026-05-01", "2026-06-01"),
        ("год назад", "2025-01-01", "2026-01-01"),
        ("двадцать дней назад", "2026-11-05", "2026-11-06"),
        ("двадцать один день назад", "2026-11-04", "2026-11-05"),
        ("twenty-one days ago", "2026-11-04", "2026-11-05"),
        ("fourteen days ago", "2026-11-11", "2026-11-12"),
        ("полтора года назад", "2025-05-01", "2025-06-01"),
        ("полтора месяца назад", "2026-10-07", "2026-10-14"),
        ("a year and a half ago", "2025-05-01", "2025-06-01"),
        ("half a year ago", "2026-05-01", "2026-06-01"),
        ("a fortnight ago", "2026-11-08", "2026-11-15"),
        ("What of the plan from day before yesterday?", "2026-11-23", "2026-11-24"),
        ("в мае прошлого года", "2025-05-01", "2025-06-01"),
        ("май этого года", "2026-05-01", "2026-06-01"),
        ("in May last year", "2025-05-01", "2025-06-01"),
        ("летом прошлого года", "2025-06-01", "2025-09-01"),
        ("в позапрошлом году", "2024-01-01", "2025-01-01"),
        ("позапрошлой осенью", "2024-09-01", "2024-12-01"),
        ("позапрошлым летом", "2025-06-01", "2025-09-01"),
        ("3-5 мая", "2026-05-03", "2026-05-06"),
        ("с 3 по 5 мая 2024 года", "2024-05-03", "2024-05-06"),
        ("from May 3 to 5", "2026-05-03", "2026-05-06"),
        ("3–5 May 2024", "2024-05-03", "2024-05-06"),
        ("in March", "2026-03-01", "2026-04-01"),
        ("в марте", "2026-03-01", "2026-04-01"),
        ("in December", "2025-12-01", "2026-01-01"),
        ("в декабре", "2025-12-01", "2026-01-01"),
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("в мае 2023 года", "2023-05-01", "2023-06-01"),
        ("in 2023", "2023-01-01", "2024-01-01"),
        ("в 2023 году", "2023-01-01", "2024-01-01"),
        ("on May 3rd, 2023", "2023-05-03", "2023-05-04"),
        ("3 мая 2023", "2023-05-03", "2023-05-04"),
        ("7 мая", "2026-05-07", "2026-05-08"),
        ("December 24", "2025-12-24", "2025-12-25"),
        ("2023-05-07", "2023-05-07", "2023-05-08"),
        ("07.05.2023", "2023-05-07", "2023-05-08"),
        ("the week before August 3, 2023", "2023-07-27", "2023-08-03"),
        ("last Friday", "2026-11-20", "2026-11-21"),
        ("on Wednesday", "2026-11-18", "2026-11-19"),
        ("в прошлую пятницу", "2026-11-20", "2026-11-21"),
        ("во вторник", "2026-11-24", "2026-11-25"),
        ("last weekend", "2026-11-21", "2026-11-23"),
        ("в прошлые выходные", "2026-11-21", "2026-11-23"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("в прошлом месяце", "2026-10-01", "2026-11-01"),
        ("в прошлом году", "2025-01-01", "2026-01-01"),
        ("in the past three months", "2026-08-25", "2026-11-25"),
        ("за последние 3 дня", "2026-11-22", "2026-11-25"),
        ("last summer", "2026-06-01", "2026-09-01"),
        ("прошлым летом", "2026-06-01", "2026-09-01"),
        ("прошлой осенью", "2025-09-01", "2025-12-01"),
        ("in the winter", "2025-12-01", "2026-03-01"),
        ("весной 2024", "2024-03-01", "2024-06-01"),
    ],
)
def test_expression(text: str, start: str, end: str) -> None:
    assert days(text) == (start, end)


@pytest.mark.parametrize(
    "text",
    ["", "may I go?", "they march on", "на матч", "маленький", "31 февраля", "February 30", "99.99.2023",
     "9999 years ago", "999999999 days ago", "9999 лет назад", "the yesterdays", "поздно", "what do you think?",
     "in the wınter"],
)  # fmt: skip
def test_text_without_time_expression(text: str) -> None:
    assert days(text) is None


def test_first_of_two_expressions_with_its_position() -> None:
    text = "Did I run yesterday or last week?"
    expression = find_time_expression(text, NOW)
    assert expression is not None
    assert text[expression.start : expression.end] == "yesterday"


def test_days_in_the_time_zone_of_now() -> None:
    late = datetime(2026, 11, 25, 0, 30, tzinfo=timezone(timedelta(hours=3)))
    expression = find_time_expression("вчера", late)
    assert expression is not None
    assert expression.interval.start == datetime(2026, 11, 23, 21, tzinfo=UTC)
    assert late - timedelta(hours=1) in expression.interval
    assert late not in expression.interval


@pytest.mark.parametrize("case", [*ENGLISH_CASES, *RUSSIAN_CASES, *FURTHER_CASES, *TENSE_CASES], ids=" ".join)
def test_case_worked_out_by_hand(case: Case) -> None:
    text, asked, start, end = case
    now = datetime.fromisoformat(asked).replace(tzinfo=UTC)
    moments = {
        time_cases.NOW: now,
        (time_cases.ALWAYS, "start"): datetime.min.replace(tzinfo=UTC),
        (time_cases.ALWAYS, "end"): datetime.max.replace(tzinfo=UTC),
    }

    def moment(written: str, edge: str) -> datetime:
        known = moments.get(written) or moments.get((written, edge))
        return known or datetime.fromisoformat(written).replace(tzinfo=UTC)

    expression = find_time_expression(text, now)
    assert expression is not None
    assert expression.interval == Interval(moment(start, "start"), moment(end, "end"))


@pytest.mark.parametrize("text", NOT_TIMES)
def test_what_only_looks_like_a_time(text: str) -> None:
    assert find_time_expression(text, datetime(2026, 8, 12, 14, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", "2026-03-29", 23), ("Europe/Berlin", "2026-10-25", 25), ("America/New_York", "2026-03-08", 23),
     ("America/New_York", "2026-11-01", 25), ("Africa/Cairo", "2026-04-24", 23), ("Europe/Moscow", "2026-03-29", 24)],
)  # fmt: skip
def test_day_on_which_the_clocks_change(zone: str, day: str, hours: int) -> None:
    # In Cairo they change at midnight, so that the day begins at one.
    now = datetime.fromisoformat(day).replace(hour=12, tzinfo=ZoneInfo(zone))
    expression = find_time_expression("сегодня", now)
    assert expression is not None
    start, end = expression.interval.start, expression.interval.end
    assert end.timestamp() - start.timestamp() == hours * 3600
    assert end.isoformat()[:16] == f"{now.date() + timedelta(1)}T00:00"


def test_hours_that_the_clocks_skip_are_no_hours() -> None:
    now = datetime(2026, 3, 29, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    expression = find_time_expression("in the last 12 hours", now)
    assert expression is not None
    assert expression.interval.start == datetime(2026, 3, 28, 20, tzinfo=ZoneInfo("Europe/Berlin"))


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo")
PHRASES = sorted(
    {
        phrase
        for vocabulary in (ENGLISH, RUSSIAN)
        for name in vocabulary.__dataclass_fields__
        for phrase in getattr(vocabulary, name)
    }
    | {"5", "31", "7.05", "30.02.2024", "2024", "2024-02-30", "15-го", "5th", "1999", "три", "two", ",", ".", "?", "I"}
)
any_moment = st.datetimes(timezones=st.sampled_from(ZONES).map(ZoneInfo))


def check_bounds(text: str, now: datetime) -> None:
    expression = find_time_expression(text, now)
    if expression is not None:
        assert expression.interval.start < expression.interval.end
        assert 0 <= expression.start < expression.end <= len(text)
        assert expression.interval.start.timestamp() < expression.interval.end.timestamp()


@given(st.text(max_size=200), any_moment)
def test_any_text_at_any_time(text: str, now: datetime) -> None:
    check_bounds(text, now)


@given(st.lists(st.sampled_from(PHRASES), max_size=9).map(" ".join), any_moment)
@example("31 декабря", datetime(9999, 12, 31, 23, tzinfo=UTC))
@example("yesterday", datetime(1, 1, 1, tzinfo=UTC))
def test_any_words_of_time_at_any_time(text: str, now: datetime) -> None:
    check_bounds(text, now)


moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.integers(1, 400))
def test_days_ago_in_both_languages(now: datetime, count: int) -> None:
    english, russian = (
        find_time_expression(f"it was {count} days ago", now),
        find_time_expression(f"это было {count} дней назад", now),
    )
    assert english is not None
    assert russian is not None
    assert english.interval == russian.interval
    assert english.interval.start.date() == now.date() - timedelta(count)
    assert english.interval.end - english.interval.start == timedelta(1)


@given(moments, st.integers(0, 11))
def test_month_without_year_is_the_latest(now: datetime, index: int) -> None:
    english, russian = (
        find_time_expression(f"in {ENGLISH_MONTHS[index]}", now),
        find_time_expression(f"в {IN_MONTHS.split()[index]}", now),
    )
    assert english is not None
    assert russian is not None
    assert english.interval == russian.interval
    start = english.interval.start
    assert (start.month, start.day) == (index + 1, 1)
    assert start <= now < start.replace(year=start.year + 1)


@given(moments, st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_date_in_any_notation(now: datetime, day: date) -> None:
    ways = (
        f"{day:%Y-%m-%d}",
        f"{day.day:02}.{day.month:02}.{day.year}",
        f"on {day.day} {ENGLISH_MONTHS[day.month - 1]} {day.year}",
        f"{ENGLISH_MONTHS[day.month - 1].title()} {day.day}, {day.year}",
        f"{day.day} {RUSSIAN_MONTHS_GENITIVE[day.month - 1]} {day.year} года",
    )
    expressions = [find_time_expression(way, now) for way in ways]
    assert all(expression is not None and expression.interval.start.date() == day for expression in expressions)
    assert all(
        expression is not None and expression.interval.end - expression.interval.start == timedelta(1)
        for expression in expressions
    )


@given(moments, st.dates(date(2024, 1, 1), date(2024, 12, 31)))
def test_date_without_a_year_in_any_notation(now: datetime, day: date) -> None:
    english, russian = ENGLISH_MONTHS[day.month - 1], RUSSIAN_MONTHS_GENITIVE[day.month - 1]
    ways = (
        f"{english} {day.day}", f"on the {day.day}th of {english.title()}", f"{day.day} {english}",
        f"{day.day} {russian}", f"{day.day}-го {russian}", f"{day.day}.{day.month:02}",
    )  # fmt: skip
    intervals = {expression.interval for way in ways if (expression := find_time_expression(way, now))}
    assert len(intervals) == 1
    (interval,) = intervals
    assert (interval.start.month, interval.start.day) == (day.month, day.day)
    assert interval.start <= now
    before, since = find_time_expression(f"before {ways[0]}", now), find_time_expression(f"с {ways[3]}", now)
    assert before is not None
    assert before.interval.end == interval.start
    assert since is None or since.interval == Interval(interval.start, now)


WEEKLY = (
    "yesterday", "three days ago", "last week", "last Tuesday", "on Friday", "the week before last", "at the weekend",
    "позавчера вечером", "две недели назад", "в прошлые выходные", "в субботу утром", "с понедельника по среду",
    "на следующей неделе", "за последние десять дней", "an hour ago", "until Sunday", "в ночь на пятницу",
)  # fmt: skip


@given(moments, st.sampled_from(WEEKLY), st.integers(1, 200))
def test_what_is_said_weeks_later_is_meant_weeks_later(now: datetime, text: str, weeks: int) -> None:
    later = now + timedelta(7 * weeks)
    first, second = find_time_expression(text, now), find_time_expression(text, later)
    assert first is not None
    assert second is not None
    assert second.interval.end - first.interval.end == later - now
    if first.interval.has_beginning:
        assert second.interval.start - first.interval.start == later - now


@given(moments, st.integers(0, 6))
def test_coming_weekday_is_within_the_next_seven_days(now: datetime, index: int) -> None:
    english = find_time_expression(f"What will I do on {ENGLISH_WEEKDAYS[index]}?", now)
    accusative = RUSSIAN_WEEKDAYS[index].removesuffix("а") + "у" * RUSSIAN_WEEKDAYS[index].endswith("а")
    accusative = accusative.replace("пятница", "пятницу")
    russian = find_time_expression(f"Что я буду делать в {accusative}?", now)
    assert english is not None
    assert russian is not None
    assert english.interval == russian.interval
    assert english.interval.start.weekday() == index
    assert timedelta(1) <= english.interval.start.date() - now.date() <= timedelta(7)


@given(moments, st.integers(0, 6))
def test_weekday_is_within_the_last_seven_days(now: datetime, index: int) -> None:
    expression = find_time_expression(f"on {ENGLISH_WEEKDAYS[index]}", now)
    assert expression is not None
    day = expression.interval.start.date()
    assert day.weekday() == index
    assert timedelta(1) <= now.date() - day <= timedelta(7)
