"""Markdown to text with entities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.formatting import split_into_messages
from bot.channels.telegram.markdown import MAX_LENGTH, render_markdown

MARKS = ["**", "*", "_", "`", "```", "\n```\n", "\n\n", "\n", "# ", "> ", "- ", "1. ", "|", "|-|-|\n", "~~", "[", "](",
         ")", "![", "<b>", "&amp;", "\\", "---\n", "    ", "слово", "word ", "🏛", "https://a.b"]  # fmt: skip


def looks(markdown: str) -> dict[str, list[str]]:
    """The text of each entity, by kind."""
    whole, found = render_markdown(markdown), {}
    for span in whole.spans:
        found.setdefault(span.kind, []).append(whole.text[span.start : span.end])
    return found


@given(st.lists(st.sampled_from(MARKS), max_size=60).map("".join) | st.text(max_size=80))
def test_anything_can_be_rendered_and_shown(markdown: str) -> None:
    whole = render_markdown(markdown)
    for span in whole.spans:
        assert 0 <= span.start < span.end <= len(whole.text)
    for page in split_into_messages(whole, 50):
        assert page.utf16_length <= 50
        page.entities()


@given(st.lists(st.text("абв xyz🏛", min_size=1, max_size=12), min_size=1, max_size=6))
def test_no_word_is_lost(paragraphs: list[str]) -> None:
    written = "\n\n".join(f"**{p.strip()}** {p}" for p in paragraphs if p.strip())
    assert "".join(render_markdown(written).text.replace("*", "").split()) == "".join(written.replace("*", "").split())


def test_looks() -> None:
    assert looks("# Title\n\nA **bold *both* word**, `code`, ~~gone~~ and [a link](https://x.y/a_b).") == {
        "bold": ["Title", "bold both word"],
        "italic": ["both"],
        "code": ["code"],
        "strikethrough": ["gone"],
        "text_link": ["a link"],
    }
    assert render_markdown("a\n\n***\n\n1. one\n2. two\n   - deep\n\n> said\n> > twice").text == (
        "a\n\n———\n\n1. one\n2. two\n   • deep\n\nsaid\n\ntwice"
    )
    assert looks("> said\n> > twice")["blockquote"] == ["said\n\ntwice"]


def test_what_is_no_markdown_stays_as_it_is() -> None:
    assert render_markdown("a < b > c & d_e_f 2*3*4 \\* <b>x</b>").text == "a < b > c & d_e_f 234 * <b>x</b>"
    assert render_markdown("<script>x</script>").text == "<script>x</script>"


def test_code_that_is_not_closed_yet_is_code() -> None:
    assert looks("See:\n\n```python\nprint(1)\n") == {"pre": ["print(1)"]}
    assert render_markdown("See:\n\n```python\nprint(1)\n").spans[0].detail == "python"
    assert render_markdown("A **bold begin").text == "A **bold begin"


def test_a_link_that_leads_nowhere_shows_its_address() -> None:
    whole = render_markdown("[a](javascript:alert) [b](/local) ![picture](https://x.y/p.png)")
    assert whole.text == "[a](javascript:alert) b (/local) picture"
    assert [span.detail for span in whole.spans] == ["https://x.y/p.png"]


def test_a_narrow_table_is_code_and_a_wide_one_a_list_that_names_its_cells() -> None:
    assert looks("|a|b|\n|-|-|\n|1|22|\n") == {"pre": ["a  b\n1  22"]}
    wide = "|exercise|how often it is done|why\n|-|-|-|\n|squats|three times a week|for strength|\n"
    assert render_markdown(wide).text == "• squats — how often it is done: three times a week; why: for strength"


@pytest.mark.parametrize("hostile", ["[" * MAX_LENGTH, "> " * 9000 + "x", "*a " * 6000, "![[" * 6000, "|a" * 9000])
def test_hostile_text_is_rendered(hostile: str) -> None:
    assert render_markdown(hostile).text


@given(st.integers(1, 40), st.sampled_from(["> ", "- ", "1. ", "> - "]))
def test_what_is_nested_too_deep_is_not_left_out(depth: int, mark: str) -> None:
    assert "word" in render_markdown(mark * depth + "word").text


def test_a_text_too_long_to_look_at_is_shown_as_it_is() -> None:
    assert render_markdown("**a** " * MAX_LENGTH).spans == ()
