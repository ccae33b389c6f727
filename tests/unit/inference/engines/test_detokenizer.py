"""Text from tokens: whole characters only, and nothing lost or said twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from inference.engines.local.streaming import Detokenizer

BYTES = range(256)


def byte_level(ids: Sequence[int]) -> str:
    """A tokenizer whose every token is one byte."""
    return bytes(ids).decode("utf-8", "replace")


def word_level(ids: Sequence[int]) -> str:
    """A tokenizer whose decoder puts spaces between tokens, as those of the sentencepiece family do."""
    return " ".join(f"w{i}" for i in ids)


def pieces(ids: Sequence[int], decode: Callable[[Sequence[int]], str] = byte_level) -> list[str]:
    detokenizer = Detokenizer(decode)
    return [*(detokenizer.push(token) for token in ids), detokenizer.finish()]


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("a\ufffd")
def test_no_piece_holds_half_a_character(text: str) -> None:
    assert pieces(text.encode()) == _expected_pieces(text)


def _expected_pieces(text: str) -> list[str]:
    """Each character with its last byte; U+FFFD waits for what follows or for the end, as it may be a half."""
    given: list[str] = []
    waiting = ""
    for character in text:
        waiting += character
        silent = len(character.encode()) - 1
        given += [""] * silent
        if character == "\ufffd":
            given.append("")
        else:
            given.append(waiting)
            waiting = ""
    return [*given, waiting]


@given(st.lists(st.sampled_from(BYTES)))
def test_the_pieces_are_the_whole_whatever_the_bytes(ids: list[int]) -> None:
    assert "".join(pieces(ids)) == byte_level(ids)


@given(st.lists(st.sampled_from(BYTES)))
def test_the_pieces_are_the_whole_where_tokens_depend_on_their_neighbours(ids: list[int]) -> None:
    assert "".join(pieces(ids, word_level)) == word_level(ids)


def test_half_a_character_at_the_end_is_marked() -> None:
    assert pieces("да".encode()[:-1]) == ["", "д", "", "\ufffd"]
