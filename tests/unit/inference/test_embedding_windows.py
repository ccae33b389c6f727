"""Long texts in windows."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inference.embedding.windows import Window, split_windows

PREFIX = "query: "


class WordTokenizer:
    """A token for each word; two special tokens a text."""

    def num_special_tokens_to_add(self) -> int:
        return 2

    def __call__(self, text: str, **_: Any) -> dict[str, list[tuple[int, int]]]:
        return {"offset_mapping": [match.span() for match in re.finditer(r"\S+", text)]}


def split(text: str, max_tokens: int, max_windows: int = 100) -> list[Window]:
    return list(split_windows(PREFIX + text, PREFIX, WordTokenizer(), max_tokens, max_windows))


@given(st.lists(st.text("abя", min_size=1, max_size=8), max_size=60), st.integers(10, 40))
def test_windows_hold_every_word_in_order(words: list[str], max_tokens: int) -> None:
    windows = split(" ".join(words), max_tokens)
    assert all(window.text.startswith(PREFIX) for window in windows)
    assert [word for window in windows for word in window.text.removeprefix(PREFIX).split()] == words
    assert all(len(window.text.split()) + 2 <= max_tokens for window in windows)
    if len(windows) > 1:
        assert sum(window.tokens for window in windows) == len(words)


def test_short_text_is_one_window() -> None:
    assert split("a b c", 20) == [Window(PREFIX + "a b c", 1)]


def test_beginning_of_a_longer_text() -> None:
    windows = split("word " * 1000, 25, max_windows=3)
    assert [window.tokens for window in windows] == [20, 20, 20]


def test_no_room_for_windows() -> None:
    assert split("word " * 10, 4) == [Window(PREFIX + "word " * 10, 1)]
