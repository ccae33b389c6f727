"""Tables in Markdown, and as aligned code, which is how Discord can show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len

from bot.text.graphemes import split_to_width

MAX_TABLE_WIDTH: Final = 56
"""Cells of a line in a code block that most phones show without breaking it."""
_MIN_COLUMN_WIDTH: Final = 6
_GAP: Final = "  "
_RULE: Final = re.compile(r"[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)*[ \t]*:?-+:?[ \t]*\|?[ \t]*")
_CELL_END: Final = re.compile(r"(?<!\\)\|")
_LINK: Final = re.compile(
    r"!?\[(?P<label>[^\[\]]*)\]\(\s*<?(?P<url>[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+\"(?P<title>[^\"]*)\")?\s*\)"
)
_MARKS: Final = re.compile(r"(?<![\w\\])(?P<mark>\*\*|__|~~|\*|`+)(?=\S)(?P<text>.*?\S)(?P=mark)(?!\w)")

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table as lines of text; both parts in a code block, the head again in each part of a table that is split."""

    head: str
    body: str


def parse_table(lines: Sequence[str], start: int) -> tuple[Rows, int] | None:
    """The rows of a table that begins in a line, the head first, and the line after it; None if none begins there.

    Rows may have more cells than the head: all of them have as many, at last.
    """
    if start + 1 >= len(lines) or "|" not in lines[start] or "|" not in lines[start + 1] + lines[start]:
        return None
    if not _RULE.fullmatch(lines[start + 1]) or lines[start].lstrip().startswith((">", "```")):
        return None
    head = _cells(lines[start])
    if len(head) != len(_cells(lines[start + 1])) or (len(head) == 1 and "|" not in lines[start + 1]):
        return None
    rows, at = [head], start + 2
    while at < len(lines) and "|" in lines[at] and not lines[at].lstrip().startswith(("```", ">")):
        rows.append(_cells(lines[at]))
        at += 1
    width = max(map(len, rows))
    return [[*row, *[""] * (width - len(row))] for row in rows], at


def render_table(rows: Rows, max_width: int = MAX_TABLE_WIDTH) -> TableBlock:
    """A table as lines with aligned columns; cells that are too wide go on in the next line."""
    safe = [[cell.replace("```", "`\u200b`\u200b`") for cell in row] for row in rows]
    widths = _column_widths(safe, max_width)
    head, *body = ("\n".join(_row_lines(row, widths)) for row in safe)
    rule = _GAP.join("─" * width for width in widths)
    return TableBlock(f"{head}\n{rule}", "\n".join(body))


def _cells(line: str) -> list[str]:
    text = line.strip().removeprefix("|")
    text = text[:-1] if text.endswith("|") and not text.endswith("\\|") else text
    return [_plain(cell.strip().replace("\\|", "|")) for cell in _CELL_END.split(text)]


def _plain(cell: str) -> str:
    """A cell without formatting, which code does not have; a link is its label and its address."""

    def link(match: re.Match[str]) -> str:
        label, url, title = match["label"], match["url"], match["title"]
        shown = label if label == url else f"{label} ({url})".strip()
        return f"{shown} ({title})" if title else shown

    text = _LINK.sub(link, cell)
    while (stripped := _MARKS.sub(lambda match: match["text"], text)) != text:
        text = stripped
    return text


def _column_widths(rows: Rows, max_width: int) -> list[int]:
    """The widths of the columns; the widest ones are narrowed until the table fits, if it can."""
    widths = [max(1, *map(cell_len, column)) for column in zip(*rows, strict=True)]
    available = max_width - len(_GAP) * (len(widths) - 1)
    while sum(widths) > available and max(widths) > _MIN_COLUMN_WIDTH:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row_lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [split_to_width(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    padded = [[*lines, *[""] * (height - len(lines))] for lines in cells]
    return [
        _GAP.join(line + " " * (width - cell_len(line)) for line, width in zip(lines, widths, strict=True)).rstrip()
        for lines in zip(*padded, strict=True)
    ]
