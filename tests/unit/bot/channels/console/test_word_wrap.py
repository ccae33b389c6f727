"""Word wrap of a streamed answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bot.channels.console.terminal import WordWrap


def wrapped(pieces: list[str], width: int) -> str:
    wrap = WordWrap(width)
    return "".join([*(wrap.feed(piece) for piece in pieces), wrap.flush()])


def test_line_breaks_before_a_word_that_does_not_fit() -> None:
    assert wrapped(["The real ques", "tion is how"], 10) == "The real\nquestion\nis how"


def test_line_breaks_of_the_text_stay() -> None:
    assert wrapped(["one\n\n  two three"], 20) == "one\n\n  two three"


@given(st.lists(st.text("ab шю漢 \n", max_size=12), max_size=12), st.integers(4, 30))
def test_words_stay_whole_and_lines_within_the_width(pieces: list[str], width: int) -> None:
    text = wrapped(pieces, width)
    assert text.split() == "".join(pieces).split()
    for line in text.splitlines():
        assert cell_len(line) <= width or len(line.split()) == 1
    assert wrapped(["".join(pieces)], width) == text
