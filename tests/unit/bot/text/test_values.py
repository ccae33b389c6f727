"""Values in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.values import find_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("My garage pin is 4821.", ["4821"]),
        ("4 821", ["4821"]),
        ("four eight two one", ["4821"]),
        ("сорок восемь двадцать один", ["4821"]),
        ("0421", ["0421"]),
        ("one hundred and five", ["105"]),
        ("12 May 1990, or 12.05.1990, or 1990-05-12", ["1990-05-12"] * 3),
        ("12 мая", ["05-12"]),
        ("А123ВС and A123BC", ["a123bc"] * 2),
        ("write to Anna.K@Example.org!", ["anna.k@example.org"]),
        ("1,200,000 рублей", ["1200000"]),
        ("at 07:30 and 7:30", ["7:30"] * 2),
        ("I have one dog", []),
    ],
)
def test_values_have_one_spelling(text: str, values: list[str]) -> None:
    assert [value.text for value in find_values(text)] == values


def test_a_telephone_is_the_same_with_and_without_its_countrys_code() -> None:
    first, second = find_values("+7 916 123-45-67")[0], find_values("8 (916) 1234567")[0]
    assert first.matches(second)
    assert not first.matches(find_values("8 (916) 1234568")[0])


def test_numbers_of_different_units_differ() -> None:
    assert not find_values("34 km")[0].matches(find_values("34 years")[0])
    assert find_values("82 kg")[0].matches(find_values("82 килограмма")[0])


@given(st.integers(1000, 99_999_999), st.sampled_from(("", " ", "-", " - ")))
def test_digits_in_groups_are_one_number(number: int, separator: str) -> None:
    digits = str(number)
    text = f"code {separator.join(digits[at : at + 2] for at in range(0, len(digits), 2))}."
    if separator:
        assert [value.text for value in find_values(text) if value.kind == "number"] == [digits]


@given(st.text(max_size=300))
def test_values_stand_where_they_say(text: str) -> None:
    assert all(0 <= value.start < value.end for value in find_values(text))
