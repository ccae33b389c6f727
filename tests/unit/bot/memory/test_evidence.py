"""What requests and ignorant answers are worth as evidence."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bot.memory.evidence import worth_of
from db.memory.memories import Memory
from db.memory.told import ToldMessage

MESSAGE: Memory = ToldMessage(uuid4(), uuid4(), "", datetime(2026, 5, 1, tzinfo=UTC)).as_memory(uuid4())


@pytest.mark.parametrize(
    "text",
    [
        "tell me my garage pin again",
        "what was my garage pin",
        "who's my cat's vet",
        "remind me where the spare key is",
        "напомни, когда рейс в Стамбул",
        "когда я лечу в Стамбул",
        "как зовут тренера",
        "а скажи мне мой пин ещё раз",
    ],
)
def test_a_request_says_little(text: str) -> None:
    assert worth_of(replace(MESSAGE, content=text), "How am I?") < 1
    assert worth_of(replace(MESSAGE, content=text), "How am I?", about_questions=True) == 1


@pytest.mark.parametrize(
    "text",
    [
        "My garage pin is 4821.",
        "When I was young, I lived in Kazan.",
        "Когда я был маленьким, мы жили в Казани.",
        "Remind me tomorrow. My flight is at 6:40.",
        "Мой рейс 14 июня в 6:40.",
        "I do not know how to swim.",
    ],
)
def test_a_statement_counts_whole(text: str) -> None:
    assert worth_of(replace(MESSAGE, content=text), "How am I?") == 1


@pytest.mark.parametrize(
    "text",
    ["I do not know your garage pin.", "Я не знаю, когда ваш рейс.", "I have no information on where it is kept."],
)
def test_an_answer_that_knows_nothing_says_little(text: str) -> None:
    assert worth_of(replace(MESSAGE, content=text, voice="mind"), "How am I?") < 1
    assert worth_of(replace(MESSAGE, content="It is under the flowerpot.", voice="mind"), "How am I?") == 1


def test_the_same_question_says_next_to_nothing() -> None:
    asked = replace(MESSAGE, content="What is my garage pin?")
    assert worth_of(asked, "garage pin?") < worth_of(asked, "Which car is mine?") == 1
