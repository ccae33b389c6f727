"""What goes on from a question is put as a whole one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.whole_questions import as_whole_questions


@pytest.mark.parametrize(
    ("before", "message", "whole"),
    [
        ("How often should I do squats?", "and what about deadlifts?", "How often should I do deadlifts?"),
        ("Are cold showers good for recovery?", "ok and saunas instead", "Are saunas good for recovery?"),
        ("Полезен ли контрастный душ?", "а баня", "Полезен ли баня?"),
        ("Is creatine safe to take every day?", "how much then", "how much creatine"),
        ("Are cold showers good?", "How long should one last?", "How long should last cold showers"),
        ("Полезно ли бегать натощак?", "почему?", "почему бегать натощак"),
        ("How do I ask for a raise?", "What if she says no?", "What if she says no ask raise"),
    ],
)
def test_what_goes_on_has_a_subject_then(before: str, message: str, whole: str) -> None:
    assert as_whole_questions(message, before)[0] == whole


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("Is it good to run?", "and in winter?"),
        ("Is it good to run?", "and if it rains?"),
        ("Как правильно приседать?", "а зимой?"),
        ("How do I quit sugar?", "is fruit ok"),
        ("How are you?", "and why?"),
    ],
)
def test_a_condition_and_a_subject_of_its_own_are_left_alone(before: str, message: str) -> None:
    assert as_whole_questions(message, before) == ()


def test_each_of_two_subjects_may_be_the_one_that_makes_way() -> None:
    assert as_whole_questions("and tea?", "Is coffee better than milk?") == (
        "Is tea better than milk?",
        "Is coffee better than tea?",
    )


@given(st.text(max_size=60), st.text(max_size=60))
def test_anything_is_read(message: str, before: str) -> None:
    assert all(isinstance(each, str) for each in as_whole_questions(message, before))
