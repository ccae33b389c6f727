"""Chunks of a document, with what stands above each and where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

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
"""Characters of the lead at most; of a deep path the lowest headings are kept."""


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """How a document is split into chunks."""

    size: int
    """Tokens of a chunk at most, without its lead."""
    overlap: int
    """Tokens at most that a chunk repeats from the one before where a text is split inside a paragraph."""
    diary: bool = False
    """Whether dates open entries."""


def chunk_blocks(
    blocks: Iterable[Block],
    title: str,
    options: ChunkOptions,
    count_tokens: CountTokens,
    translate: Callable[..., str],
) -> Iterator[Chunk]:
    """The chunks of a document in order; together they have all of its text.

    Args:
        title: of the document.
        translate: translates a template into the language of the document; places are written in it.
    """
    number = 0
    units = build_units(blocks, title, diary=options.diary)
    for pack in pack_units(units, options.size, options.overlap, count_tokens):
        content = clean_text(pack.content)
        if not content.strip():
            continue
        yield Chunk(
            n=number,
            lead=clean_text(_lead(pack, title)),
            content=content,
            repeats=pack.repeats,
            place=clean_text(_place(pack, translate)),
            language=detect_language(content),
            dated=pack.units[0].dated,
        )
        number += 1


def _lead(pack: Pack, title: str) -> str:
    unit = pack.units[0]
    above = [title, *unit.headings, *filter(None, [unit.block.caption])]
    while len(above) > 1 and len(LEAD_SEPARATOR.join(above)) > _MAX_LEAD_LENGTH:
        above.pop(0)
    return LEAD_SEPARATOR.join(above)


def _place(pack: Pack, translate: Callable[..., str]) -> str:
    first, last = pack.units[0], pack.units[-1]
    block = first.block
    if block.kind is BlockKind.CUE:
        return f"{_format_time(block.start)}–{_format_time(last.block.end)}"
    if block.kind is BlockKind.EXCHANGE:
        if not block.sent:
            return translate(_EXCHANGE, number=block.number)
        sent = _format_sent(block.sent, block.sent_last)
        return f"{_format_headings(first.headings)}, {sent}" if first.headings else sent
    if block.kind is BlockKind.ROW:
        row = translate(_ROW, number=block.number)
        page = translate(_PAGE, number=block.page) if block.page else ""
        return ", ".join(filter(None, [block.caption, page, row]))
    if first.dated is not None:
        return first.dated.isoformat()
    headings = _format_headings(first.headings)
    if block.page:
        page = translate(_PAGE, number=_format_range(block.page, last.block.page))
        return f"{headings}, {page}" if headings else page
    return headings or f"¶ {_format_range(block.number, last.block.number)}"


def _format_headings(headings: tuple[str, ...]) -> str:
    return f"§ {LEAD_SEPARATOR.join(headings)}" if headings else ""


def _format_sent(first: str, last: str) -> str:
    """The day and the time of messages, or from when until when they were sent."""
    start, end = first.replace("T", " "), last.replace("T", " ")
    if start == end:
        return start
    same_day = start[:10] == end[:10]
    return f"{start}–{end[11:]}" if same_day else f"{start} – {end}"


def _format_range(first: int, last: int) -> str:
    return str(first) if first >= last else f"{first}–{last}"


def _format_time(seconds: float) -> str:
    total = int(seconds)
    return f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"
