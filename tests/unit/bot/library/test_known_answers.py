"""Questions that the author has answered before are told from those that only have the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.library.cite import SaidBefore
from bot.library.known_answers import MIN_LIKENESS, find_known_answer, find_near_answer, find_next_answer
from bot.library.passage import Nearness, Passage
from bot.minds.schema import CollectionKind, Trust
from bot.text.questions import leans_on_context, may_be_same, word_likeness

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


class Vectors:
    """Gives the question and each heading the cosine that was set, and counts how often it is asked."""

    def __init__(self, similarity: float = 0.0) -> None:
        self.similarity = similarity
        self.asked = 0

    async def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += 1
        other = [self.similarity, (1 - self.similarity**2) ** 0.5]
        return np.array([[1.0, 0.0], *([other] * (len(texts) - 1))], np.float32)


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
    ("How do I stop putting things off?", "An example of how to stop putting things off?"),
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
    assert may_be_same(asked, answered)
    assert word_likeness(asked, answered) >= MIN_LIKENESS
    assert word_likeness(asked, answered) == word_likeness(answered, asked)


@pytest.mark.parametrize(("asked", "answered"), DIFFERENT)
def test_another_question_of_the_same_words(asked: str, answered: str) -> None:
    assert not may_be_same(asked, answered) or word_likeness(asked, answered) < MIN_LIKENESS


async def test_the_answer_below_the_heading_is_found() -> None:
    other = replace(PASSAGE, id=2, where="§ What should I eat after a run?", quote="Eat eggs.")
    vectors = Vectors(0.99)
    known = await find_known_answer("what should i eat before a run", [other, PASSAGE], vectors)
    assert known is not None
    assert (known.passage, known.text) == (PASSAGE, PASSAGE.quote)
    assert await find_known_answer("What should I eat before a race?", [other, PASSAGE], vectors) is None
    assert vectors.asked == 0


@pytest.mark.parametrize(("similarity", "found"), [(0.9, True), (0.8, False)])
async def test_meaning_decides_where_one_question_has_all_words_of_the_other(similarity: float, found: bool) -> None:
    passage = replace(PASSAGE, where="§ I twisted my ankle. What should I do?")
    asked = "I twisted my ankle yesterday playing football. What should I do?"
    vectors = Vectors(similarity)
    assert (await find_known_answer(asked, [passage], vectors) is not None) is found
    assert vectors.asked == 1


@pytest.mark.parametrize(
    ("asked", "heading"),
    [
        ("How do I do my first push-up?", "How do I do my first pull-up?"),
        ("How do I lose weight?", "How do I gain weight?"),
        ("How do I start at 58?", "How do I start at 50?"),
    ],
)
async def test_meaning_alone_does_not_decide(asked: str, heading: str) -> None:
    assert await find_known_answer(asked, [replace(PASSAGE, where=f"§ {heading}")], Vectors(0.99)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"trust": Trust.USER},
        {"kind": CollectionKind.TABLE},
        {"where": "§ Before a run"},
        {"quote": PASSAGE.quote * 30},
    ],
)
async def test_only_short_answers_of_the_author_below_a_question_count(change: dict[str, object]) -> None:
    changed = replace(PASSAGE, **change)  # type: ignore[arg-type]
    assert await find_known_answer("What should I eat before a run?", [changed], Vectors(0.99)) is None


async def test_a_message_that_leans_on_the_conversation_is_not_taken_for_another_question() -> None:
    held = replace(PASSAGE, where="§ How long should I hold it?")
    asked = "How long should I hold it?"
    assert await find_known_answer(asked, [held], Vectors()) is not None
    assert await find_known_answer(asked, [held], Vectors(), has_context=True) is None
    whole = "What should I eat before a run?"
    assert await find_known_answer(whole, [PASSAGE], Vectors(), has_context=True) is not None


async def test_a_greeting_is_known_word_for_word_only() -> None:
    greeting = replace(PASSAGE, where="§ Good morning!", quote="Good morning. Drink a glass of water.")
    assert await find_known_answer("good morning", [greeting], Vectors(0.99)) is not None
    assert await find_known_answer("good morning to everybody", [greeting], Vectors(0.99)) is None
    question = replace(PASSAGE, where="§ Who are you?", quote="I am the coach's bot.")
    assert await find_known_answer("who are you", [question], Vectors()) is not None
    why = replace(PASSAGE, where="§ And why?")
    assert await find_known_answer("And why?", [why], Vectors(), has_context=True) is None


def test_what_leans_on_the_conversation() -> None:
    assert all(map(leans_on_context, ["Why?", "And on rest days?", "а в дни отдыха?", "How long should I hold it?"]))
    assert not any(map(leans_on_context, ["Who are you?", "What is torque?", "Is it too late to start lifting at 58?"]))


def near(number: int, quote: str, score: float, similarity: float) -> Passage:
    return replace(PASSAGE, id=number, quote=quote, nearness=Nearness(score=score, similarity=similarity))


def test_the_nearest_answer_is_found_in_the_language_of_the_question() -> None:
    passages = [near(1, "A joke.", 1.1, 0.8), near(2, "Another joke.", 1.2, 0.7), near(3, "Шутка.", 1.3, 0.9)]
    found = find_near_answer("tell me a good joke", passages)
    assert found is not None
    assert found.text == "Another joke."
    found = find_near_answer("расскажи анекдот", passages)
    assert found is not None
    assert found.text == "Шутка."
    assert find_near_answer("расскажи анекдот", passages[:2]) is None


def test_meaning_alone_is_enough_where_it_is_said_to_be() -> None:
    passages = [near(1, "Вот шутка.", 0.58, 0.67), replace(PASSAGE, id=2, quote="Без вопроса.")]
    assert find_near_answer("расскажи анекдот", passages) is None
    found = find_near_answer("расскажи анекдот", passages, by_meaning=True)
    assert found is not None
    assert found.text == "Вот шутка."
    assert find_near_answer("расскажи анекдот", [near(1, "Вот шутка.", 0.58, 0.5)], by_meaning=True) is None


def next_passage(heading: str, answer: str, score: float = 0.8) -> Passage:
    return replace(PASSAGE, where=f"§ {heading}", quote=answer, content=answer, nearness=Nearness(score, 0.6))


BEFORE = SaidBefore("How often should I run?", ("Run three times a week.",))
WINTER = next_passage("How do I run in winter?", "In winter run in two layers.")


def test_the_next_answer_has_what_is_asked_now_and_was_not_given_yet() -> None:
    found = find_next_answer("and in winter?", [WINTER], BEFORE)
    assert found is not None
    assert found.text == "In winter run in two layers."
    assert find_next_answer("and in summer?", [WINTER], BEFORE) is None, "it says nothing of summer"
    assert find_next_answer("а зимой?", [WINTER], BEFORE) is None, "it is in another language"
    far = next_passage("How do I run in winter?", "In winter run in two layers.", score=0.4)
    assert find_next_answer("and in winter?", [far], BEFORE) is None
    given = replace(BEFORE, answers=("In winter, run in two layers!",))
    assert find_next_answer("and in winter?", [WINTER], given) is None, "it was said, whatever stands between its words"


def test_of_several_next_answers_the_nearest_is_taken_and_a_bare_question_needs_no_word_of_its_own() -> None:
    why = next_passage("Why run three times?", "Three runs leave days to rest.", score=0.9)
    found = find_next_answer("why?", [WINTER, why], BEFORE)
    assert found is not None
    assert found.text == "Three runs leave days to rest."
