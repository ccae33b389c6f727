"""Splits a text, or the row of a table, that is too long for one chunk."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.library.chunk.chunk import CountTokens
from bot.library.parse.block import Block
from bot.library.parse.tables import row_text
from bot.text.sentences import SENTENCE_BREAK

_WORD_BREAK = re.compile(r"\s+")


def split_text(text: str, size: int, overlap: int, count_tokens: CountTokens) -> Iterator[tuple[str, int]]:
    """A text in parts of about the same length, at most `size` tokens each, split between sentences where possible.

    Yields:
        Each part, and how many characters at its beginning repeat the end of the one before: whole sentences (or
        words) of at most `overlap` tokens together.
    """
    pieces = [(piece, count_tokens(piece)) for piece in _split_pieces(text, size, count_tokens)]
    total = sum(tokens for _, tokens in pieces)
    parts = max(1, -(-(total - overlap) // (size - overlap)))
    wanted = min(size, -(-(total + (parts - 1) * overlap) // parts))
    current: list[tuple[str, int]] = []
    filled = repeated = 0
    for piece, tokens in pieces:
        if len(current) > repeated and (filled + tokens > size or filled >= wanted):
            yield _join_pieces(current, repeated)
            current = _trailing_pieces(current, min(overlap, size - tokens))
            repeated, filled = len(current), sum(n for _, n in current)
        current.append((piece, tokens))
        filled += tokens
    if len(current) > repeated:
        yield _join_pieces(current, repeated)


def split_row(row: Block, size: int, count_tokens: CountTokens) -> Iterator[str]:
    """A row as one text, or as several of at most `size` tokens: split between cells, each beginning with the first."""
    if count_tokens(row.text) <= size:
        yield row.text
        return
    cells = (row_text([name], [cell]) for name, cell in zip(row.header, row.cells, strict=True))
    first, *others = filter(None, cells)
    room = size - count_tokens(f"{first}; ")
    if room * 2 < size:
        yield from (content for content, _ in split_text(row.text, size, 0, count_tokens))
        return
    current = ""
    for cell in (part for other in others for part, _ in split_text(other, room, 0, count_tokens)):
        joined = f"{current}; {cell}" if current else cell
        if current and count_tokens(joined) > room:
            yield f"{first}; {current}"
            joined = cell
        current = joined
    yield f"{first}; {current}" if current else first


def _split_pieces(text: str, size: int, count_tokens: CountTokens) -> Iterator[str]:
    """Sentences with the space after them; of one over `size` its words, of such a word its halves."""
    for sentence in _split_after(SENTENCE_BREAK, text):
        if count_tokens(sentence) <= size:
            yield sentence
            continue
        for word in _split_after(_WORD_BREAK, sentence):
            yield from _split_word(word, size, count_tokens)


def _split_after(separator: re.Pattern[str], text: str) -> Iterator[str]:
    start = 0
    for match in separator.finditer(text):
        if match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _split_word(word: str, size: int, count_tokens: CountTokens) -> Iterator[str]:
    if len(word) == 1 or count_tokens(word) <= size:
        yield word
        return
    half = len(word) // 2
    yield from _split_word(word[:half], size, count_tokens)
    yield from _split_word(word[half:], size, count_tokens)


def _trailing_pieces(pieces: list[tuple[str, int]], max_tokens: int) -> list[tuple[str, int]]:
    trailing: list[tuple[str, int]] = []
    tokens = 0
    for piece, more in reversed(pieces):
        if tokens + more > max_tokens:
            break
        trailing.insert(0, (piece, more))
        tokens += more
    return trailing


def _join_pieces(pieces: list[tuple[str, int]], repeated: int) -> tuple[str, int]:
    text = "".join(piece for piece, _ in pieces)
    content = text.strip()
    repeats = len("".join(piece for piece, _ in pieces[:repeated])) - (len(text) - len(text.lstrip()))
    return content, max(0, min(repeats, len(content)))
