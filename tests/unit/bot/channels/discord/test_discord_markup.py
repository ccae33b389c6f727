"""Answers as Discord shows them: text as it is written, tables as code, nothing cut through."""

from __future__ import annotations

import os
from collections import Counter

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from bot.channels.discord.markup import to_discord
from bot.channels.discord.splitting import find_open_fence, split_message, utf16_length
from tests.fakes.discord.markdown import read
from tests.fakes.markdown_texts import LITERALS, SYMBOLS, generate_text

WORDS = st.sampled_from([*LITERALS, *SYMBOLS, "a||b"])
SEEDS = 10_000 if os.environ.get("CONSILIUM_LONG") == "1" else 100
LINK = "[the essay on strength](https://example.org/on-strength_and*rest)"
MARKED = st.builds(
    lambda mark, words: f"{mark}{' '.join(words)}{mark}",
    st.sampled_from(["**", "*", "_", "~~", "`", "||"]),
    st.lists(st.sampled_from(["слово", "word", "two words", "🏛"]), min_size=1, max_size=30),
)
LINES = st.lists(WORDS | MARKED | st.just(LINK), min_size=1, max_size=20).map(" ".join)
CODE = st.builds(
    lambda prefix, mark, info, lines: "\n".join(f"{prefix}{line}" for line in (f"{mark}{info}", *lines, mark)),
    st.sampled_from(["", "   ", "> "]),
    st.sampled_from(["```", "````", "~~~"]),
    st.sampled_from(["", "py", "python title=a rather long description of the file"]),
    st.lists(st.text("ab  (){}=*_", min_size=1, max_size=50).filter(str.strip), min_size=1, max_size=20),
)
PROSE = st.builds(
    lambda prefix, lines: "\n".join(f"{prefix}{line}" for line in lines),
    st.sampled_from(["", "", "# ", "- ", "2. ", "> "]),
    st.lists(LINES, min_size=1, max_size=4),
)
DOCUMENTS = st.lists(PROSE | CODE, max_size=6).map("\n\n".join)
MARKS = set("*_~`#>|-+=[]()!\\:\u200b")


def significant(text: str) -> Counter[str]:
    return Counter(c for c in text if not c.isspace() and c not in MARKS)


@pytest.mark.parametrize(
    "written",
    [
        "2*3*4",
        "2**10 and 3**2",
        "physics*0.7+sport*0.3",
        "f(x)*g(y)*h(z)",
        "__init__",
        "snake_case_name and _x",
        "https://example.org/a*b*c/_d_/e",
        "(see https://example.org/wiki/_x_)",
        r"\(E = mc^2\)",
        r"\[ a*b*c \]",
        "\\[\na*b\n- c\n# d\n\\]",
        "$a*b*c$ and $$x_1*y_2*z$$",
        r"\d+\.\d* and C:\new\!x",
        "**kwargs and **options",
        "a || b || c and a||b||c",
        "&amp; <b>x</b>",
        "def f(*args, **kwargs): ...",
        "a ~~ b ~~ c",
        "one `backtick",
        ">>> print(1)",
        "3 < 4 > 2",
    ],
)
def test_text_that_is_no_formatting_appears_as_written(written: str) -> None:
    seen = read(to_discord(written).text)
    assert (seen.text, seen.styled) == (written, [])


def test_formatting_stays() -> None:
    written = "**bold** *it* _al_ ~~gone~~ ||hidden|| `a*b` [a link](https://x.y/a_b)"
    assert to_discord(written).text == written
    assert [kind for kind, _ in read(written).styled] == [
        "bold", "italic", "italic", "strikethrough", "spoiler", "code", "https://x.y/a_b",
    ]  # fmt: skip
    assert to_discord("* item\n  - deep\n> *quoted*\n#### Small\n-# tiny").text == (
        "* item\n  - deep\n> *quoted*\n### Small\n-# tiny"
    )


def test_link_that_discord_does_not_make_shows_its_address() -> None:
    assert to_discord("[a](mailto:a@b.c) <https://x.y/я> [](https://x.y/)").text == (
        "a (mailto:a@b.c) https://x.y/я https://x.y/"
    )


def test_table_is_aligned_code_with_the_addresses_of_links() -> None:
    table = "|**what**|日本|\n|-|:-:|\n|[essay](https://x.y/k)|`1` \\| 2|more|\n\nafter"
    assert to_discord(table).text == (
        "```\nwhat                   日本\n"
        "─────────────────────  ─────  ────\n"
        "essay (https://x.y/k)  1 | 2  more\n```\n\nafter"
    )


def test_wide_cells_go_on_in_the_next_line() -> None:
    table = f"|name|about|\n|-|-|\n|sport|{'long words ' * 20}|\n|x|y|"
    (block,) = [inner for kind, inner in read(to_discord(table).text).styled if kind == "code block"]
    assert all(cell_len(line) <= 56 for line in block.split("\n"))
    assert block.count("long") == 20


