"""Numbers in digits and in words, in two languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import analyse

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_TEENS = [*_NUMBER_WORDS.split(), "eighteen", "nineteen"]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelled(number: int) -> str:
    """An English number under a million, in words."""
    if number >= 1000:
        rest = number % 1000
        return f"{spelled(number // 1000)} thousand" + (f" {spelled(rest)}" if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{_TEENS[number // 100]} hundred" + (f" and {spelled(rest)}" if rest else "")
    if number >= 20:
        return _TENS[number // 10] + (f"-{_TEENS[number % 10]}" if number % 10 else "")
    return _TEENS[number]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("from 45 to 60 minutes", {"45", "60"}),
        ("forty-five to sixty minutes", {"45", "60"}),
        ("one hundred and seventy-two", {"172"}),
        ("fourteen thousand four hundred steps", {"14400"}),
        ("14,400 steps", {"14400"}),
        ("1 200 человек", {"1200"}),
        ("1\u00a0200\u00a0000 рублей", {"1200000"}),
        ("3 тысячи шагов", {"3000"}),
        ("1,5 млн", {"1500000"}),
        ("один миллион", {"1000000"}),
        ("три миллиона двести тысяч пять", {"3200005"}),
        ("two million three hundred thousand", {"2300000"}),
        ("в 2019 году 200 человек", {"2019", "200"}),
        ("1,6 грамма", {"1.6"}),
        ("1.60 grams", {"1.6"}),
        ("one point six grams", {"1.6"}),
        ("seven and a half hours", {"7.5"}),
        ("семи с половиной часов", {"7.5"}),
        ("от шестидесяти пяти до семидесяти пяти процентов", {"65", "75"}),
        ("Сто сорок восемь граммов", {"148"}),
        ("в четырёхстах шагах, двести тысяч", {"400", "200000"}),
        ("полтора часа", {"1.5"}),
        ("seven, eight", {"7", "8"}),
        ("on 2026-03-19 at 21:30", {"2026-03-19", "21:30"}),
        ("one of them; один из них", set()),
        ("1 of them", {"1"}),
        ("twenty-one of them", {"21"}),
        ("forty minutes and five sets", {"40", "5"}),
        ("nothing at all", set()),
    ],
)
def test_numbers_in_any_notation(text: str, numbers: set[str]) -> None:
    assert analyse(text).numbers == numbers


@given(st.integers(2, 999_999))
def test_spelled_number_equals_digits(number: int) -> None:
    assert analyse(f"He counted {spelled(number)} stones").numbers == analyse(f"He counted {number} stones").numbers
