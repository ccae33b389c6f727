"""A document cut by its structure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from bot.library.chunk.chunk import Chunk, CountTokens
from bot.library.chunk.packing import Pack, pack_units
from bot.library.chunk.units import LEAD_SEPARATOR, build_units
from bot.library.parse.block import Block, BlockKind
from consilium.errors import N_
from db.infra.text import clean_text, detect_language

_ROW = N_("row {number}")
_EXCHANGE = N_("exchange {number}")
_PAGE = N_("p. {number}")
_MAX_LEAD_LENGTH = 400
"""Characters of the lead at most; of a deep path the lowest headings stay."""


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """How a document is cut."""

    size: int
    """Tokens of a chunk at most, what stands above it not counted."""
    overlap: int
    """Tokens at most that a chunk repeats where a thought is cut in two."""
    diary: bool = False
    """Whether dates open entries."""


def chunk_blocks(
    blocks: Iterable[Block], title: str, options: ChunkOptions, count_tokens: CountTokens, say: Callable[..., str]
) -> Iterator[Chunk]:
    """The chunks of a document in order; together they hold all of its text.

    Args:
        title: the document's.
        count: counts the tokens of a text as the model does.
        say: a translator into the document's language: places are written in it.
    """
    number = 0
    for filled in pack_units(
        build_units(blocks, title, diary=options.diary), options.size, options.overlap, count_tokens
    ):
        content = clean_text(filled.content)
        if not content.strip():
            continue
        unit = filled.units[0]
        yield Chunk(
            n=number,
            lead=clean_text(_lead_of(filled, title)),
            content=content,
            repeats=filled.repeats,
            place=clean_text(_place_of(filled, say)),
            language=detect_language(content),
            dated=unit.dated,
        )
        number += 1


def _lead_of(filled: Pack, title: str) -> str:
    unit = filled.units[0]
    above = [title, *unit.headings, *filter(None, [unit.block.caption])]
    while len(above) > 1 and len(LEAD_SEPARATOR.join(above)) > _MAX_LEAD_LENGTH:
        above.pop(0)
    return LEAD_SEPARATOR.join(above)


def _place_of(filled: Pack, say: Callable[..., str]) -> str:
    first, last = filled.units[0], filled.units[-1]
    block = first.block
    if block.kind is BlockKind.CUE:
        return f"{_format_time(block.start)}–{_format_time(last.block.end)}"
    if block.kind is BlockKind.EXCHANGE:
        return say(_EXCHANGE, number=block.number)
    if block.kind is BlockKind.ROW:
        row = say(_ROW, number=block.number)
        return f"{block.caption}, {row}" if block.caption else row
    if first.dated is not None:
        return _format_date(first.dated)
    headings = f"§ {LEAD_SEPARATOR.join(first.headings)}" if first.headings else ""
    if block.page:
        page = say(_PAGE, number=_format_range(block.page, last.block.page))
        return f"{headings}, {page}" if headings else page
    return headings or f"¶ {_format_range(block.number, last.block.number)}"


def _format_date(day: date) -> str:
    return day.isoformat()


def _format_range(first: int, last: int) -> str:
    return str(first) if first >= last else f"{first}–{last}"


def _format_time(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
