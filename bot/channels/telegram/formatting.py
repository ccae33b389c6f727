"""Formatted text as Telegram's entities: split, joined and cleaned; tables as code or as a list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from aiogram.types import MessageEntity

from bot.core.messages import Table

MAX_MESSAGE_UNITS: Final = 4096
"""UTF-16 units of one message."""
MAX_ENTITIES: Final = 100
"""Entities of one message; Telegram drops those over it in silence."""
_REMOVED_CHARACTERS: Final = dict.fromkeys(
    [0x0D, 0x030A, 0x0333, 0x033F, *range(0x2028, 0x202F), *range(0xD800, 0xE000)]
)
_WHITESPACE_REPLACEMENTS: Final = dict.fromkeys([c for c in range(0x20) if c not in (0x09, 0x0A, 0x0D)], " ") | {
    0x09: "    "
}
_SPLIT_POINTS: Final = tuple(map(re.compile, (r"\n\s*\n", r"\n", r"[.!?…;]\s", r"\s")))
"""Where a text may be cut, the best first: between paragraphs, lines, sentences, words."""
_MIN_FILL: Final = 0.3
"""A better cut is taken when at least so much of the message is filled."""


@dataclass(frozen=True, slots=True)
class Span:
    """One entity, from `start` to before `end`, counted in characters."""

    kind: str
    """As Telegram calls it: `bold`, `code`, `pre`, `text_link`, …"""
    start: int
    end: int
    detail: str | None = None
    """The address of a link, the language of a block of code."""


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A text and what of it looks otherwise."""

    text: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def utf16_length(self) -> int:
        """Its length as Telegram counts it."""
        return utf16_length(self.text)

    @property
    def is_blank(self) -> bool:
        """Whether Telegram would not take it for a message: nothing of it is visible."""
        return not any(is_visible(c) for c in self.text)

    def entities(self) -> list[MessageEntity]:
        """As the Bot API takes them."""
        return [
            MessageEntity(
                type=span.kind,
                offset=utf16_length(self.text[: span.start]),
                length=utf16_length(self.text[span.start : span.end]),
                url=span.detail if span.kind == "text_link" else None,
                language=span.detail if span.kind == "pre" else None,
            )
            for span in self.spans
        ]

    def substring(self, start: int, end: int) -> FormattedText:
        """A piece of it, with what of each entity lies in it."""
        kept = (
            replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
            for span in self.spans
            if span.start < end and span.end > start
        )
        return FormattedText(self.text[start:end], tuple(kept))


def utf16_length(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text) + sum(c > "\uffff" for c in text)


def is_visible(character: str) -> bool:
    """Whether a character by itself shows anything."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}


def normalize_text(text: str) -> str:
    """Without what Telegram drops or changes by itself, so that what is sent is what is shown."""
    return text.translate(_REMOVED_CHARACTERS).translate(_WHITESPACE_REPLACEMENTS)


def plain(text: str) -> FormattedText:
    """A text as it is."""
    return FormattedText(normalize_text(text).strip())


def styled(text: str, kind: str, detail: str | None = None) -> FormattedText:
    """A text that looks one way from end to end."""
    text = normalize_text(text).strip("\n")
    return FormattedText(text, (Span(kind, 0, len(text), detail),) if text else ())


def join(pieces: Iterable[FormattedText], separator: str = "\n\n") -> FormattedText:
    """The pieces that are not empty, one after another."""
    text, spans = "", list[Span]()
    for piece in pieces:
        if not piece.text:
            continue
        at = len(text) + len(separator) if text else 0
        text = text + separator + piece.text if text else piece.text
        spans += (replace(span, start=span.start + at, end=span.end + at) for span in piece.spans)
    return FormattedText(text, tuple(spans))


def split_into_messages(formatted: FormattedText, max_units: int = MAX_MESSAGE_UNITS) -> list[FormattedText]:
    """The messages a text is shown in. Nothing is lost but blanks where it is cut; a block of code that is cut goes on
    as one. As a text grows at its end, the messages before the last stay as they are.
    """
    found = []
    at = _message_start(formatted, 0)
    while at < len(formatted.text):
        end = _message_end(formatted, at, max_units)
        piece = formatted.substring(at, at + len(formatted.text[at:end].rstrip()))
        if not piece.is_blank:
            found.append(piece)
        at = _message_start(formatted, end)
    return found


def _message_start(formatted: FormattedText, start: int) -> int:
    """Where the next message begins: blank lines are left out, and blanks too, but for those of code."""
    text = formatted.text
    first = start
    while first < len(text) and text[first].isspace():
        first += 1
    line = text.rfind("\n", start, first) + 1 or start
    in_code = any(span.kind == "pre" and span.start <= line < span.end for span in formatted.spans)
    return line if in_code and first < len(text) else first


def _message_end(formatted: FormattedText, start: int, max_units: int) -> int:
    hard = _furthest_end(formatted.text, start, max_units)
    begun = sorted(span.start for span in formatted.spans if span.start < hard and span.end > start)
    if len(begun) > MAX_ENTITIES and begun[MAX_ENTITIES] > start:
        hard = begun[MAX_ENTITIES]
    elif hard == len(formatted.text):
        return hard
    least = start + int((hard - start) * _MIN_FILL)
    for cut in _SPLIT_POINTS:
        ends = [found.end() for found in cut.finditer(formatted.text, least, hard)]
        if ends:
            return ends[-1]
    return _character_boundary(formatted.text, start, hard)


def _furthest_end(text: str, start: int, max_units: int) -> int:
    """The furthest end of a piece of so many UTF-16 units."""
    end = min(len(text), start + max_units)
    while utf16_length(text[start:end]) > max_units:
        end -= max(1, (utf16_length(text[start:end]) - max_units + 1) // 2)
    return end


def _character_boundary(text: str, start: int, end: int) -> int:
    """An end that parts no letter from its accents, and no emoji that is joined of several."""
    for back in range(end, max(start, end - 16), -1):
        parted = unicodedata.combining(text[back]) or text[back] in "\u200d\ufe0f" or text[back - 1] == "\u200d"
        if not parted and not "\U0001f3fb" <= text[back] <= "\U0001f3ff":
            return back
    return end


MAX_TABLE_WIDTH: Final = 34
"""Characters of a line of code that a telephone shows without breaking it."""


def format_table(table: Table, *, label_cells: bool | None = None) -> FormattedText:
    """The rows aligned as code if they are narrow enough, and otherwise one after another.

    Args:
        named: whether each cell of a list says what it is; when None, if there are more than two columns.
    """
    rows = [[" ".join(normalize_text(cell).split()) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= MAX_TABLE_WIDTH and not _has_commands(rows):
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return styled("\n".join(line.rstrip() for line in lines), "pre")
    names = rows[0] if (len(widths) > 2 if label_cells is None else label_cells) else [""] * len(widths)
    return join((_format_list_item(row, names) for row in rows[1:]), "\n")


def _format_list_item(row: list[str], names: list[str]) -> FormattedText:
    first = plain(row[0]) if row[0].startswith("/") else styled(row[0], "bold")
    rest = "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names[1:], row[1:], strict=True) if cell)
    return join((plain("•"), join((first, plain(rest)), " — ")), " ")


def _has_commands(rows: list[list[str]]) -> bool:
    """Whether it names commands: outside of code they can be pressed."""
    return any(row[0].startswith("/") for row in rows)
