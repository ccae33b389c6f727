"""Whether a message says what a fact says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.identity import Fact, cut_units
from bot.memory.statement_rules import Verdict
from tests.fixtures.forgetting_cases import GOES, STAYS

MAX_ASKED_SHARE = 1 / 6
"""Of sixty cases ten may be left to the person."""


def test_what_says_the_same_goes_and_nothing_else() -> None:
    verdicts = [(fact, text, Fact(fact).compare(text).verdict) for fact, text in GOES]
    assert [case for case in verdicts if case[2] is Verdict.OTHER] == []
    others = [(fact, text, Fact(fact).compare(text).verdict) for fact, text in STAYS]
    assert [case for case in others if case[2] is Verdict.SAME] == []
    asked = [case for case in (*verdicts, *others) if case[2] is Verdict.UNSURE]
    assert len(asked) <= MAX_ASKED_SHARE * len((*verdicts, *others)), asked


@pytest.mark.parametrize(("fact", "text"), [*GOES, *STAYS])
def test_the_quick_look_misses_nothing(fact: str, text: str) -> None:
    known = Fact(fact)
    assert known.compare(text).verdict is Verdict.OTHER or known.may_be_in(text)


THINGS = ("garage", "cellar", "bank card", "gym locker", "office door", "safe")
VALUES = ("4821", "90317", "0042", "77-31-05")


@given(
    thing=st.sampled_from(THINGS),
    other=st.sampled_from(THINGS),
    value=st.sampled_from(VALUES),
    second=st.sampled_from(VALUES),
    owner=st.sampled_from(("my", "my mother's", "my neighbour's")),
)
def test_value_thing_and_owner_all_count(thing: str, other: str, value: str, second: str, owner: str) -> None:
    verdict = Fact(f"The code of my {thing} is {value}").compare(f"{owner.capitalize()} {other} pin: {second}.").verdict
    if value != second:
        assert verdict is Verdict.OTHER
    elif thing == other and owner == "my":
        assert verdict is Verdict.SAME
    else:
        assert verdict is not Verdict.SAME


@given(
    disease=st.sampled_from(("diabetes", "asthma", "epilepsy", "migraines", "psoriasis")),
    whose=st.sampled_from(
        ("My mother has", "My wife has", "My son has", "My dog has", "Anna has", "He has", "You have")
    ),
)
def test_health_of_others_is_theirs(disease: str, whose: str) -> None:
    assert Fact(f"I have {disease}").compare(f"{whose} {disease}.").verdict is Verdict.OTHER
    assert Fact(f"I have {disease}").compare(f"I have {disease}.").verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("fact", "text", "left"),
    [
        ("My pin is 4821", "I moved to Omsk. My pin is 4821. I like it there.", "I moved to Omsk. I like it there."),
        ("My pin is 4821", "My pin is 4821 and my alarm code is 1199.", "My alarm code is 1199."),
        ("I have diabetes", "I have diabetes, but I run ten kilometres.", "I run ten kilometres."),
        ("У меня диабет", "Живу в Омске, у меня диабет, и я бегаю по утрам.", "Живу в Омске. Я бегаю по утрам."),
        ("My left knee hurts", "My left knee hurts. Shall I run?", ""),
        ("My pin is 4821", "My pin is 4821.", ""),
    ],
)
def test_only_the_part_that_says_it_is_cut(fact: str, text: str, left: str) -> None:
    comparison = Fact(fact).compare(text)
    assert comparison.verdict is Verdict.SAME
    assert cut_units(text, comparison.same) == left


def test_the_mind_speaks_of_the_person_as_you() -> None:
    fact = Fact("I have diabetes")
    assert fact.compare("You have diabetes.", "mind").verdict is Verdict.SAME
    assert fact.compare("Your mother has diabetes.", "mind").verdict is Verdict.OTHER
    assert fact.compare("You have diabetes.").verdict is Verdict.OTHER


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_compared(fact: str, text: str) -> None:
    comparison = Fact(fact).compare(text)
    assert isinstance(cut_units(text, comparison.same), str)
