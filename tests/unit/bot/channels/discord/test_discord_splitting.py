"""Long texts in pieces: nothing lost, nothing too long, code blocks complete in each piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.discord.splitting import MIN_LIMIT, close_fence, find_open_fence, split_message, utf16_length

words = st.text("abcё😀.!,*_` ", min_size=1, max_size=40)
prose = st.lists(words, max_size=60).map(" ".join)
code = st.builds(
    lambda ticks, info, lines: "\n".join([f"{ticks}{info}", *lines, ticks]),
    st.sampled_from(["```", "````"]),
    st.sampled_from(["", "python", "c++"]),
    st.lists(st.text("ab  (){}=", max_size=50), max_size=20),
)
texts = st.lists(prose | code | st.just("```py\nleft open"), max_size=8).map("\n\n".join)
limits = st.integers(MIN_LIMIT, 400)


def visible_characters(text: str) -> str:
    """A text without fences and white space."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("```")]
    return "".join("".join(lines).split())


@given(texts, limits)
def test_pieces_fit_and_are_not_empty(text: str, limit: int) -> None:
    for piece in split_message(text, limit, utf16_length):
        assert utf16_length(piece) <= limit
        assert piece.strip()


@given(texts, limits)
def test_characters_are_preserved(text: str, limit: int) -> None:
    assert visible_characters("\n".join(split_message(text, limit))) == visible_characters(text)


@given(texts, limits)
def test_code_blocks_are_closed(text: str, limit: int) -> None:
    assert [find_open_fence(piece) for piece in split_message(text, limit)] == [None] * len(split_message(text, limit))


@given(st.lists(prose, max_size=8).map("\n\n".join), st.integers(0, 400), limits)
def test_earlier_pieces_stay_when_text_is_appended(text: str, length: int, limit: int) -> None:
    before, after = split_message(text[:length], limit), split_message(text, limit)
    assert after[: max(len(before) - 1, 0)] == before[:-1]


@given(prose, limits)
def test_short_text_is_unchanged(text: str, limit: int) -> None:
    if len(text) <= limit and text.strip() and find_open_fence(text) is None:
        assert split_message(text, limit) == [text]


def test_paragraphs_are_not_split() -> None:
    first, second = "a" * 80, "b" * 80
    assert split_message(f"{first}\n\n{second}", MIN_LIMIT) == [first, second]


def test_code_keeps_language_and_indentation() -> None:
    lines = [f"    line_{n} = {n}" for n in range(30)]
    pieces = split_message("\n".join(["```python", *lines, "```"]), 200)
    assert len(pieces) > 2
    assert all(piece.startswith("```python\n    line_") and piece.endswith("\n```") for piece in pieces)


def test_shorter_fence_inside_code() -> None:
    assert find_open_fence("````\n```\nstill code") is not None
    assert close_fence("````\n```\nstill code").endswith("\n````")


@pytest.mark.parametrize("text", ["", "\n\n", "  \n "])
def test_empty_text(text: str) -> None:
    assert split_message(text, MIN_LIMIT) == []


def test_too_low_limit() -> None:
    with pytest.raises(ValueError, match="no room"):
        split_message("text", MIN_LIMIT - 1)
