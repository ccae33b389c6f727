"""Units packed into chunks of a size, so that an edit moves no border far from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from zlib import crc32

from bot.library.chunk.chunk import CountTokens
from bot.library.chunk.splitting import split_row, split_text
from bot.library.chunk.units import Unit
from bot.library.parse.block import BlockKind
from bot.text.sentences import ends_with_mark


@dataclass(frozen=True, slots=True)
class Pack:
    """The text of a chunk and the units it is from."""

    units: tuple[Unit, ...]
    content: str
    repeats: int = 0
    """Characters at the beginning that the pack before it ends with."""


@dataclass(slots=True)
class _OpenPack:
    """A pack being filled."""

    units: list[Unit] = field(default_factory=list)
    tokens: int = 0
    repeated: int = 0
    """How many of `units` are from the pack before."""


def pack_units(units: Iterable[Unit], size: int, overlap: int, count_tokens: CountTokens) -> Iterator[Pack]:
    """The units in packs of at most `size` tokens, none with units of two sections.

    Paragraphs stay whole where they fit, and only inside one that does not is anything repeated: at the border of two
    paragraphs the thought ends as well. Cues are speech without such borders, so the last of them, up to `overlap`
    tokens, are said again.
    """
    for (kind, *_), together in groupby(units, key=lambda unit: unit.section_key):
        if kind == BlockKind.ROW:
            for unit in together:
                for text in split_row(unit.block, size, count_tokens):
                    yield Pack((unit,), text)
        elif kind == BlockKind.CUE:
            yield from _pack_section(together, " ", size, overlap, count_tokens, ends_with_mark)
        else:
            yield from _pack_section(together, "\n\n", size, overlap, count_tokens, lambda _: True, repeating=False)


def _pack_section(
    units: Iterable[Unit],
    separator: str,
    size: int,
    overlap: int,
    count: CountTokens,
    may_end: Callable[[str], bool],
    *,
    repeating: bool = True,
) -> Iterator[Pack]:
    between = count(separator)
    current = _OpenPack()

    def closed() -> Pack:
        texts = [unit.block.text for unit in current.units]
        repeats = len(separator.join(texts[: current.repeated])) + len(separator) if current.repeated else 0
        return Pack(tuple(current.units), separator.join(texts), repeats)

    for unit in units:
        text = unit.block.text
        tokens = count(text)
        if current.units and current.tokens + between + tokens > size:
            if len(current.units) > current.repeated:
                yield closed()
            current = _open_with_overlap(current, size - tokens, overlap, between, count) if repeating else _OpenPack()
        if tokens > size:
            for content, repeats in split_text(text, size, overlap, count):
                yield Pack((unit,), content, repeats)
            current = _OpenPack()
            continue
        current.tokens += tokens + (between if current.units else 0)
        current.units.append(unit)
        if current.tokens * 2 >= size and may_end(text) and _is_stable_boundary(text):
            yield closed()
            current = _open_with_overlap(current, size, overlap, between, count) if repeating else _OpenPack()
    if len(current.units) > current.repeated:
        yield closed()


def _open_with_overlap(before: _OpenPack, room: int, overlap: int, between: int, count: CountTokens) -> _OpenPack:
    """The next pack, begun with the last units of the one before."""
    kept: list[Unit] = []
    tokens = 0
    for unit in reversed(before.units):
        more = count(unit.block.text) + between
        if tokens + more > min(overlap, room - between):
            break
        kept.insert(0, unit)
        tokens += more
    return _OpenPack(kept, tokens, len(kept))


def _is_stable_boundary(text: str) -> bool:
    """Whether a chunk that is full enough ends after this text: half of all texts say yes, the same ones each time.

    So the borders after an edit fall back soon to where they were, and what follows keeps its chunks and vectors.
    """
    return crc32(text.encode()) % 2 == 0
