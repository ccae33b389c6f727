"""Long texts in windows, each as long as an embedding model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARGIN = 2
"""Tokens left free in a window: a text cut inside a word can have more tokens than its part had in the whole."""


class Window(NamedTuple):
    """A part of a text."""

    text: str
    tokens: int
    """How much of the text it is; 1 for a text in one window."""


def split_windows(text: str, prefix: str, tokenizer: Any, max_tokens: int, max_windows: int) -> Sequence[Window]:
    """The text in windows of up to `max_tokens` tokens, each beginning with the text's prefix.

    Args:
        prefix: what the text begins with and each window shall begin with.
        tokenizer: a fast one of transformers.
        max_tokens: with the special tokens.
        max_windows: of a longer text the beginning is returned.
    """
    special = tokenizer.num_special_tokens_to_add()
    # Most texts are short, and no tokenizer makes more tokens of a text than it has bytes.
    if len(text.encode()) + special <= max_tokens:
        return [Window(text, 1)]
    body = text[len(prefix) :]
    room = max_tokens - special - _count(tokenizer, prefix) - _MARGIN
    # A token is seldom longer than 16 characters; what lies beyond is tokenised for nothing.
    spans = _token_spans(tokenizer, body[: 16 * room * max_windows])
    if len(spans) <= room + _MARGIN or room < 1:
        return [Window(text, 1)]
    windows = []
    for start in range(0, min(len(spans), room * max_windows), room):
        part = spans[start : start + room]
        windows.append(Window(prefix + body[part[0][0] : part[-1][1]], len(part)))
    return windows


def _token_spans(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """First and last character, exclusive, of each token."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
    spans: list[tuple[int, int]] = encoded["offset_mapping"]
    return spans


def _count(tokenizer: Any, text: str) -> int:
    return len(_token_spans(tokenizer, text))
