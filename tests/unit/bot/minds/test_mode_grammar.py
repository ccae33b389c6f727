"""The grammar of modes: parsing, canonical forms, and the alternatives that errors name."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.errors import describe_error
from bot.minds.errors import (
    BadBand,
    BadWeight,
    EmptyMode,
    ModeError,
    ModeTooLong,
    MustStandAlone,
    RepeatedAdapter,
    TooManyAdapters,
    UnreadableMode,
)
from bot.minds.grammar import (
    MAX_EXPRESSION_LENGTH,
    MAX_TERMS,
    RESERVED,
    Auto,
    Band,
    Base,
    LayerRange,
    ModeExpression,
    NamedBand,
    Sum,
    Term,
    is_valid_name,
    normalise,
    parse_expression,
)


def canonical_names() -> st.SearchStrategy[str]:
    letters = st.characters(categories=("Ll", "Lo", "Nd", "Mn"))
    text = st.text(st.one_of(st.sampled_from("abcspортяй0-_"), letters), min_size=1, max_size=12)
    return text.map(normalise).filter(lambda name: is_valid_name(name) and name not in RESERVED)


def bands() -> st.SearchStrategy[Band | None]:
    layers = st.tuples(st.integers(0, 999), st.integers(0, 999)).map(lambda pair: LayerRange(min(pair), max(pair)))
    return st.one_of(st.none(), st.sampled_from(NamedBand), layers)


def weights() -> st.SearchStrategy[Decimal | None]:
    return st.one_of(st.none(), st.integers(-300, 300).filter(bool).map(lambda steps: Decimal(steps) / 100))


def sums() -> st.SearchStrategy[Sum]:
    terms = st.lists(
        st.builds(Term, canonical_names(), weights(), bands()),
        min_size=1,
        max_size=MAX_TERMS,
        unique_by=lambda term: term.name,
    )
    return terms.map(lambda chosen: Sum(tuple(chosen))).filter(lambda mode: len(str(mode)) <= MAX_EXPRESSION_LENGTH)


def anything() -> st.SearchStrategy[str]:
    pieces = ["sport", "core", "auto", "base", "late", "0.7", *"+*@×.,-0123789 —＋\u200bİё"]
    return st.one_of(st.text(max_size=300), st.lists(st.sampled_from(pieces), max_size=20).map("".join))


@given(st.one_of(sums(), st.sampled_from([Auto(), Base()])))
def test_canonical_form_parses_to_the_same_mode(mode: ModeExpression) -> None:
    assert parse_expression(str(mode)) == mode


@given(sums(), st.randoms())
def test_order_does_not_matter(mode: Sum, random: object) -> None:
    terms = list(mode.terms)
    random.shuffle(terms)  # type: ignore[attr-defined]  # hypothesis types it as object
    assert parse_expression(" + ".join(map(str, terms))) == mode
    assert str(Sum(tuple(terms))) == str(mode)


def parse_or_error(text: str) -> ModeExpression | ModeError:
    try:
        return parse_expression(text)
    except ModeError as error:
        return error


@given(anything())
@example("AUTO@")
@example("base*9")
def test_any_text_is_a_mode_or_an_error_with_alternatives(text: str) -> None:
    result = parse_or_error(text)
    if isinstance(result, ModeError):
        assert result.alternatives
        for alternative in result.alternatives:
            parse_expression(alternative)
        message = describe_error(result, "en", str)
        assert result.alternatives[0] in message
        message.encode()
    else:
        assert parse_expression(str(result)) == result


@given(st.text(max_size=80))
def test_normalising_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=80))
def test_normalising_unifies_unicode_compositions(text: str) -> None:
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("sport+core", "core+sport"),
        ("  Sport +  CORE ", "core+sport"),
        ("physics*0,7+core", "core+physics*0.7"),
        ("physics × .70", "physics*0.7"),
        ("sport*2.00", "sport*2"),
        ("sport*1", "sport*1"),
        ("sport*0.05", "sport*0.05"),
        ("sport*0.72", "sport*0.72"),
        ("sport*-1", "sport*-1"),
        ("physics × −0,50 + core", "core+physics*-0.5"),
        ("sport@late*- 0.01", "sport*-0.01@late"),
        ("sport*3.00+core*-3", "core*-3+sport*3"),
        ("sport*1,25@late", "sport*1.25@late"),
        ("sport@late*1.25", "sport*1.25@late"),
        ("sport @ 8–15", "sport@8-15"),
        ("sport@08-8", "sport@8-8"),
        ("ｓｐｏｒｔ＋ｃｏｒｅ", "core+sport"),
        ("спо\u200bрт", "спорт"),
        ("и\u0306од", "йод"),
        ("heavy—duty_2", "heavy-duty_2"),
        ("संस्कृत+core", "core+संस्कृत"),
        ("AUTO", "auto"),
        ("Авто", "auto"),
        (" база ", "base"),
    ],
)
def test_variants_have_one_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_expression(text)) == canonical


@pytest.mark.parametrize(
    ("text", "kind", "alternative"),
    [
        ("", EmptyMode, "auto"),
        ("\u200b \u2060", EmptyMode, "auto"),
        ("s" * (MAX_EXPRESSION_LENGTH + 1), ModeTooLong, "auto"),
        ("sport*4", BadWeight, "sport*3"),
        ("sport*-3.01", BadWeight, "sport*-3"),
        ("sport*0", BadWeight, "sport*0.01"),
        ("sport*-0.00", BadWeight, "sport*0.01"),
        ("sport*-0.004", BadWeight, "sport*-0.01"),
        ("sport*0.725", BadWeight, "sport*0.72"),
        ("sport*0.7" + "0" * 60 + "1", BadWeight, "sport*0.7"),
        ("sport*--1", BadWeight, "sport*0.7"),
        ("sport*-", BadWeight, "sport*0.7"),
        ("sport*1e1", BadWeight, "sport*0.7"),
        ("sport*nan", BadWeight, "sport*0.7"),
        ("sport*٣", BadWeight, "sport*0.7"),
        ("sport*", BadWeight, "sport*0.7"),
        ("sport@", BadBand, "sport@late"),
        ("sport@upper", BadBand, "sport@late"),
        ("sport@15-8", BadBand, "sport@late"),
        ("sport@1-2000", BadBand, "sport@late"),
        ("core+sport+core", RepeatedAdapter, "core"),
        ("auto+sport", MustStandAlone, "sport"),
        ("base*2", MustStandAlone, "base"),
        ("база+sport+core", MustStandAlone, "core"),
        ("sport core", UnreadableMode, "sport+core"),
        ("core++sport", UnreadableMode, "core+sport"),
        ("+sport", UnreadableMode, "sport"),
        ("0.7*sport", UnreadableMode, "sport"),
        ("sport*1*2", UnreadableMode, "sport"),
        ("-sport", UnreadableMode, "auto"),
        ("🏋", UnreadableMode, "auto"),
        ("sport; drop table", UnreadableMode, "sport+drop+table"),
        ("a+b+c+d+e+f+g+h+i", TooManyAdapters, "a+b+c+d+e+f+g+h"),
    ],
)
def test_error_names_an_alternative(text: str, kind: type[ModeError], alternative: str) -> None:
    with pytest.raises(ModeError) as caught:
        parse_expression(text)
    assert type(caught.value) is kind
    assert alternative in caught.value.alternatives


def test_message_of_a_bad_weight() -> None:
    with pytest.raises(BadWeight) as caught:
        parse_expression("sport*5")
    assert str(caught.value) == (
        "“5” is not a weight for sport. Weights go from -3.00 to 3.00 in steps of 0.01, without 0; try sport*3."
    )


def test_error_repeats_a_short_printable_excerpt() -> None:
    with pytest.raises(UnreadableMode) as caught:
        parse_expression("\ud800\n" + "?" * 150)
    message = str(caught.value)
    assert len(message) < 250
    assert "\n" not in message
    message.encode()
