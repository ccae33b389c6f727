"""Texts with entities: measured in UTF-16, cut into messages, and nothing of them lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.formatted import MOST_ENTITIES, Formatted, Span, clean, joined, pages, plain, styled, utf16

FAMILY = "👩\u200d👩\u200d👧"
LETTERS = st.sampled_from([*"ab яЖ \n\n.!", FAMILY, "🏛", "é", "\u0301", "\u200b", "```"])
TEXTS = st.lists(LETTERS, max_size=300).map("".join)


@st.composite
def formatted(draw: st.DrawFn) -> Formatted:
    text = clean(draw(TEXTS))
    spans = []
    for _ in range(draw(st.integers(0, 8)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        kind = draw(st.sampled_from(["bold", "pre", "code", "text_link"]))
        spans.append(Span(kind, start, draw(st.integers(start + 1, len(text))), "x"))
    return Formatted(text, tuple(spans))


def letters(text: str) -> str:
    return "".join(text.split())


@given(formatted(), st.integers(8, 60))
def test_messages_hold_all_of_a_text_and_are_no_longer_than_they_may(whole: Formatted, most: int) -> None:
    found = pages(whole, most)
    visible = "".join(c for c in letters(whole.text) if c != "\u200b")
    assert "".join(c for page in found for c in letters(page.text) if c != "\u200b") == visible
    for page in found:
        assert 0 < page.units <= most
        assert not page.is_blank
        for span in page.spans:
            assert 0 <= span.start < span.end <= len(page.text)


@given(formatted(), st.integers(8, 60))
def test_a_letter_keeps_its_looks(whole: Formatted, most: int) -> None:
    def looks(page: Formatted) -> list[tuple[str, frozenset[str]]]:
        return [
            (c, frozenset(s.kind for s in page.spans if s.start <= n < s.end))
            for n, c in enumerate(page.text)
            if not c.isspace() and c != "\u200b"
        ]

    assert [one for page in pages(whole, most) for one in looks(page)] == looks(whole)


@given(TEXTS, TEXTS, st.integers(8, 60))
def test_messages_before_the_last_stay_as_a_text_grows(first: str, more: str, most: int) -> None:
    before, after = pages(Formatted(first), most), pages(Formatted(first + more), most)
    kept = before[:-1]
    assert after[: len(kept)] == kept


@given(TEXTS)
def test_entities_are_counted_in_utf_16(text: str) -> None:
    raw = text.encode("utf-16-le")
    assert utf16(text) == len(raw) // 2
    for at in range(0, len(text), 7):
        (entity,) = Formatted(text, (Span("bold", at, len(text)),)).entities()
        assert raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le") == text[at:]


def test_a_text_is_cut_between_paragraphs_then_lines_then_sentences_then_words() -> None:
    assert [p.text for p in pages(Formatted("one two.\n\nthree\nfour five"), 20)] == ["one two.", "three\nfour five"]
    assert [p.text for p in pages(Formatted("one two\nthree four five"), 18)] == ["one two", "three four five"]
    assert [p.text for p in pages(Formatted("One two. Three four"), 16)] == ["One two.", "Three four"]
    assert [p.text for p in pages(Formatted("one two three"), 9)] == ["one two", "three"]
    assert [p.text for p in pages(Formatted("onetwothree"), 4)] == ["onet", "woth", "ree"]


def test_an_emoji_and_an_accent_are_not_parted() -> None:
    assert [p.text for p in pages(Formatted("abcde\u0301f"), 5)] == ["abcd", "e\u0301f"]
    assert [p.text for p in pages(Formatted(f"ab{FAMILY}"), 8)] == ["ab", FAMILY]


def test_code_that_is_cut_goes_on_as_code_with_its_indent() -> None:
    code = styled("if a:\n    b()\n    c()", "pre", "python")
    first, second = pages(code, 14)
    assert (first.text, second.text) == ("if a:\n    b()", "    c()")
    assert second.spans == (Span("pre", 0, 7, "python"),)


def test_no_message_has_more_entities_than_telegram_takes() -> None:
    many = joined((styled(f"w{n}", "bold") for n in range(3 * MOST_ENTITIES)), " ")
    found = pages(many)
    assert max(len(page.spans) for page in found) <= MOST_ENTITIES
    assert letters("".join(page.text for page in found)) == letters(many.text)


@pytest.mark.parametrize("blank", ["", " \n ", "\u200b\u2060", "\u202e"])
def test_what_shows_nothing_is_blank(blank: str) -> None:
    assert plain(blank).is_blank
    assert pages(plain(blank)) == []


def test_what_telegram_would_drop_is_not_sent() -> None:
    assert clean("a\r\nb\x00c\td\u202ee\ud800") == "a\nb c    de"
