"""Texts with entities: measured in UTF-16 and split into messages without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.formatting import (
    MAX_ENTITIES,
    FormattedText,
    Span,
    join,
    normalize_text,
    plain,
    split_into_messages,
    styled,
    utf16_length,
)

FAMILY = "👩\u200d👩\u200d👧"
LETTERS = st.sampled_from([*"ab яЖ \n\n.!", FAMILY, "🏛", "é", "\u0301", "\u200b", "```"])
TEXTS = st.lists(LETTERS, max_size=300).map("".join)


@st.composite
def formatted(draw: st.DrawFn) -> FormattedText:
    text = normalize_text(draw(TEXTS))
    spans = []
    for _ in range(draw(st.integers(0, 8)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        kind = draw(st.sampled_from(["bold", "pre", "code", "text_link"]))
        spans.append(Span(kind, start, draw(st.integers(start + 1, len(text))), "x"))
    return FormattedText(text, tuple(spans))


def letters(text: str) -> str:
    return "".join(text.split())


@given(formatted(), st.integers(8, 60))
def test_split_loses_nothing_and_keeps_the_limit(text: FormattedText, limit: int) -> None:
    messages = split_into_messages(text, limit)
    visible = "".join(c for c in letters(text.text) if c != "\u200b")
    assert "".join(c for message in messages for c in letters(message.text) if c != "\u200b") == visible
    for message in messages:
        assert 0 < message.utf16_length <= limit
        assert not message.is_blank
        for span in message.spans:
            assert 0 <= span.start < span.end <= len(message.text)


@given(formatted(), st.integers(8, 60))
def test_split_keeps_the_formatting_of_each_letter(text: FormattedText, limit: int) -> None:
    def formatted_letters(message: FormattedText) -> list[tuple[str, frozenset[str]]]:
        return [
            (c, frozenset(s.kind for s in message.spans if s.start <= n < s.end))
            for n, c in enumerate(message.text)
            if not c.isspace() and c != "\u200b"
        ]

    messages = split_into_messages(text, limit)
    assert [letter for message in messages for letter in formatted_letters(message)] == formatted_letters(text)


@given(TEXTS, TEXTS, st.integers(8, 60))
def test_earlier_messages_stay_when_the_text_grows(first: str, more: str, limit: int) -> None:
    before = split_into_messages(FormattedText(first), limit)
    after = split_into_messages(FormattedText(first + more), limit)
    stable = before[:-1]
    assert after[: len(stable)] == stable


@given(TEXTS)
def test_entity_offsets_are_utf16(text: str) -> None:
    raw = text.encode("utf-16-le")
    assert utf16_length(text) == len(raw) // 2
    for at in range(0, len(text), 7):
        (entity,) = FormattedText(text, (Span("bold", at, len(text)),)).entities()
        assert raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le") == text[at:]


def test_split_prefers_paragraphs_then_lines_then_sentences_then_words() -> None:
    assert [p.text for p in split_into_messages(FormattedText("one two.\n\nthree\nfour five"), 20)] == [
        "one two.",
        "three\nfour five",
    ]
    assert [p.text for p in split_into_messages(FormattedText("one two\nthree four five"), 18)] == [
        "one two",
        "three four five",
    ]
    assert [p.text for p in split_into_messages(FormattedText("One two. Three four"), 16)] == ["One two.", "Three four"]
    assert [p.text for p in split_into_messages(FormattedText("one two three"), 9)] == ["one two", "three"]
    assert [p.text for p in split_into_messages(FormattedText("onetwothree"), 4)] == ["onet", "woth", "ree"]


def test_split_keeps_emoji_and_accents_together() -> None:
    assert [p.text for p in split_into_messages(FormattedText("abcde\u0301f"), 5)] == ["abcd", "e\u0301f"]
    assert [p.text for p in split_into_messages(FormattedText(f"ab{FAMILY}"), 8)] == ["ab", FAMILY]


def test_split_code_block_stays_code_with_its_indentation() -> None:
    code = styled("if a:\n    b()\n    c()", "pre", "python")
    first, second = split_into_messages(code, 14)
    assert (first.text, second.text) == ("if a:\n    b()", "    c()")
    assert second.spans == (Span("pre", 0, 7, "python"),)


def test_split_keeps_the_entity_limit() -> None:
    text = join((styled(f"w{n}", "bold") for n in range(3 * MAX_ENTITIES)), " ")
    messages = split_into_messages(text)
    assert max(len(message.spans) for message in messages) <= MAX_ENTITIES
    assert letters("".join(message.text for message in messages)) == letters(text.text)


@pytest.mark.parametrize("blank", ["", " \n ", "\u200b\u2060", "\u202e"])
def test_invisible_text_is_blank(blank: str) -> None:
    assert plain(blank).is_blank
    assert split_into_messages(plain(blank)) == []


def test_normalize_text_removes_what_telegram_drops() -> None:
    assert normalize_text("a\r\nb\x00c\td\u202ee\ud800") == "a\nb c    de"