@pytest.mark.parametrize("rows", [60, 300])
def test_split_table_repeats_its_head(rows: int) -> None:
    table = "|number|what|\n|-|-|\n" + "\n".join(f"|{n}|value {n} 🏛|" for n in range(rows))
    text = to_discord(f"Look:\n\n{table}\n\nThat is **all**.")
    pieces = split_message(text.text, 2000, utf16_length, is_markup=True, table_heads=text.table_heads)
    blocks = [inner for piece in pieces for kind, inner in read(piece).styled if kind == "code block"]
    assert len(blocks) == len(pieces) > 1 or rows == 60
    assert all(block.startswith(f"{text.table_heads[0]}\n") for block in blocks)
    values = [line for block in blocks for line in block.split("\n")[2:]]
    assert [line.split()[0] for line in values] == [str(n) for n in range(rows)]


@pytest.mark.parametrize("mark", ["**", "*", "~~", "||", "_"])
def test_long_formatted_text_is_formatted_in_every_piece(mark: str) -> None:
    words = " ".join(f"word{n}" for n in range(900))
    pieces = split_message(to_discord(f"Before {mark}{words}{mark} after.").text, 2000, is_markup=True)
    seen = [read(piece) for piece in pieces]
    assert len(pieces) > 3
    assert " ".join(one.text for one in seen).split() == ["Before", *words.split(), "after."]
    assert sum(len(inner.split()) for one in seen for _, inner in one.styled) == 900


def test_short_formatted_text_and_links_are_not_cut() -> None:
    text = " ".join(f"{LINK} and **bold {n} words here** and ||spoiler {n}||" for n in range(60))
    pieces = split_message(to_discord(text).text, 2000, is_markup=True)
    styled = Counter(kind for piece in pieces for kind, _ in read(piece).styled)
    assert styled == {"https://example.org/on-strength_and*rest": 60, "bold": 60, "spoiler": 60}


def test_marks_behind_an_address_end_what_they_began() -> None:
    text = f"**see https://example.org/a*b** and {'more words ' * 300}"
    first, *_ = split_message(to_discord(text).text, 2000, is_markup=True)
    assert read(first).styled == [("bold", "see https://example.org/a*b")]


@pytest.mark.parametrize(
    "hostile", ["[" * 60_000, "*a " * 20_000, "`" * 60_000, "\\(" * 30_000, "|a" * 9000, "> " * 9000]
)
def test_hostile_text_is_shown(hostile: str) -> None:
    text = to_discord(hostile)
    pieces = split_message(text.text, 2000, utf16_length, is_markup=True, table_heads=text.table_heads)
    assert all(utf16_length(piece) <= 2000 for piece in pieces)


def test_quotation_and_heading_go_on() -> None:
    pieces = split_message(to_discord("> " + "quoted words " * 300).text, 2000, is_markup=True)
    assert all(piece.startswith(("> quoted", "> words")) for piece in pieces)


@pytest.mark.parametrize("prefix", ["", "   ", "> ", "- "])
@pytest.mark.parametrize("info", ["", "python", "python title=" + "x" * 200])
def test_code_is_closed_and_opened_again(prefix: str, info: str) -> None:
    inside = " " * len(prefix) if prefix == "- " else prefix
    lines = [f"{inside}line_{n} = {n}" for n in range(600)]
    code = "\n".join([f"{prefix}```{info}", *lines, f"{inside}```"])
    pieces = split_message(to_discord(code).text, 2000, is_markup=True)
    assert len(pieces) > 3
    assert all(find_open_fence(piece) is None and len(piece) <= 2000 for piece in pieces)
    assert all(piece.count("```") == 2 for piece in pieces)
    assert [line.strip("> ") for piece in pieces for line in piece.split("\n") if "line_" in line] == [
        line.strip("> ") for line in lines
    ]


def check_text(markdown: str, limit: int) -> None:
    text = to_discord(markdown)
    languages = "".join(regex.findall(r"(?m)^[ >]*```([\w+#.-]+)$", text.text))
    shown = read(text.text)
    addresses = "".join(kind for kind, _ in shown.styled if "://" in kind)
    lost = significant(markdown) - significant(shown.text + languages + addresses)
    assert not lost, (markdown, text.text)
    pieces = split_message(text.text, limit, utf16_length, is_markup=True, table_heads=text.table_heads)
    for piece in pieces:
        assert 0 < utf16_length(piece) <= limit
        assert find_open_fence(piece) is None
    assert not significant(text.text) - significant("".join(pieces))


@settings(max_examples=50)
@given(DOCUMENTS, st.integers(200, 400))
def test_no_visible_character_is_lost(markdown: str, limit: int) -> None:
    check_text(markdown, limit)
    text = to_discord(markdown)
    pieces = split_message(text.text, limit, utf16_length, is_markup=True, table_heads=text.table_heads)
    whole, seen = read(text.text), [read(piece) for piece in pieces]
    assert not significant(whole.text) - significant("".join(one.text for one in seen))
    label, _, address = LINK[1:-1].partition("](")
    assert sum(one.styled.count((address, label)) for one in seen) == whole.styled.count((address, label))


@pytest.mark.long
def test_no_visible_character_of_generated_texts_is_lost() -> None:
    for seed in range(SEEDS):
        check_text(generate_text(seed), 200 + seed % 400)
