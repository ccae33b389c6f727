"""Questions that the author has answered before are told from those that only have the same words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.library.known_answers import MIN_LIKENESS, find_known_answer, question_likeness
from bot.library.passage import Passage
from bot.minds.schema import CollectionKind, Trust

PASSAGE = Passage(
    id=1,
    title="Questions",
    where="§ What should I eat before a run?",
    quote="Eat a banana and drink a glass of water half an hour before.",
    content="Eat a banana and drink a glass of water half an hour before.",
    trust=Trust.AUTHOR,
    kind=CollectionKind.ARTICLE,
    collection="answers",
    uri="answers.md",
    dated=None,
    score=1.0,
)

SAME = [
    ("What should I eat before a morning run?", "what should i eat before a run in the morning"),
    ("What is insulin?", "what is insulin"),
    ("is it ok to train every day", "Is it OK to train every day?"),
    ("How long should I rest between sets?", "how long to rest between sets"),
    ("How do I stop comparing myself with others?", "How can I stop comparing myself with others?"),
    ("Почему небо голубое?", "почему небо голубое"),
    ("Сколько раз в неделю бегать?", "сколько раз в неделю мне бегать"),
    ("Что съесть перед утренней пробежкой?", "что мне съесть перед утренней пробежкой?"),
]
DIFFERENT = [
    ("What should I eat before a run?", "What should I eat after a run?"),
    ("How do I lose weight?", "How do I gain weight?"),
    ("How do I lose weight?", "Should I lose weight?"),
    ("How much protein do I need?", "What is protein?"),
    ("Can I run with a cold?", "Should I run in the cold?"),
    ("Can I train without equipment?", "Can I train with equipment?"),
    ("Why does a ball bounce?", "How high does a ball bounce?"),
    ("Should I run 5 km?", "Should I run 10 km?"),
    ("Is it good to stretch?", "Is it not good to stretch?"),
    ("What is the difference between mass and weight?", "What are mass and weight?"),
    ("Где болит колено?", "Почему болит колено?"),
    ("Что есть до тренировки?", "Что есть после тренировки?"),
    ("Сколько спать после тренировки?", "Почему спать после тренировки?"),
]


@pytest.mark.parametrize(("asked", "answered"), SAME)
def test_the_same_question_in_nearly_the_same_words(asked: str, answered: str) -> None:
    assert question_likeness(asked, answered) >= MIN_LIKENESS
    assert question_likeness(asked, answered) == question_likeness(answered, asked)


@pytest.mark.parametrize(("asked", "answered"), DIFFERENT)
def test_another_question_of_the_same_words(asked: str, answered: str) -> None:
    assert question_likeness(asked, answered) < MIN_LIKENESS


def test_the_answer_below_the_heading_is_found() -> None:
    other = replace(PASSAGE, id=2, where="§ What should I eat after a run?", quote="Eat eggs.")
    known = find_known_answer("what should i eat before a run", [other, PASSAGE])
    assert known is not None
    assert (known.passage, known.text) == (PASSAGE, PASSAGE.quote)
    assert find_known_answer("What should I eat before a race?", [other, PASSAGE]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"trust": Trust.USER},
        {"kind": CollectionKind.TABLE},
        {"where": "§ Eating before a run"},
        {"quote": PASSAGE.quote * 30},
    ],
)
def test_only_short_answers_of_the_author_below_a_question_count(change: dict[str, object]) -> None:
    assert find_known_answer("What should I eat before a run?", [replace(PASSAGE, **change)]) is None  # type: ignore[arg-type]


def test_a_message_that_leans_on_the_conversation_is_not_taken_for_another_question() -> None:
    passage = replace(PASSAGE, where="§ How do I do it?")
    held = replace(PASSAGE, where="§ How long should I hold it?")
    assert find_known_answer("How long should I hold it?", [held]) is not None
    assert find_known_answer("How long should I hold it?", [held], has_context=True) is None
    assert find_known_answer("How do I do it?", [passage], has_context=True) is None
    assert find_known_answer("What should I eat before a run?", [PASSAGE], has_context=True) is not None
