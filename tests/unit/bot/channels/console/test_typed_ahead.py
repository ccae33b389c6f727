"""Keys that are pressed before there is a prompt, as the lines that they make."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.console.typed_ahead import TypedAhead

LINES = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20), max_size=6)


def typed(keys: bytes) -> TypedAhead:
    reading, writing = os.pipe()
    os.write(writing, keys)
    return TypedAhead(reading)


@given(LINES, st.text("abё🏛", max_size=10), st.sampled_from(["\r", "\n"]))
def test_lines_and_the_beginning_of_one(lines: list[str], beginning: str, enter: str) -> None:
    ahead = typed("".join(f"{line}{enter}" for line in lines).encode() + beginning.encode())
    assert [ahead.next_line() for _ in lines] == lines
    assert ahead.next_line() is None
    assert ahead.take_beginning() == beginning
    assert ahead.take_beginning() == ""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("helo\x7flo\r", "hello"),
        ("no\x15yes\r", "yes"),
        ("a\x1b[Db\x1bOAc\r", "abc"),
        ("a\tb\r", "a b"),
        ("a\x04b\r", "ab"),
    ],
)
def test_editing_keys(keys: str, line: str) -> None:
    assert typed(keys.encode()).next_line() == line


def test_end_of_input_comes_after_the_lines_before_it() -> None:
    ahead = typed(b"last\r\x04")
    assert ahead.next_line() == "last"
    with pytest.raises(EOFError):
        ahead.next_line()
