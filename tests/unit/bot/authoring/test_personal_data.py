"""Personal data: every kind is found in sentences that the rules were not made with, and replaced consistently."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.authoring.personal import PersonalFinder, PersonalKind, Replacements
from bot.authoring.personal.english_names import FIRST_NAMES
from tests.fixtures.personal_texts import HELD_OUT, WRITTEN_WITH, Planted, Templates, decoys, planted_texts

CHECKSUMMED = ("card", "inn", "snils", "iban")


def is_found(finder: PersonalFinder, planted: Planted) -> bool:
    return any(
        find.kind == planted.kind and find.start <= planted.start and find.end >= planted.end
        for find in finder.find(planted.text)
    )


@pytest.mark.parametrize("templates", [WRITTEN_WITH, HELD_OUT], ids=["written with", "held out"])
@pytest.mark.parametrize("seed", [1, 15, 77])
def test_planted_data_is_found(templates: Templates, seed: int) -> None:
    finder, found, total = PersonalFinder(), Counter[str](), Counter[str]()
    for planted in planted_texts(templates, 300, seed):
        total[planted.kind] += 1
        found[planted.kind] += is_found(finder, planted)
    assert len(total) == len(PersonalKind)
    for kind, count in total.items():
        assert found[kind] >= (0.99 if kind in CHECKSUMMED else 0.9) * count, kind


def test_nothing_is_found_where_nothing_is() -> None:
    finder = PersonalFinder()
    assert {text: finder.find(text) for text in decoys() if finder.find(text)} == {}


@given(
    st.sampled_from(sorted(FIRST_NAMES)),
    st.sampled_from(["I", "I'm", "I’ll", "Monday", "Sunday", "December"]),
    st.sampled_from(["{} {} gain weight?", "Well. {} {} then.", "ask {} {} will do it"]),
)
def test_a_pronoun_or_a_day_makes_no_surname(first: str, other: str, sentence: str) -> None:
    text = sentence.format(first.capitalize(), other)
    assert [find for find in PersonalFinder().find(text) if find.kind is PersonalKind.NAME] == []


def test_nothing_of_what_is_planted_is_left() -> None:
    for planted in planted_texts(HELD_OUT, 120, 3):
        replaced, kinds = Replacements(PersonalFinder()).replace(planted.text)
        if kinds:
            assert planted.value not in replaced


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("8 903 123-45-67", "+7 (903) 123 45 67"),
        ("Позвал Ольгу Смирнову", "Ольга Смирнова пришла"),
        ("почта: Lena@Mail.ru", "почта: lena@mail.ru"),
        ("карта 4111 1111 1111 1111", "карта 4111111111111111"),
    ],
)
def test_the_same_value_gets_the_same_number_however_it_is_written(first: str, second: str) -> None:
    replacements = Replacements(PersonalFinder())
    numbers = [re.findall(r"\[.+? (\d+)\]", replacements.replace(f"Вот: {text}")[0]) for text in (first, second)]
    assert numbers == [["1"], ["1"]]


def test_those_who_write_are_found_by_any_form_of_their_names_and_the_author_is_not() -> None:
    finder = PersonalFinder(["Маша Иванова", "Coach Greg", "Анна Ким"], ["Анна Ким"])
    found = [find.key for find in finder.find("Маше и Greg я сказала: Анна Ким не тренер, а coach — Greg.")]
    assert found == ["маша", "greg", "greg"]


def test_links_are_private_by_what_is_in_them() -> None:
    finder = PersonalFinder()
    text = "https://ru.wikipedia.org/wiki/Бег https://example.com/?page=2 https://t.me/+AbCdEf123456 https://a.ru/x?token=1"
    assert [text[find.start : find.end] for find in finder.find(text)] == [
        "https://t.me/+AbCdEf123456",
        "https://a.ru/x?token=1",
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("abcАнна Ким @+7903-.:/[]№4111 \n9"), max_size=120))
def test_finds_are_in_order_and_apart(text: str) -> None:
    finds = PersonalFinder(["Анна"]).find(text)
    for find in finds:
        assert 0 <= find.start < find.end <= len(text)
    assert all(first.end <= second.start for first, second in pairwise(finds))
