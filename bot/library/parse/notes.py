"""Notes: what a reader tells about a document beside its text, above all what it has left out.

A note is stored with its document (`documents.notes`) by the name of its kind: a renamed kind needs its old name here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from consilium.errors import N_, N_plural, PluralTemplate

_MAX_NAMES: Final = 5
_MAX_NAME_LENGTH: Final = 60


class NoteKind(StrEnum):
    """What a note tells."""

    HIDDEN_SHEETS = "hidden_sheets"
    HIDDEN_ROWS = "hidden_rows"
    HIDDEN_COLUMNS = "hidden_columns"
    HIDDEN_SLIDES = "hidden_slides"
    HIDDEN_TEXT = "hidden_text"
    """Text that the program does not show, or shows struck out."""
    UNCALCULATED = "uncalculated"
    """Formulas whose values the file does not hold."""
    CHARTS = "charts"
    """Charts whose values are not with them."""
    ATTACHMENTS = "attachments"
    """Files that came with a message and are not read."""
    UNREADABLE_MESSAGES = "unreadable_messages"
    """Messages of a chat."""
    PAGES_WITHOUT_TEXT = "pages_without_text"
    LINKS_OUTSIDE = "links_outside"
    """Links in a folder that lead out of it."""


_TEMPLATES: Final[Mapping[NoteKind, str]] = {
    NoteKind.HIDDEN_SHEETS: N_plural(
        "{count} hidden sheet was left out: {names}.", "{count} hidden sheets were left out: {names}.", "count"
    ),
    NoteKind.HIDDEN_ROWS: N_plural(
        "{count} hidden row was left out: {names}.", "{count} hidden rows were left out: {names}.", "count"
    ),
    NoteKind.HIDDEN_COLUMNS: N_plural(
        "{count} hidden column was left out: {names}.", "{count} hidden columns were left out: {names}.", "count"
    ),
    NoteKind.HIDDEN_SLIDES: N_plural(
        "{count} hidden slide was left out: {names}.", "{count} hidden slides were left out: {names}.", "count"
    ),
    NoteKind.HIDDEN_TEXT: N_("Hidden, struck-out or deleted text was left out."),
    NoteKind.UNCALCULATED: N_plural(
        "{count} formula has no saved value: {names}. Open the file in an office program and save it again.",
        "{count} formulas have no saved values: {names}. Open the file in an office program and save it again.",
        "count",
    ),
    NoteKind.CHARTS: N_plural(
        "{count} chart was left out: {names}. Only numbers in cells and tables are read.",
        "{count} charts were left out: {names}. Only numbers in cells and tables are read.",
        "count",
    ),
    NoteKind.ATTACHMENTS: N_plural(
        "{count} attachment was not read: {names}. Add it by itself.",
        "{count} attachments were not read: {names}. Add them by themselves.",
        "count",
    ),
    NoteKind.UNREADABLE_MESSAGES: N_plural(
        "{count} message could not be read and was left out.",
        "{count} messages could not be read and were left out.",
        "count",
    ),
    NoteKind.PAGES_WITHOUT_TEXT: N_plural(
        "{count} page has no text: {names}. A scanned page needs text recognition first.",
        "{count} pages have no text: {names}. Scanned pages need text recognition first.",
        "count",
    ),
    NoteKind.LINKS_OUTSIDE: N_plural(
        "{count} link leads out of the folder and was not followed: {names}.",
        "{count} links lead out of the folder and were not followed: {names}.",
        "count",
    ),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to tell about a document."""

    kind: NoteKind
    count: int = 0
    names: tuple[str, ...] = field(default=())
    """Of the first few things that are counted."""

    def text(self, translate: Callable[[str], str]) -> str:
        """The note as a sentence.

        Args:
            translate: translates a template (`Translator.translate`).
        """
        template = _TEMPLATES[self.kind]
        details: dict[str, object] = {"count": self.count, "names": self._shown_names()}
        if isinstance(template, PluralTemplate):
            template = template.with_number(details)
        return translate(template).format(**details)

    def _shown_names(self) -> str:
        shown = [name if len(name) <= _MAX_NAME_LENGTH else f"{name[:_MAX_NAME_LENGTH]}…" for name in self.names]
        return ", ".join(shown) + (", …" if self.count > len(shown) else "")


def note(kind: NoteKind, names: Iterable[str] = (), count: int | None = None) -> Note:
    """A note about things with these names.

    Args:
        count: of the things, where not all of them are named.
    """
    all_names = list(names)
    return Note(kind, len(all_names) if count is None else count, tuple(all_names[:_MAX_NAMES]))


def note_to_record(told: Note) -> dict[str, Any]:
    """A note as plain values, to be stored as JSON."""
    return {"kind": told.kind.value, "count": told.count, "names": list(told.names)}


def notes_from_records(records: Iterable[Mapping[str, Any]]) -> tuple[Note, ...]:
    """The notes that `note_to_record` stored; those of a kind that this release does not know are left out."""
    known = {kind.value for kind in NoteKind}
    return tuple(
        Note(NoteKind(record["kind"]), record["count"], tuple(record["names"]))
        for record in records
        if record["kind"] in known
    )
