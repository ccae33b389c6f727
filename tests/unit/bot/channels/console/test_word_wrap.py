from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bot.channels.console.terminal import WordWrap


def wrapped(pieces: list[str], width: int) -> str:
    wrap = WordWrap(width)
    return "".join([*(wrap.feed(piece) for piece in pieces), wrap.flush()])


def test_lines_break_before_the_word_that_would_cross_the_edge() -> None:
    assert wrapped(["The real ques", "tion is how"], 10) == "The real\nquestion\nis how"


def test_an_authors_own_lines_stay() -> None:
    assert wrapped(["one\n\n  two three"], 20) == "one\n\n  two three"


@given(st.lists(st.text("ab шю漢 \n", max_size=12), max_size=12), st.integers(4, 30))
def test_no_word_is_lost_or_split_and_no_line_too_wide(pieces: list[str], width: int) -> None:
    text = wrapped(pieces, width)
    assert text.split() == "".join(pieces).split()
    for line in text.splitlines():
        assert cell_len(line) <= width or len(line.split()) == 1
    assert wrapped(["".join(pieces)], width) == text
