"""Long texts in pieces: nothing lost, nothing too long, code whole in each piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.splitting import SHORTEST_LIMIT, closed, open_fence, split, utf16

words = st.text("abcё😀.!,*_` ", min_size=1, max_size=40)
prose = st.lists(words, max_size=60).map(" ".join)
code = st.builds(
    lambda ticks, info, lines: "\n".join([f"{ticks}{info}", *lines, ticks]),
    st.sampled_from(["```", "````"]),
    st.sampled_from(["", "python", "c++"]),
    st.lists(st.text("ab  (){}=", max_size=50), max_size=20),
)
texts = st.lists(prose | code | st.just("```py\nleft open"), max_size=8).map("\n\n".join)
limits = st.integers(SHORTEST_LIMIT, 400)


def seen(text: str) -> str:
    """What is left of a text when fences and white space are taken out."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("```")]
    return "".join("".join(lines).split())


@given(texts, limits)
def test_no_piece_is_too_long_or_empty(text: str, limit: int) -> None:
    for piece in split(text, limit, utf16):
        assert utf16(piece) <= limit
        assert piece.strip()


@given(texts, limits)
def test_nothing_is_lost_or_added(text: str, limit: int) -> None:
    assert seen("\n".join(split(text, limit))) == seen(text)


@given(texts, limits)
def test_no_piece_leaves_code_open(text: str, limit: int) -> None:
    assert [open_fence(piece) for piece in split(text, limit)] == [None] * len(split(text, limit))


@given(st.lists(prose, max_size=8).map("\n\n".join), st.integers(0, 400), limits)
def test_all_pieces_but_the_last_stay_as_the_text_goes_on(text: str, length: int, limit: int) -> None:
    before, after = split(text[:length], limit), split(text, limit)
    assert after[: max(len(before) - 1, 0)] == before[:-1]


@given(prose, limits)
def test_a_text_that_fits_is_left_alone(text: str, limit: int) -> None:
    if len(text) <= limit and text.strip() and open_fence(text) is None:
        assert split(text, limit) == [text]


def test_paragraphs_are_kept_together() -> None:
    first, second = "a" * 80, "b" * 80
    assert split(f"{first}\n\n{second}", SHORTEST_LIMIT) == [first, second]


def test_code_keeps_its_language_and_its_indents() -> None:
    lines = [f"    line_{n} = {n}" for n in range(30)]
    pieces = split("\n".join(["```python", *lines, "```"]), 200)
    assert len(pieces) > 2
    assert all(piece.startswith("```python\n    line_") and piece.endswith("\n```") for piece in pieces)


def test_a_shorter_fence_inside_code_closes_nothing() -> None:
    assert open_fence("````\n```\nstill code") is not None
    assert closed("````\n```\nstill code").endswith("\n````")


@pytest.mark.parametrize("text", ["", "\n\n", "  \n "])
def test_what_shows_nothing_has_no_pieces(text: str) -> None:
    assert split(text, SHORTEST_LIMIT) == []


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        split("text", SHORTEST_LIMIT - 1)
