import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import EmptyMessage
from bot.intake.parsing import CommandCall, Question, parse_message, parse_number, shorten_argument


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("/mode sport+core", "mode", "sport+core"),
        ("  /MODE   спорт ", "mode", "спорт"),
        ("/help", "help", ""),
        ("/help@agoge_bot", "help", ""),
        ("/remember two\nlines", "remember", "two\nlines"),
        ("/режим спорт", "mode", "спорт"),
        ("/Консилиум@agoge_bot Сколько спать?", "consilium", "Сколько спать?"),
        ("/режын", "режын", ""),
    ],
)
def test_command_with_argument(text: str, name: str, argument: str) -> None:
    assert parse_message(text) == CommandCall(name, argument)


@pytest.mark.parametrize("text", ["How are you?", "/ mode", "//mode", "1/2 of it", "/5 минут", "see /mode"])
def test_text_that_resembles_a_command_is_a_question(text: str) -> None:
    assert parse_message(text) == Question(text)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b", "\u200e\u2060", "\ufeff", "\x07"])
def test_invisible_text_is_empty(text: str) -> None:
    with pytest.raises(EmptyMessage):
        parse_message(text)


@pytest.mark.parametrize("text", ["ы", "👍🏽", "한국어", "a\u0301", "🏳️\u200d🌈", "\u202eabc", "?"])
def test_unusual_unicode_is_unchanged(text: str) -> None:
    assert parse_message(text) == Question(text)


@given(st.text(st.characters()))
def test_any_text_is_storable_or_empty(text: str) -> None:
    try:
        message = parse_message(text)
    except EmptyMessage:
        return
    parsed = message.text if isinstance(message, Question) else message.argument
    assert "\0" not in parsed
    parsed.encode("utf-8")


def test_lone_surrogates_and_nul_are_replaced() -> None:
    assert parse_message("a\ud800b\0c") == Question("a\ufffdb\ufffdc")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("007", 7),
        ("123456789", 123456789),
        ("1234567890", None),
        ("", None),
        ("-1", None),
        ("٣", None),
        ("²", None),
    ],
)
def test_number_of_an_entry(text: str, number: int | None) -> None:
    assert parse_number(text) == number


def test_errors_quote_long_arguments_in_part() -> None:
    assert shorten_argument("x" * 40) == "x" * 40
    assert shorten_argument("x" * 41) == "x" * 40 + "…"
