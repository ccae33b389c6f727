"""Documents as their readers show them: one line for each block, one for each note."""

from __future__ import annotations

from pathlib import Path

from bot.core.i18n import Translator
from bot.library.parse.block import Block, BlockKind
from bot.library.parse.formats import reader_for
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note

SAY = Translator("en")


def shown(path: Path, *, is_dialogue: bool = False) -> list[str]:
    """What is read of a file.

    `= title`, `# heading`, `[caption] row`, `12.5–14 cue`, `2026-05-12T14:33 exchange`, `! note`, or a paragraph as it
    is; with `p2 ` before what stands on page 2.
    """
    reader = reader_for(path, is_dialogue=is_dialogue)
    return [_line(found) for found in reader(path, ParseLimits())]


def _line(found: Block | Note) -> str:
    if isinstance(found, Note):
        return f"! {found.text(SAY.translate)}"
    page = f"p{found.page} " if found.page else ""
    if found.kind is BlockKind.TITLE:
        return f"= {found.text}"
    if found.kind is BlockKind.HEADING:
        return f"{page}{'#' * found.level} {found.text}"
    if found.kind is BlockKind.ROW:
        return f"{page}[{found.caption}] {found.text}"
    if found.kind is BlockKind.CUE:
        return f"{found.start:g}–{found.end:g} {found.text}"
    if found.kind is BlockKind.EXCHANGE and found.sent:
        return f"{found.sent} {found.text}"
    return f"{page}{found.text}"
