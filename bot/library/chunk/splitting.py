"""A text that is too long for one chunk, and a row that is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.library.chunk.chunk import CountTokens
from bot.library.parse.block import Block
from bot.library.parse.tables import row_text
from bot.text.sentences import SENTENCE_BREAK

_WORD_BREAK = re.compile(r"\s+")


def split_text(text: str, size: int, overlap: int, count_tokens: CountTokens) -> Iterator[tuple[str, int]]:
    """A text in contents of about the same length, `size` tokens at most, cut between sentences where that is possible.

    Yields:
        Each content, and how many characters of its beginning repeat the end of the one before: whole sentences (or
        words) of at most `overlap` tokens together.
    """
    pieces = [(piece, count_tokens(piece)) for piece in _split_pieces(text, size, count_tokens)]
    total = sum(tokens for _, tokens in pieces)
    contents = max(1, -(-(total - overlap) // (size - overlap)))
    wanted = min(size, -(-(total + (contents - 1) * overlap) // contents))
    begun: list[tuple[str, int]] = []
    held = repeated = 0
    for piece, tokens in pieces:
        if len(begun) > repeated and (held + tokens > size or held >= wanted):
            yield _join_pieces(begun, repeated)
            begun = _trailing_pieces(begun, min(overlap, size - tokens))
            repeated, held = len(begun), sum(n for _, n in begun)
        begun.append((piece, tokens))
        held += tokens
    if len(begun) > repeated:
        yield _join_pieces(begun, repeated)


def split_row(row: Block, size: int, count_tokens: CountTokens) -> Iterator[str]:
    """A row as one text, or as several of `size` tokens at most: cut between cells, each led by the row's first one."""
    if count_tokens(row.text) <= size:
        yield row.text
        return
    named = (row_text([name], [cell]) for name, cell in zip(row.header, row.cells, strict=True))
    first, *others = filter(None, named)
    room = size - count_tokens(f"{first}; ")
    if room * 2 < size:
        yield from (content for content, _ in split_text(row.text, size, 0, count_tokens))
        return
    begun = ""
    for cell in (part for other in others for part, _ in split_text(other, room, 0, count_tokens)):
        joined = f"{begun}; {cell}" if begun else cell
        if begun and count_tokens(joined) > room:
            yield f"{first}; {begun}"
            joined = cell
        begun = joined
    yield f"{first}; {begun}" if begun else first


def _split_pieces(text: str, size: int, count: CountTokens) -> Iterator[str]:
    """Sentences with the space after them; of one over `size` the words, of such a word its parts."""
    for sentence in _split_after(SENTENCE_BREAK, text):
        if count(sentence) <= size:
            yield sentence
            continue
        for word in _split_after(_WORD_BREAK, sentence):
            yield from _split_word(word, size, count)


def _split_after(border: re.Pattern[str], text: str) -> Iterator[str]:
    start = 0
    for found in border.finditer(text):
        if found.end() > start:
            yield text[start : found.end()]
            start = found.end()
    if start < len(text):
        yield text[start:]


def _split_word(word: str, size: int, count: CountTokens) -> Iterator[str]:
    if len(word) == 1 or count(word) <= size:
        yield word
        return
    half = len(word) // 2
    yield from _split_word(word[:half], size, count)
    yield from _split_word(word[half:], size, count)


def _trailing_pieces(pieces: list[tuple[str, int]], max_tokens: int) -> list[tuple[str, int]]:
    kept: list[tuple[str, int]] = []
    tokens = 0
    for piece, more in reversed(pieces):
        if tokens + more > max_tokens:
            break
        kept.insert(0, (piece, more))
        tokens += more
    return kept


def _join_pieces(pieces: list[tuple[str, int]], repeated: int) -> tuple[str, int]:
    whole = "".join(piece for piece, _ in pieces)
    content = whole.strip()
    again = len("".join(piece for piece, _ in pieces[:repeated])) - (len(whole) - len(whole.lstrip()))
    return content, max(0, min(again, len(content)))
