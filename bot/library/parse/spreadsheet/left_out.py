"""What a spreadsheet does not show, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.library.parse.notes import Note, NoteKind, note


@dataclass(slots=True)
class LeftOut:
    """What is left out of a spreadsheet, by name."""

    sheets: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    uncalculated: list[str] = field(default_factory=list)
    """Cells with formulas whose values are not stored."""

    charts: list[str] = field(default_factory=list)
    has_struck: bool = False
    """Whether text that is struck out was left out."""

    def notes(self) -> Iterator[Note]:
        """What is told of it."""
        for kind, names in (
            (NoteKind.HIDDEN_SHEETS, self.sheets),
            (NoteKind.HIDDEN_ROWS, self.rows),
            (NoteKind.HIDDEN_COLUMNS, self.columns),
            (NoteKind.UNCALCULATED, self.uncalculated),
            (NoteKind.CHARTS, self.charts),
        ):
            if names:
                yield note(kind, names)
        if self.has_struck:
            yield note(NoteKind.HIDDEN_TEXT)


def column_name(column: int) -> str:
    """The letters of a column that is counted from 0."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
