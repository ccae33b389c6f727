"""Packs the units of a document into the contents of chunks, so that an edit moves only the boundaries near it."""

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
    """The content of a chunk and the units it is from."""

    units: tuple[Unit, ...]
    content: str
    repeats: int = 0
    """How many characters at the beginning repeat the end of the pack before."""


def pack_units(units: Iterable[Unit], size: int, overlap: int, count_tokens: CountTokens) -> Iterator[Pack]:
    """The units in packs of at most `size` tokens; a pack never spans two sections.

    Paragraphs stay whole where they fit. Text is repeated only inside one that does not fit, because between
    paragraphs a thought ends anyway. Cues are speech without such boundaries, so a pack repeats the last cues of the
    pack before, up to `overlap` tokens.
    """
    for (kind, *_), section in groupby(units, key=lambda unit: unit.section_key):
        if kind == BlockKind.ROW:
            for unit in section:
                for text in split_row(unit.block, size, count_tokens):
                    yield Pack((unit,), text)
        elif kind == BlockKind.CUE:
            packer = _SectionPacker(" ", size, overlap, count_tokens, may_end=ends_with_mark)
            yield from packer.pack(section)
        else:
            yield from _SectionPacker("\n\n", size, overlap, count_tokens, repeats=False).pack(section)


@dataclass(slots=True)
class _OpenPack:
    """A pack that is being filled."""

    units: list[Unit] = field(default_factory=list)
    tokens: int = 0
    repeated: int = 0
    """How many of `units` repeat the pack before."""


class _SectionPacker:
    """Packs the units of one section."""

    def __init__(
        self,
        separator: str,
        size: int,
        overlap: int,
        count_tokens: CountTokens,
        *,
        may_end: Callable[[str], bool] = lambda _: True,
        repeats: bool = True,
    ) -> None:
        """Set up.

        Args:
            separator: between the texts of two units.
            size: tokens of a pack at most.
            overlap: tokens at most that a pack repeats from the one before.
            may_end: whether a pack may end after a unit with this text before it is full.
            repeats: whether a pack repeats the last units of the one before.
        """
        self._separator = separator
        self._separator_tokens = count_tokens(separator)
        self._size = size
        self._overlap = overlap
        self._count_tokens = count_tokens
        self._may_end = may_end
        self._repeats = repeats

    def pack(self, units: Iterable[Unit]) -> Iterator[Pack]:
        current = _OpenPack()
        for unit in units:
            text = unit.block.text
            tokens = self._count_tokens(text)
            if current.units and current.tokens + self._separator_tokens + tokens > self._size:
                if len(current.units) > current.repeated:
                    yield self._close(current)
                current = self._open_next(current, self._size - tokens)
            if tokens > self._size:
                for content, repeats in split_text(text, self._size, self._overlap, self._count_tokens):
                    yield Pack((unit,), content, repeats)
                current = _OpenPack()
                continue
            current.tokens += tokens + (self._separator_tokens if current.units else 0)
            current.units.append(unit)
            if current.tokens * 2 >= self._size and self._may_end(text) and _is_stable_boundary(text):
                yield self._close(current)
                current = self._open_next(current, self._size)
        if len(current.units) > current.repeated:
            yield self._close(current)

    def _close(self, pack: _OpenPack) -> Pack:
        texts = [unit.block.text for unit in pack.units]
        separator = self._separator
        repeats = len(separator.join(texts[: pack.repeated])) + len(separator) if pack.repeated else 0
        return Pack(tuple(pack.units), separator.join(texts), repeats)

    def _open_next(self, before: _OpenPack, room: int) -> _OpenPack:
        """The next pack, beginning with the last units of the one before as far as they fit.

        Args:
            room: tokens it may have before the next unit is added.
        """
        if not self._repeats:
            return _OpenPack()
        units: list[Unit] = []
        tokens = 0
        for unit in reversed(before.units):
            more = self._count_tokens(unit.block.text) + self._separator_tokens
            if tokens + more > min(self._overlap, room - self._separator_tokens):
                break
            units.insert(0, unit)
            tokens += more
        return _OpenPack(units, tokens, len(units))


def _is_stable_boundary(text: str) -> bool:
    """Whether a pack that is full enough ends after this text: true for half of all texts, always the same ones.

    So the boundaries after an edit soon coincide with the old ones, and the chunks after it keep their vectors.
    """
    return crc32(text.encode()) % 2 == 0
