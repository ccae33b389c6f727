"""Markdown to text with entities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.formatting import split_into_messages
from bot.channels.telegram.markdown import MAX_LENGTH, render_markdown

MARKS = ["**", "*", "_", "`", "```", "\n```\n", "\n\n", "\n", "# ", "> ", "- ", "1. ", "|", "|-|-|\n", "~~", "[", "](",
         ")", "![", "<b>", "&amp;", "\\", "---\n", "    ", "слово", "word ", "🏛", "https://a.b"]  # fmt: skip


def entities(markdown: str) -> dict[str, list[str]]:
    """The text of each entity, by kind."""
    formatted, texts = render_markdown(markdown), {}
    for span in formatted.spans:
        texts.setdefault(span.kind, []).append(formatted.text[span.start : span.end])
    return texts


@given(st.lists(st.sampled_from(MARKS), max_size=60).map("".join) | st.text(max_size=80))
def test_any_text_renders_and_splits(markdown: str) -> None:
    formatted = render_markdown(markdown)
    for span in formatted.spans:
        assert 0 <= span.start < span.end <= len(formatted.text)
    for message in split_into_messages(formatted, 50):
        assert message.utf16_length <= 50
        message.entities()


@given(st.lists(st.text("абв xyz🏛", min_size=1, max_size=12), min_size=1, max_size=6))
def test_no_word_is_lost(paragraphs: list[str]) -> None:
    source = "\n\n".join(f"**{p.strip()}** {p}" for p in paragraphs if p.strip())
    assert "".join(render_markdown(source).text.replace("*", "").split()) == "".join(source.replace("*", "").split())


def test_formatting() -> None:
    assert entities("# Title\n\nA **bold *both* word**, `code`, ~~gone~~ and [a link](https://x.y/a_b).") == {
        "bold": ["Title", "bold both word"],
        "italic": ["both"],
        "code": ["code"],
        "strikethrough": ["gone"],
        "text_link": ["a link"],
    }
    assert render_markdown("a\n\n***\n\n1. one\n2. two\n   - deep\n\n> said\n> > twice").text == (
        "a\n\n———\n\n1. one\n2. two\n   • deep\n\nsaid\n\ntwice"
    )
    assert entities("> said\n> > twice")["blockquote"] == ["said\n\ntwice"]


def test_plain_text_and_html_stay_unchanged() -> None:
    assert render_markdown("a < b > c & d_e_f 2*3*4 \\* <b>x</b>").text == "a < b > c & d_e_f 234 * <b>x</b>"
    assert render_markdown("<script>x</script>").text == "<script>x</script>"


def test_unclosed_code_block_is_code() -> None:
    assert entities("See:\n\n```python\nprint(1)\n") == {"pre": ["print(1)"]}
    assert render_markdown("See:\n\n```python\nprint(1)\n").spans[0].detail == "python"
    assert render_markdown("A **bold begin").text == "A **bold begin"


def test_link_without_a_known_scheme_shows_its_address() -> None:
    formatted = render_markdown("[a](javascript:alert) [b](/local) ![picture](https://x.y/p.png)")
    assert formatted.text == "[a](javascript:alert) b (/local) picture"
    assert [span.detail for span in formatted.spans] == ["https://x.y/p.png"]


def test_narrow_table_is_code_and_a_wide_one_a_labelled_list() -> None:
    assert entities("|a|b|\n|-|-|\n|1|22|\n") == {"pre": ["a  b\n1  22"]}
    wide = "|exercise|how often it is done|why\n|-|-|-|\n|squats|three times a week|for strength|\n"
    assert render_markdown(wide).text == "• squats — how often it is done: three times a week; why: for strength"


@pytest.mark.parametrize("hostile", ["[" * MAX_LENGTH, "> " * 9000 + "x", "*a " * 6000, "![[" * 6000, "|a" * 9000])
def test_hostile_text_renders(hostile: str) -> None:
    assert render_markdown(hostile).text


@given(st.integers(1, 40), st.sampled_from(["> ", "- ", "1. ", "> - "]))
def test_deep_nesting_loses_no_text(depth: int, mark: str) -> None:
    assert "word" in render_markdown(mark * depth + "word").text


def test_very_long_text_stays_unformatted() -> None:
    assert render_markdown("**a** " * MAX_LENGTH).spans == ()
