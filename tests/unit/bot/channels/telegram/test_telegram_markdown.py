"""Markdown to text with entities."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.formatting import FormattedText, split_into_messages
from bot.channels.telegram.markdown import MAX_LENGTH, render_markdown
from tests.fakes.markdown_texts import LITERALS, SYMBOLS, generate_text

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
    assert render_markdown("a < b > c & d_e_f 2*3*4 \\* <b>x</b>").text == "a < b > c & d_e_f 2*3*4 * <b>x</b>"
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
    assert (
        render_markdown(wide).text == "exercise\n• squats — how often it is done: three times a week; why: for strength"
    )


@pytest.mark.parametrize("hostile", ["[" * MAX_LENGTH, "> " * 9000 + "x", "*a " * 6000, "![[" * 6000, "|a" * 9000])
def test_hostile_text_renders(hostile: str) -> None:
    assert render_markdown(hostile).text


@given(st.integers(1, 40), st.sampled_from(["> ", "- ", "1. ", "> - "]))
def test_deep_nesting_loses_no_text(depth: int, mark: str) -> None:
    assert "word" in render_markdown(mark * depth + "word").text


@pytest.mark.parametrize(
    "written",
    [
        "2*3*4",
        "2**10 and 3**2",
        "physics*0.7+sport*0.3",
        "f(x)*g(y)*h(z)",
        "a * b * c",
        "__init__",
        'if __name__ == "__main__":',
        "snake_case_name and _x",
        "https://example.org/a*b*c/_d_/e~~f~~",
        "(see https://example.org/wiki/A_(b)_c)",
        r"\(E = mc^2\)",
        r"\[ a*b*c \]",
        "\\[\na*b\n- c\n# d\n\\]",
        "$a*b*c$ and $$x_1*y_2*z$$",
        "it costs $5*2 or $10*3",
        r"\d+\.\d* and C:\new\!x",
        "&amp; &lt;b&gt; <b>x</b> <!-- y -->",
        "[1]: https://example.org",
        "<|use_lora_sport|> @everyone #tag",
        "/*comment*/ and src/**/a or lib/**/b",
        "def f(*args, **kwargs): ...",
        "5 > 3 and 2 < 4",
        "#",
    ],
)
def test_text_that_is_no_formatting_appears_as_written(written: str) -> None:
    assert render_markdown(written) == FormattedText(written)
    inside = render_markdown(f"Look: {written.strip()} is all.") if "\n" not in written else render_markdown(written)
    assert not inside.spans


def test_formatting_around_literal_text_works() -> None:
    assert entities("**2*3*4** and *__init__*, `a*b*c` and **$a*b*c$**") == {
        "bold": ["2*3*4", "$a*b*c$"],
        "italic": ["__init__"],
        "code": ["a*b*c"],
    }
    assert entities("**https://example.org/a*b*c**") == {"bold": ["https://example.org/a*b*c"]}


def test_list_numbers_are_those_of_the_source() -> None:
    assert render_markdown("3. a\n7. b\n7. c").text == "3. a\n7. b\n7. c"
    assert render_markdown("1) a\n2) b").text == "1) a\n2) b"


def test_everything_of_a_table_is_shown() -> None:
    table = "|name|see|\n|-|-|\n|**a**|[b](https://x.y/)|more|`c`|\n"
    (block,) = entities(table)["pre"]
    assert block.split("\n")[1].split() == ["a", "b", "(https://x.y/)", "more", "c"]
    wide = "|name|address|\n|-|-|\n|the essay on strength|[read it here](https://example.org/strength)|\n"
    assert render_markdown(wide).text == (
        "name\n• the essay on strength — address: read it here (https://example.org/strength)"
    )


def test_fence_with_more_than_a_language_loses_nothing() -> None:
    assert render_markdown("```python title=a.py\nx\n```").text == "title=a.py\nx"
    assert entities("```python title=a.py\nx\n```") == {"pre": ["x"]}


def test_link_that_telegram_would_not_show_has_its_address() -> None:
    assert render_markdown("[a](http://localhost:8000/x)").text == "a (http://localhost:8000/x)"
    assert render_markdown('[a](https://x.y "why")').text == "a (why)"


MARKS_OF_FORMATTING = set("*_~`#>|-+=[]()!\\•—\u200b🖼")
WORDS = st.sampled_from([*LITERALS, *SYMBOLS])
SEEDS = 10_000 if os.environ.get("CONSILIUM_LONG") == "1" else 100
INLINE = st.recursive(
    WORDS,
    lambda inner: st.builds(
        lambda mark, words: f"{mark}{' '.join(words)}{mark}",
        st.sampled_from(["**", "*", "_", "__", "~~", "`"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
LINES = st.lists(INLINE, min_size=1, max_size=8).map(" ".join)
CODE = st.builds(
    lambda info, lines: "\n".join([f"```{info}", *lines, "```"]),
    st.sampled_from(["", "py", "py a b"]),
    st.lists(LINES, min_size=1, max_size=4),
)
BLOCKS = CODE | st.builds(
    lambda prefix, lines: "\n".join(f"{prefix}{line}" for line in lines),
    st.sampled_from(["", "", "# ", "- ", "2. ", "> ", "> - ", "    "]),
    st.lists(LINES, min_size=1, max_size=4),
)
PIECES = st.lists(st.sampled_from([mark for mark in MARKS if "```" not in mark]) | WORDS, max_size=40)
DOCUMENTS = st.lists(BLOCKS, max_size=6).map("\n\n".join) | PIECES.map("".join)


def significant(text: str) -> Counter[str]:
    """What must not be lost, whatever the marks around it became."""
    return Counter(c for c in text if not c.isspace() and c not in MARKS_OF_FORMATTING)


def addresses(formatted: FormattedText) -> str:
    """What is shown of a text only when a link is tapped, or as the language of code."""
    return "".join(span.detail or "" for span in formatted.spans)


def clusters(text: str) -> list[str]:
    return [cluster for cluster in regex.findall(r"\X", text) if not cluster.isspace()]


def check_entities(message: FormattedText) -> None:
    """Offsets are between whole characters in UTF-16; a span is inside or outside of every other, never across."""
    raw = message.text.encode("utf-16-le")
    for entity in message.entities():
        raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")
        assert entity.length > 0
    for a in message.spans:
        for b in message.spans:
            inside = (a.start <= b.start and b.end <= a.end) or (b.start <= a.start and a.end <= b.end)
            assert inside or a.end <= b.start or b.end <= a.start


def check_text(markdown: str, limit: int) -> None:
    formatted = render_markdown(markdown)
    lost = significant(markdown) - significant(formatted.text + addresses(formatted))
    assert not lost, (markdown, formatted.text)
    check_entities(formatted)
    messages = split_into_messages(formatted, limit)
    assert [c for m in messages for c in clusters(m.text)] == clusters(formatted.text)
    for message in messages:
        assert 0 < message.utf16_length <= limit
        check_entities(message)


@given(DOCUMENTS, st.integers(32, 200))
def test_no_visible_character_is_lost(markdown: str, limit: int) -> None:
    check_text(markdown, limit)


@pytest.mark.long
def test_no_visible_character_of_generated_texts_is_lost() -> None:
    for seed in range(SEEDS):
        check_text(generate_text(seed), 40 + seed % 160)


@given(st.lists(BLOCKS, min_size=2, max_size=8), st.data())
def test_complete_blocks_stay_while_an_answer_grows(blocks: list[str], data: st.DataObject) -> None:
    # A block of another kind may go on over an empty line; a rule ends it in any case.
    blocks = [block if block.startswith("```") else block.strip() for block in blocks]
    count = data.draw(st.integers(1, len(blocks) - 1))
    done = render_markdown("\n\n---\n\n".join(blocks[:count]))
    grown = render_markdown("\n\n---\n\n".join(blocks))
    assert grown.text.startswith(done.text)
    # A space that is shown before what follows, as behind the number of an empty item, is not shown at an end.
    assert set(done.spans) <= {replace(span, end=min(span.end, len(done.text))) for span in grown.spans}


@pytest.mark.parametrize("block", ["**a** word", "- **a**\n- b", "```py\nx = 1\n```", "> *q*", "|a|b|\n|-|-|\n|1|2|"])
def test_long_text_keeps_the_formatting_of_what_is_shown(block: str) -> None:
    paragraph = f"{block}\n\nText with **bold** words.\n\n"
    shown = list[FormattedText]()
    for length in range(0, 2 * MAX_LENGTH + 9000, 3001):
        text = paragraph * (length // len(paragraph))
        messages = split_into_messages(render_markdown(text))
        assert messages[: len(shown)] == shown
        shown = messages[:-1]
    assert len(text) > 2 * MAX_LENGTH
    assert all(any(span.kind == "bold" for span in message.spans) for message in shown)


def test_one_block_longer_than_the_limit_keeps_its_formatting() -> None:
    formatted = render_markdown("```python\n" + "value = 1\n" * 4000 + "```\n\n**after**")
    assert {span.kind for span in formatted.spans} == {"pre", "bold"}
    assert formatted.text.count("value = 1\n") == 4000 - 1 + formatted.text.count("value = 1\n\n")
    assert all(span.detail == "python" for span in formatted.spans if span.kind == "pre")
    words = render_markdown("**a** " * MAX_LENGTH)
    assert len(words.spans) == MAX_LENGTH
    assert words.text.split() == ["a"] * MAX_LENGTH


def test_table_in_an_item_of_a_list_is_there_once() -> None:
    for lead in ("- ", "* ", "12. ", "- - "):
        indent = " " * len(lead)
        rendered = render_markdown(f"{lead}| head \\| a | b |\n{indent}|---|---|\n{indent}| one | two |").text
        assert [rendered.count(word) for word in ("head", "one", "two")] == [1, 1, 1], rendered
