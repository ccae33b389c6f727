"""Texts with entities: measured in UTF-16, cut into messages, and nothing of them lost."""

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
def test_messages_hold_all_of_a_text_and_are_no_longer_than_they_may(whole: FormattedText, most: int) -> None:
    found = split_into_messages(whole, most)
    visible = "".join(c for c in letters(whole.text) if c != "\u200b")
    assert "".join(c for page in found for c in letters(page.text) if c != "\u200b") == visible
    for page in found:
        assert 0 < page.utf16_length <= most
        assert not page.is_blank
        for span in page.spans:
            assert 0 <= span.start < span.end <= len(page.text)


@given(formatted(), st.integers(8, 60))
def test_a_letter_keeps_its_looks(whole: FormattedText, most: int) -> None:
    def looks(page: FormattedText) -> list[tuple[str, frozenset[str]]]:
        return [
            (c, frozenset(s.kind for s in page.spans if s.start <= n < s.end))
            for n, c in enumerate(page.text)
            if not c.isspace() and c != "\u200b"
        ]

    assert [one for page in split_into_messages(whole, most) for one in looks(page)] == looks(whole)


@given(TEXTS, TEXTS, st.integers(8, 60))
def test_messages_before_the_last_stay_as_a_text_grows(first: str, more: str, most: int) -> None:
    before, after = (
        split_into_messages(FormattedText(first), most),
        split_into_messages(FormattedText(first + more), most),
    )
    kept = before[:-1]
    assert after[: len(kept)] == kept


@given(TEXTS)
def test_entities_are_counted_in_utf_16(text: str) -> None:
    raw = text.encode("utf-16-le")
    assert utf16_length(text) == len(raw) // 2
    for at in range(0, len(text), 7):
        (entity,) = FormattedText(text, (Span("bold", at, len(text)),)).entities()
        assert raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le") == text[at:]


def test_a_text_is_cut_between_paragraphs_then_lines_then_sentences_then_words() -> None:
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


def test_an_emoji_and_an_accent_are_not_parted() -> None:
    assert [p.text for p in split_into_messages(FormattedText("abcde\u0301f"), 5)] == ["abcd", "e\u0301f"]
    assert [p.text for p in split_into_messages(FormattedText(f"ab{FAMILY}"), 8)] == ["ab", FAMILY]


def test_code_that_is_cut_goes_on_as_code_with_its_indent() -> None:
    code = styled("if a:\n    b()\n    c()", "pre", "python")
    first, second = split_into_messages(code, 14)
    assert (first.text, second.text) == ("if a:\n    b()", "    c()")
    assert second.spans == (Span("pre", 0, 7, "python"),)


def test_no_message_has_more_entities_than_telegram_takes() -> None:
    many = join((styled(f"w{n}", "bold") for n in range(3 * MAX_ENTITIES)), " ")
    found = split_into_messages(many)
    assert max(len(page.spans) for page in found) <= MAX_ENTITIES
    assert letters("".join(page.text for page in found)) == letters(many.text)


@pytest.mark.parametrize("blank", ["", " \n ", "\u200b\u2060", "\u202e"])
def test_what_shows_nothing_is_blank(blank: str) -> None:
    assert plain(blank).is_blank
    assert split_into_messages(plain(blank)) == []


def test_what_telegram_would_drop_is_not_sent() -> None:
    assert normalize_text("a\r\nb\x00c\td\u202ee\ud800") == "a\nb c    de"
