from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.question import parse_question

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)


def test_a_speakers_name_says_whose_words_and_not_what_about() -> None:
    question = parse_question("What is Caroline's favourite book?", NOW, ["Caroline", "Melanie"])
    assert question.topic == "What is favourite book?"
    assert question.speakers == ("Caroline",)


def test_of_several_who_are_named_none_is_preferred() -> None:
    question = parse_question("Do Jon and Gina both like dancing?", NOW, ["Gina", "Jon"])
    assert question.speakers == ()
    assert question.voice is None
    assert "Jon" not in question.topic
    assert "Gina" not in question.topic


@pytest.mark.parametrize("form", ["Катя", "Кати", "Кате", "Катю", "катей"])
def test_a_russian_name_is_known_in_its_cases(form: str) -> None:
    question = parse_question(f"Что {form} думает о беге?", NOW, ["Катя"])
    assert question.speakers == ("Катя",)
    assert form not in question.topic


@pytest.mark.parametrize("word", ["катер", "катался", "Марианна"])
def test_a_word_that_only_begins_like_a_name_is_none(word: str) -> None:
    assert parse_question(f"Где {word}?", NOW, ["Катя", "Мари"]).speakers == ()


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("What did I say about tea?", "person"),
        ("Что я говорил о чае?", "person"),
        ("What did you advise about tea?", "mind"),
        ("Что ты советовал пить?", "mind"),
        ("What did I tell you about tea?", "person"),
        ("Is tea good?", None),
    ],
)
def test_pronouns_say_whose_words_are_asked_for(text: str, voice: str | None) -> None:
    assert parse_question(text, NOW).voice == voice


@pytest.mark.parametrize(
    "text",
    ["What did I say last week?", "что я говорил на прошлой неделе?", "Что мы обсуждали вчера?",
     "what happened in March?"],
)  # fmt: skip
def test_a_question_about_a_time_is_about_nothing_else(text: str) -> None:
    question = parse_question(text, NOW)
    assert question.time_only
    assert question.interval is not None


def test_a_time_is_taken_out_of_what_a_question_is_about() -> None:
    question = parse_question("What did I say about my knee in March?", NOW)
    assert not question.time_only
    assert question.topic == "What did I say about my knee ?"
    assert question.interval is not None
    assert question.interval.start.month == 3


@given(st.text(max_size=100), st.lists(st.text(max_size=8), max_size=4))
def test_any_text_is_read_and_is_about_something(text: str, speakers: list[str]) -> None:
    question = parse_question(text, NOW, speakers)
    assert bool(question.topic) == bool(text.split())
    assert set(question.speakers) <= set(speakers)
