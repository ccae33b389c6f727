"""The answer to the question that is nearest: by meaning, and by the words that turn one question into another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.library.near_answers import (
    NEXT,
    SAME,
    HeadingVectors,
    heading_of_answer,
    nearer,
    nearness,
    without_asked_again,
)
from bot.library.passage import Nearness
from db.library.chunk_search import SearchHit
from tests.unit.bot.library.test_other_answers import hit

SIMILAR = 0.8
"""Cosine of two questions as E5 gives it, its vectors centred; the pairs below have those that they really have."""
BETWEEN = 0.8
"""All that ask the same are above it, and all that do not are below."""
CROWD = [hit(number, f"§ What is the matter with number {number}?") for number in range(50, 80)]


def near(question: str, heading: str, answer: str = "", similarity: float = SIMILAR) -> float:
    """How near a heading is to a question, among hits on other things."""
    found = _answer(1, heading, answer)
    return nearness(question, [found, *CROWD], {1: heading}, {heading: similarity})[1].score


def going_on(
    asked: str, before: str, hits: Sequence[SearchHit], headings: Mapping[int, str], similarities: Mapping[str, float]
) -> dict[int, Nearness]:
    near = nearness(asked, hits, headings, similarities, before=before)
    return without_asked_again(near, asked, before, headings)


def _answer(number: int, heading: str, answer: str) -> SearchHit:
    one = hit(number, f"§ {heading}")
    return SearchHit(**{name: getattr(one, name) for name in SearchHit.__slots__} | {"content": answer})


@pytest.mark.parametrize(
    ("asked", "heading", "answer", "similarity"),
    [
        ("How many rest days do I need a week?", "How many rest days do I need?", "You need two rest days.", 0.90),
        ("My knees crack when I squat, is that bad?", "Are squats bad for the knees?", "Squats are good.", 0.82),
        ("Can I train with a cold?", "Is it ok to train when I have a cold?", "With a cold only walk.", 0.89),
        ("Болит локоть после подтягиваний", "Что делать, если от подтягиваний болит локоть?", "Отдохни.", 0.83),
    ],
)
def test_the_same_in_other_words_is_near(asked: str, heading: str, answer: str, similarity: float) -> None:
    assert near(asked, heading, answer, similarity) >= BETWEEN


@pytest.mark.parametrize(
    ("asked", "heading", "answer", "similarity"),
    [
        ("How do I gain weight?", "How do I lose weight?", "To lose weight, eat less.", 0.77),
        ("How often should I do push-ups?", "How often should I do pull-ups?", "Do pull-ups twice a week.", 0.87),
        ("What shoes should I wear for squats?", "What is the correct form for a squat?", "Keep it straight.", 0.70),
        ("Что делать, если болит локоть?", "Что делать, если болит колено?", "Отдохни неделю.", 0.69),
        ("What should I eat before a run?", "What should I wear after a race?", "Something warm.", 0.49),
    ],
)
def test_one_other_word_makes_another_question_however_near_it_is_in_meaning(
    asked: str, heading: str, answer: str, similarity: float
) -> None:
    assert near(asked, heading, answer, similarity) < BETWEEN


def test_the_same_words_are_the_same_question_whatever_their_vectors() -> None:
    assert near("what IS inertia", "What is inertia?", similarity=0.0) == SAME


def test_a_word_that_only_the_answer_has_counts_for_less_than_one_of_the_heading() -> None:
    heading, answer = "How do I sleep better?", "Sleep in a dark room, after an evening walk."
    in_heading = near("How do I sleep after an evening walk?", "How do I sleep after a walk in the evening?", answer)
    only_below = near("How do I sleep after an evening walk?", heading, answer)
    nowhere = near("How do I sleep after an evening walk?", heading, "In the dark.")
    assert in_heading > only_below > nowhere


STEPS = "how many steps a day should a person walk"


@pytest.mark.parametrize(
    ("before", "asked", "follows", "similarity", "other", "others_similarity"),
    [
        (STEPS, "what about my mother, she is 70", "How many steps should a 70-year-old walk?", 0.75, STEPS, 0.9),
        ("How do I breathe when I squat?", "and how long?", "How long do I breathe?", 0.6, "How do I squat?", 0.8),
        (
            "Should I stretch before lifting?",
            "why",
            "Why should I stretch at all?",
            0.62,
            "When should I stretch?",
            0.7,
        ),
        ("Как правильно приседать?", "а если колени болят", "Болят колени от приседаний", 0.8, "Как приседать?", 0.7),
        ("Is a pulse of 90 high?", "and 82?", "Is a pulse of 82 high?", 0.8, "Is a pulse of 90 high?", 0.9),
        (
            "How do I train for a 10 km run?",
            "how long?",
            "How long do I train for 10 km?",
            0.7,
            "How far is 5 km?",
            0.7,
        ),
    ],
)
def test_what_goes_on_is_nearer_to_what_has_the_new_than_to_what_was_asked(
    before: str, asked: str, follows: str, similarity: float, other: str, others_similarity: float
) -> None:
    hits = [_answer(1, follows, ""), _answer(2, other, ""), *CROWD]
    headings = {1: follows, 2: other}
    found = going_on(asked, before, hits, headings, {follows: similarity, other: others_similarity})
    assert found[1].score >= NEXT
    assert found[1].score > found[2].score


def test_what_was_asked_before_may_be_asked_for_another_thing() -> None:
    again, why = (
        going_on("why?", "Is rain good for roses?", [_answer(1, heading, ""), *CROWD], {1: heading}, {heading: SIMILAR})
        for heading in ("Is rain good for roses?", "Why is rain good for roses?")
    )
    assert why[1].score > again[1].score + 0.5


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_nearer_in_meaning_is_never_farther(first: float, second: float) -> None:
    low, high = sorted([first, second])
    asked, heading = "How do I start running?", "How does one begin to run?"
    assert near(asked, heading, similarity=low) <= near(asked, heading, similarity=high)


def test_only_short_texts_of_the_author_below_a_heading_are_answers() -> None:
    found = _answer(1, "Why?", "Because.")
    assert heading_of_answer(found) == "Why?"
    changes: list[dict[str, object]] = [
        {"place": "row 3"},
        {"kind": "table"},
        {"trust": "user"},
        {"content": "Because. " * 200},
    ]
    for change in changes:
        fields = {name: getattr(found, name) for name in SearchHit.__slots__} | change
        assert heading_of_answer(SearchHit(**fields)) is None


class Embedder:
    """Gives each text a vector of its own and counts the texts."""

    name, dimensions = "counting", 2

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str], purpose: str = "passage") -> NDArray[np.float32]:
        assert purpose == "query"
        self.texts += texts
        return np.array([[1.0, 0.0] if "same" in text else [0.6, 0.8] for text in texts], np.float32)

    async def close(self) -> None: ...


async def test_the_vectors_of_headings_are_computed_once_while_they_are_kept() -> None:
    embedder = Embedder()
    vectors = HeadingVectors(embedder, max_size=2)
    [found] = await vectors.similarities(["same"], ["same one", "other"])
    assert found == pytest.approx({"same one": 1.0, "other": 0.6})
    first, second = await vectors.similarities(["same", "different"], ["other"])
    assert (first, second) == (pytest.approx({"other": 0.6}), pytest.approx({"other": 1.0}))
    assert embedder.texts == ["same", "same one", "other", "same", "different"]
    await vectors.similarities(["same"], ["third"])
    await vectors.similarities(["same"], ["same one"])
    assert embedder.texts.count("same one") == 2, "the one asked for longest ago gives way"


def test_what_names_only_another_thing_asks_the_same_of_it() -> None:
    often, why = (
        going_on("and deadlift?", "How often do I squat?", [_answer(1, each, ""), *CROWD], {1: each}, {each: SIMILAR})
        for each in ("How often do I deadlift?", "Why do I deadlift?")
    )
    assert often[1].score > why[1].score


def test_of_two_readings_the_nearer_counts() -> None:
    near, far = Nearness(0.9, 0.7), Nearness(0.2, 0.8)
    assert nearer({1: near, 2: far, 3: far}, {1: far, 2: near}) == {1: near, 2: near, 3: far}
