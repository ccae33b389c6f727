import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import EmptyMessage
from bot.intake.parsing import CommandCall, Question, parse_message


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
def test_a_command_is_told_from_its_argument(text: str, name: str, argument: str) -> None:
    assert parse_message(text) == CommandCall(name, argument)


@pytest.mark.parametrize("text", ["How are you?", "/ mode", "//mode", "1/2 of it", "/5 минут", "see /mode"])
def test_what_only_looks_like_a_command_is_a_question(text: str) -> None:
    assert parse_message(text) == Question(text)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b", "\u200e\u2060", "\ufeff", "\x07"])
def test_a_message_with_nothing_to_see_is_empty(text: str) -> None:
    with pytest.raises(EmptyMessage):
        parse_message(text)


@pytest.mark.parametrize("text", ["ы", "👍🏽", "한국어", "a\u0301", "🏳️\u200d🌈", "\u202eabc", "?"])
def test_odd_unicode_is_left_as_written(text: str) -> None:
    assert parse_message(text) == Question(text)


@given(st.text(st.characters()))
def test_any_text_is_read_or_refused_and_can_be_stored(text: str) -> None:
    try:
        message = parse_message(text)
    except EmptyMessage:
        return
    kept = message.text if isinstance(message, Question) else message.argument
    assert "\0" not in kept
    kept.encode("utf-8")


def test_lone_surrogates_and_nul_become_visible_marks() -> None:
    assert parse_message("a\ud800b\0c") == Question("a\ufffdb\ufffdc")
