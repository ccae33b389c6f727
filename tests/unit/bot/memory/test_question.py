from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.question import parse_question

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)


def test_name_of_a_speaker_is_not_part_of_the_topic() -> None:
    question = parse_question("What is Caroline's favourite book?", NOW, ["Caroline", "Melanie"])
    assert question.topic == "What is favourite book?"
    assert question.speakers == ("Caroline",)


def test_several_named_speakers_select_none() -> None:
    question = parse_question("Do Jon and Gina both like dancing?", NOW, ["Gina", "Jon"])
    assert question.speakers == ()
    assert question.voice is None
    assert "Jon" not in question.topic
    assert "Gina" not in question.topic


@pytest.mark.parametrize("form", ["Катя", "Кати", "Кате", "Катю", "катей"])
def test_russian_name_is_recognised_in_its_cases(form: str) -> None:
    question = parse_question(f"Что {form} думает о беге?", NOW, ["Катя"])
    assert question.speakers == ("Катя",)
    assert form not in question.topic


@pytest.mark.parametrize("word", ["катер", "катался", "Марианна"])
def test_word_that_begins_like_a_name_is_not_one(word: str) -> None:
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
def test_pronouns_select_the_voice(text: str, voice: str | None) -> None:
    assert parse_question(text, NOW).voice == voice


@pytest.mark.parametrize(
    "text",
    ["What did I say last week?", "что я говорил на прошлой неделе?", "Что мы обсуждали вчера?",
     "what happened in March?"],
)  # fmt: skip
def test_question_about_a_time_alone(text: str) -> None:
    question = parse_question(text, NOW)
    assert question.time_only
    assert question.interval is not None


def test_time_is_not_part_of_the_topic() -> None:
    question = parse_question("What did I say about my knee in March?", NOW)
    assert not question.time_only
    assert question.topic == "What did I say about my knee ?"
    assert question.interval is not None
    assert question.interval.start.month == 3


@given(st.text(max_size=100), st.lists(st.text(max_size=8), max_size=4))
def test_any_text_has_a_topic(text: str, speakers: list[str]) -> None:
    question = parse_question(text, NOW, speakers)
    assert bool(question.topic) == bool(text.split())
    assert set(question.speakers) <= set(speakers)
