"""Text formatted with Telegram's entities: normalized, joined, split into messages; tables as code or as lists."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from aiogram.types import MessageEntity
from rich.cells import cell_len

from bot.core.messages import Table
from bot.text.graphemes import cluster_boundary

MAX_MESSAGE_UNITS: Final = 4096
"""UTF-16 code units of one message."""
MAX_ENTITIES: Final = 100
"""Entities of one message; Telegram silently drops those beyond."""
MAX_TABLE_WIDTH: Final = 34
"""Characters of a line of code that a phone shows without wrapping it."""
_REMOVED_CHARACTERS: Final = dict.fromkeys(
    [0x0D, 0x030A, 0x0333, 0x033F, *range(0x2028, 0x202F), *range(0xD800, 0xE000)]
)
_WHITESPACE_REPLACEMENTS: Final = dict.fromkeys([c for c in range(0x20) if c not in (0x09, 0x0A, 0x0D)], " ") | {
    0x09: "    "
}
_SPLIT_POINTS: Final = tuple(map(re.compile, (r"\n\s*\n", r"\n", r"[.!?…;]\s", r"\s")))
"""Where a text may be split, best first: after paragraphs, lines, sentences, words."""
_MIN_FILL: Final = 0.3
"""The share of a message that a better split point must fill to be used."""


@dataclass(frozen=True, slots=True)
class Span:
    """One entity, from `start` to before `end`, counted in characters."""

    kind: str
    """Telegram's type of entity: `bold`, `code`, `pre`, `text_link`, …"""
    start: int
    end: int
    detail: str | None = None
    """The URL of a link, or the language of a code block."""


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A text and its entities."""

    text: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def utf16_length(self) -> int:
        """The length in UTF-16 code units, as Telegram counts it."""
        return utf16_length(self.text)

    @property
    def is_blank(self) -> bool:
        """Whether nothing of it is visible: Telegram refuses such a message."""
        return not any(is_visible(c) for c in self.text)

    def entities(self) -> list[MessageEntity]:
        """The entities in the form of the Bot API."""
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
        """The text from `start` to before `end`, with its entities clipped to it."""
        clipped = (
            replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
            for span in self.spans
            if span.start < end and span.end > start
        )
        return FormattedText(self.text[start:end], tuple(clipped))


def utf16_length(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) + sum(c > "\uffff" for c in text)


def is_visible(character: str) -> bool:
    """Whether a character shows anything by itself."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}


def normalize_text(text: str) -> str:
    """A text without the characters that Telegram drops or changes, so that it shows exactly what is sent."""
    return text.translate(_REMOVED_CHARACTERS).translate(_WHITESPACE_REPLACEMENTS)


def plain(text: str) -> FormattedText:
    """A text without formatting."""
    return FormattedText(normalize_text(text).strip())


def styled(text: str, kind: str, detail: str | None = None) -> FormattedText:
    """A text that is one entity from end to end."""
    text = normalize_text(text).strip("\n")
    return FormattedText(text, (Span(kind, 0, len(text), detail),) if text else ())


def join(pieces: Iterable[FormattedText], separator: str = "\n\n") -> FormattedText:
    """The pieces that are not empty, with the separator between them."""
    text, spans = "", list[Span]()
    for piece in pieces:
        if not piece.text:
            continue
        at = len(text) + len(separator) if text else 0
        text = text + separator + piece.text if text else piece.text
        spans += (replace(span, start=span.start + at, end=span.end + at) for span in piece.spans)
    return FormattedText(text, tuple(spans))


def split_into_messages(formatted: FormattedText, max_units: int = MAX_MESSAGE_UNITS) -> list[FormattedText]:
    """Split a text into messages.

    Only whitespace at the split points is lost, and a split code block stays code in both messages. When a text grows
    at its end, all messages but the last stay the same.
    """
    messages = []
    start = _message_start(formatted, 0)
    while start < len(formatted.text):
        end = _message_end(formatted, start, max_units)
        message = formatted.substring(start, start + len(formatted.text[start:end].rstrip()))
        if not message.is_blank:
            messages.append(message)
        start = _message_start(formatted, end)
    return messages


def _message_start(formatted: FormattedText, start: int) -> int:
    """Where the next message begins: after blank lines and spaces, but before the indentation of code."""
    text = formatted.text
    first = start
    while first < len(text) and text[first].isspace():
        first += 1
    line = text.rfind("\n", start, first) + 1 or start
    in_code = any(span.kind == "pre" and span.start <= line < span.end for span in formatted.spans)
    return line if in_code and first < len(text) else first


def _message_end(formatted: FormattedText, start: int, max_units: int) -> int:
    limit = _furthest_end(formatted.text, start, max_units)
    entity_starts = sorted(span.start for span in formatted.spans if span.start < limit and span.end > start)
    if len(entity_starts) > MAX_ENTITIES and entity_starts[MAX_ENTITIES] > start:
        limit = entity_starts[MAX_ENTITIES]
    elif limit == len(formatted.text):
        return limit
    earliest = start + int((limit - start) * _MIN_FILL)
    for split_point in _SPLIT_POINTS:
        ends = [match.end() for match in split_point.finditer(formatted.text, earliest, limit)]
        if ends:
            return ends[-1]
    return cluster_boundary(formatted.text, limit, start)


def _furthest_end(text: str, start: int, max_units: int) -> int:
    """The furthest end of a piece of at most `max_units` UTF-16 code units."""
    end = min(len(text), start + max_units)
    while utf16_length(text[start:end]) > max_units:
        end -= max(1, (utf16_length(text[start:end]) - max_units + 1) // 2)
    return end


def format_table(table: Table, *, label_cells: bool | None = None) -> FormattedText:
    """A table as aligned code if it is narrow enough, else as a list with one row a line.

    A table of commands is always a list: Telegram makes commands clickable only outside code.

    Args:
        label_cells: whether the cells of a list have their column's name before them, and the list the others' above
            it, so that nothing of the table is missing; None: the former, if there are more than two columns.
    """
    rows = [[" ".join(normalize_text(cell).split()) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= MAX_TABLE_WIDTH and not _has_commands(rows):
        lines = (
            "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return styled("\n".join(line.rstrip() for line in lines), "pre")
    names = rows[0] if (len(widths) > 2 if label_cells is None else label_cells) else [""] * len(widths)
    items = (_format_list_item(row, names) for row in rows[1:])
    return join((_format_list_heading(rows), *items) if label_cells else items, "\n")


def _format_list_heading(rows: list[list[str]]) -> FormattedText:
    """The names of the columns that no item of the list has before its cells: the first, and those without any."""
    unlabelled = [name for n, name in enumerate(rows[0]) if n == 0 or not any(row[n] for row in rows[1:])]
    return styled(", ".join(name for name in unlabelled if name), "italic")


def _format_list_item(row: list[str], names: list[str]) -> FormattedText:
    first = plain(row[0]) if row[0].startswith("/") else styled(row[0], "bold")
    rest = "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names[1:], row[1:], strict=True) if cell)
    return join((plain("•"), join((first, plain(rest)), " — ")), " ")


def _has_commands(rows: list[list[str]]) -> bool:
    """Whether some row begins with a command."""
    return any(row[0].startswith("/") for row in rows)
