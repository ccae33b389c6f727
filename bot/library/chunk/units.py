"""Blocks with the headings above them: the units that chunks are packed from. Also the title of a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from bot.library.parse.block import Block, BlockKind
from bot.text.dates import entry_date, heading_date

MAX_HEADING_LENGTH = 200
"""Characters; a longer heading is really a paragraph in bold."""
LEAD_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Unit:
    """A block, the headings above it and the day it belongs to."""

    block: Block
    headings: tuple[str, ...]
    """The highest first."""
    dated: date | None
    """In a diary: the day of the entry it is in; in a chat: the day it was written."""

    @property
    def section_key(self) -> tuple[object, ...]:
        """Equal for neighbouring units that may share a chunk; a row, an exchange or a bare heading is always alone."""
        block = self.block
        is_alone = block.kind in (BlockKind.ROW, BlockKind.EXCHANGE, BlockKind.HEADING)
        own_key = (block.number, block.text) if is_alone else ()
        return (block.kind, self.headings, self.dated, block.caption, own_key)


def build_units(blocks: Iterable[Block], title: str, *, diary: bool) -> Iterator[Unit]:
    """The units of a document. A heading with nothing under it is a unit itself.

    Args:
        title: is above everything already, so a first heading with the same text is left out.
        diary: whether a date in a heading or at the beginning of a paragraph opens the entry of that day.
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
            # The first heading may be the title, which is in the lead of every chunk already.
            path.append((block.level, "" if not path and block.text == title else block.text))
            bare = block
            if diary:
                dated = next(filter(None, (heading_date(name) for _, name in reversed(path))), None)
            continue
        bare = None
        if diary and (day := entry_date(block.text)):
            dated = day
        yield Unit(block, _heading_names(path), date.fromisoformat(block.sent[:10]) if block.sent else dated)
    if bare is not None:
        yield Unit(bare, _heading_names(path[:-1]), dated)


def document_title(blocks: Iterable[Block], fallback: str) -> str:
    """The title of a document: the one it states, else the top heading it begins with, else `fallback`."""
    for block in blocks:
        if block.kind is BlockKind.TITLE and len(block.text) <= MAX_HEADING_LENGTH:
            return block.text
        if block.kind is BlockKind.HEADING and block.level == 1 and len(block.text) <= MAX_HEADING_LENGTH:
            return block.text
        break
    return fallback


def _heading_names(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(name for _, name in path if name)
