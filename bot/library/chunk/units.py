"""Blocks with what stands above each: the units that chunks are packed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from bot.library.parse.block import Block, BlockKind
from bot.text.dates import entry_date, heading_date

MAX_HEADING_LENGTH = 200
"""Characters; what is longer is a paragraph that somebody made bold."""
LEAD_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Unit:
    """A block and what stands above it."""

    block: Block
    headings: tuple[str, ...]
    """The headings above it, the highest first."""
    dated: date | None

    @property
    def section_key(self) -> tuple[object, ...]:
        """Units of one section may share a chunk; a row, an exchange or a bare heading is always alone."""
        block = self.block
        alone = block.kind in (BlockKind.ROW, BlockKind.EXCHANGE, BlockKind.HEADING)
        return (block.kind, self.headings, self.dated, block.caption, (block.number, block.text) if alone else ())


def build_units(blocks: Iterable[Block], title: str, *, diary: bool) -> Iterator[Unit]:
    """The units of a document. A heading with nothing under it is a unit itself.

    Args:
        title: stands above everything already, so that the heading that says the same does not.
        diary: whether dates that stand as headings or begin paragraphs open the entries of their day.
    """
    path: list[tuple[int, str]] = []
    dated: date | None = None
    bare: Block | None = None
    for block in blocks:
        if block.kind is BlockKind.TITLE:
            continue
        if block.kind is BlockKind.HEADING and len(block.text) <= MAX_HEADING_LENGTH:
            if bare is not None and block.level <= bare.level:
                yield Unit(bare, _heading_names(path[:-1]), dated)
            while path and path[-1][0] >= block.level:
                path.pop()
            # The first heading may be the title itself: above all chunks already, and above none of them twice.
            path.append((block.level, "" if not path and block.text == title else block.text))
            bare = block
            if diary:
                dated = next(filter(None, (heading_date(name) for _, name in reversed(path))), None)
            continue
        bare = None
        if diary and (found := entry_date(block.text)):
            dated = found
        yield Unit(block, _heading_names(path), dated)
    if bare is not None:
        yield Unit(bare, _heading_names(path[:-1]), dated)


def document_title(blocks: Iterable[Block], fallback: str) -> str:
    """The document's title: its own, else the heading it begins with, else the file's name."""
    for block in blocks:
        if block.kind is BlockKind.TITLE and len(block.text) <= MAX_HEADING_LENGTH:
            return block.text
        if block.kind is BlockKind.HEADING and block.level == 1 and len(block.text) <= MAX_HEADING_LENGTH:
            return block.text
        break
    return fallback


def _heading_names(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(name for _, name in path if name)
