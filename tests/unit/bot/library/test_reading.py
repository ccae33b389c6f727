"""What a sentence states: numbers with unit, sign and bound, negation, conditions, whose word it is."""

from __future__ import annotations

import pytest

from bot.library.cite.reading import read_statement
from bot.library.cite.statement import Statement, Term, TermKind
from bot.text.operators import Operator


def numbers(text: str) -> list[Term]:
    return [term for term in read_statement(text).terms if term.kind is TermKind.NUMBER]


def word(statement: Statement, key: str) -> Term:
    return next(term for term in statement.terms if key in term.keys)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("It is −5 °C.", "-5", "celsius"),
        ("Здесь минус 5 градусов.", "-5", "degree"),
        ("From 45–60 minutes.", "45", "minute"),
        ("В XIX веке.", "19", "century"),
        ("In the nineteenth century.", "19", "century"),
        ("Двадцать первый день.", "21", "day"),
        ("Two thirds of them.", "2/3", None),
        ("Это стоит 1 200 руб.", "1200", "rouble"),
        ("It costs $20.", "20", "dollar"),
        ("В 1936-м.", "1936", None),
        ("20 мг рамила", "20", "milligram"),
        ("в 1874 г.", "1874", "year"),
        ("seven and a half hours", "7.5", "hour"),
    ],
)
def test_numbers_have_sign_and_unit(text: str, value: str, unit: str | None) -> None:
    first = numbers(text)[0]
    assert (next(iter(first.keys)), first.unit) == (value, unit)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("At least seven hours.", Operator.AT_LEAST),
        ("Не меньше семи часов.", Operator.AT_LEAST),
        ("Seven hours or more.", Operator.AT_LEAST),
        ("More than 20 people.", Operator.OVER),
        ("До 1881 года.", Operator.UNDER),
        ("About 20 grams.", Operator.ABOUT),
        ("The road lies above the town of 20 towers.", None),
    ],
)
def test_bounds_belong_to_their_number(text: str, bound: Operator | None) -> None:
    assert numbers(text)[0].bound is bound


def test_dates_are_one_in_all_forms() -> None:
    [first] = [term.keys for term in read_statement("12.05.2026").terms if term.kind is TermKind.DATE]
    assert first == word(read_statement("двенадцатого мая"), "month:5").keys
    assert word(read_statement("It was in early May."), "month:5")
    assert not any("month:5" in term.keys for term in read_statement("You may go.").terms)
    assert word(read_statement("По понедельникам"), "weekday:0")


def test_negation_is_of_the_next_word() -> None:
    statement = read_statement("The runner sleeps nine hours and does not lift.")
    assert word(statement, "lift").is_negated
    assert not word(statement, "sleep").is_negated
    assert word(read_statement("Спорить не с кем."), "спорить").is_negated


def test_conditions_end_at_the_comma() -> None:
    statement = read_statement("If it rains, the match is cancelled.")
    assert word(statement, "rain").is_conditional
    assert not word(statement, "match").is_conditional


def test_operators_are_found_by_phrase() -> None:
    def operators(text: str) -> list[Operator]:
        return [found.operator for found in read_statement(text).operators]

    assert operators("Dogs must not enter.") == [Operator.FORBIDDEN]
    assert operators("С собаками нельзя.") == [Operator.FORBIDDEN]
    assert operators("It is a myth that some sugar helps.") == [Operator.FALSE, Operator.SOME]
    assert operators("I think that it helps.") == []
    assert operators("Peter thinks that it helps.") == [Operator.SAID]
